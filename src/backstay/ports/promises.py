"""What a contract's checks raise."""


class BrokenPromise(Exception):
    """An adapter does not keep its contract; the message is the promise it broke."""
