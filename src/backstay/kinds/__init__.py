"""One package per kind of workload: how to look at it, hold it still, fingerprint it, raise it again elsewhere."""
