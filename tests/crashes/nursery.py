"""A process that has the program in memory and forks one that runs it, for each line that it reads.

Importing the program takes longer than a small backup; tests that start it a hundred times start it from here.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

from backstay.cli import main as cli
from crashes.deaths import Death, install


def serve() -> None:
    for name in ("backstay.cli.commands", "backstay.app.runs", "backstay.app.drills", "backstay.flows.durable"):
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            be_the_program(request)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def be_the_program(request: dict[str, Any]) -> None:
    """As the console script would be, but for where it dies. Never returns."""
    for place, name in ((0, os.devnull), (1, request["out"]), (2, request["err"])):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), place)
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv = ["backstay", *request["argv"]]
    if request["death"]:
        install(Death(request["death"]["point"], set(request["death"]["workloads"]), request["death"]["victim"]))
    cli.main()


if __name__ == "__main__":
    serve()
