"""Workflows that survive a crash: backup, restore and drill; `app` hands them their adapters."""
