"""What a user can ask for, one function each, and the wiring of all rooms."""
