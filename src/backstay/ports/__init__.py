"""What the core asks of the outside world, with the promises each adapter must keep."""
