"""Workflows: a backup goes on after a crash, a drill or a restore is begun anew; `app` hands them their adapters."""
