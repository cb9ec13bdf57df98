"""One package per backup tool: how to ask it, and how to read what it says."""
