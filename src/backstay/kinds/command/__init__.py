"""What a command writes to its standard output, hashed on the way."""

from .kind import CommandKind

__all__ = ["CommandKind"]
