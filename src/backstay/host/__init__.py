"""The machine: processes, clock, locks, keys, secrets and throwaway folders."""
