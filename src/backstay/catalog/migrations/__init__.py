"""The steps by which a catalog's tables became what they are; a released step is never changed."""
