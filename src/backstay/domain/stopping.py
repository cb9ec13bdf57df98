"""Ends that are no errors: nothing that turns errors into results may catch them."""

from __future__ import annotations


class Terminated(KeyboardInterrupt):
    """The machine asks the program to end: a shutdown, a service manager. A person's Ctrl-C is a KeyboardInterrupt."""


class Leaving(BaseException):
    """Raised inside a run whose program ends: everything is let go, and the next program takes the run up again."""
