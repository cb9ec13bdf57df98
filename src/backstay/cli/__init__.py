"""The terminal: parse, ask `app`, show."""
