"""The one event loop of this process, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import wait
from functools import cache
from threading import Lock, Thread
from typing import Any, TypeVar

CHECK_EVERY_S = 0.25

T = TypeVar("T")


def loop() -> asyncio.AbstractEventLoop:
    """It is started when first asked for, and ends with the process."""
    with _making:  # or two threads that ask at once would each have one
        return _made()


_making = Lock()


@cache
def _made() -> asyncio.AbstractEventLoop:
    # It warns of each write to a connection that broke off a moment ago; whoever waits for that is told, too.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    made = asyncio.new_event_loop()
    Thread(target=made.run_forever, name="ssh", daemon=True).start()
    return made


def call(work: Coroutine[Any, Any, T], check: Callable[[], None]) -> T:
    """What the work returns, waited for in this thread; `check` may end the waiting, and then the work, by raising."""
    future = asyncio.run_coroutine_threadsafe(work, loop())
    try:
        while not wait([future], CHECK_EVERY_S).done:
            check()
        return future.result()
    finally:
        future.cancel()


def post(act: Callable[..., object], *args: object) -> None:
    """Have the loop's thread do something soon."""
    loop().call_soon_threadsafe(act, *args)
