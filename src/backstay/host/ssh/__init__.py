"""Machines reached over SSH: nothing is installed there, nothing is left there, nothing runs on without us."""
