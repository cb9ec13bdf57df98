"""Directory trees and files: scanned before and after the copy, hashed where they changed, compared entry by entry."""

from .kind import FilesKind
from .stock import StockTrees

__all__ = ["FilesKind", "StockTrees"]
