"""Being an ordinary user for a while, in tests that may be run by root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

NOBODY = 65534


@contextmanager
def nobody() -> Iterator[None]:
    """This process without root's rights, if it has them."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def as_nobody() -> list[str]:
    """What stands before a command that is not to run as root."""
    if os.geteuid() != 0:
        return []
    plain = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    reached = subprocess.run([*plain, "test", "-r", sys.prefix + "/pyvenv.cfg"], check=False).returncode == 0
    # A checkout in a private folder can be read by its owner alone; reading is all that is lent.
    return plain if reached else [*plain, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
