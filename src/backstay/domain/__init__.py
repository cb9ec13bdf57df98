"""The words of backup as immutable values, and the errors."""
