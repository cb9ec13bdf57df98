"""Ends that are no errors: nothing that turns errors into results may catch them."""

from __future__ import annotations


class Interrupted(BaseException):
    """A person pressed Ctrl-C: what was asked for is not wanted any more."""


class Terminated(BaseException):
    """The machine asks the program to end, at a shutdown or by a service manager: what was asked for is still owed."""


class Leaving(BaseException):
    """Raised inside a run whose program ends: everything is let go, and the next program takes the run up again."""
