"""Where copies lie."""
