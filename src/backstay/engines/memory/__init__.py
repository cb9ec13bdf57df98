"""The smallest engine that keeps every promise: plain files, no tool, no encryption. For tests and rehearsals."""

from .engine import MemoryEngine

__all__ = ["MemoryEngine"]
