"""restic: encrypted, deduplicated snapshots of paths and streams."""

from .engine import ResticEngine

__all__ = ["ResticEngine"]
