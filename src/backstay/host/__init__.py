"""The machine: processes, clock, throwaway folders, secrets."""
