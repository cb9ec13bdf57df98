"""Durable workflows; `app` hands them their adapters."""
