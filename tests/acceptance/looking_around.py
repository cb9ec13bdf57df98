"""What a program sees of itself before it does anything, told instead of doing it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading


def tell() -> None:
    mask = os.umask(0)
    seen = {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "mask": mask,
        "group": os.getpgrp(),
        "files": sorted(os.listdir("/proc/self/fd"))[:-1],  # the last is of the listing itself
        "threads": threading.active_count(),
        "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "left by another": hasattr(sys, "left_by_another"),
    }
    vars(sys)["left_by_another"] = True
    print(json.dumps(seen))
    sys.exit(7)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang() -> None:
    signal.pause()
