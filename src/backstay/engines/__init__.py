"""One package per backup tool."""
