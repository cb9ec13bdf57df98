"""Backstay started in the background of a script, where the shell has signals ignored."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import signal, sys
for number in (signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, signal.SIG_IGN)
from backstay.host.clock import SystemClock
from backstay.host.processes import Processes
from backstay.host.secrets import HostSecrets
from backstay.ports.progress import Silent
from backstay.ports.runner import Command
runner = Processes(HostSecrets(), SystemClock(), sys.argv[1])
print(runner.run(Command(("grep", "SigIgn", "/proc/self/status")), Silent()).out)
"""


def test_programs_hear_the_signals_that_a_shell_has_us_ignore(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True)
    ignored = int(done.stdout.split()[1], 16)
    assert not ignored & (1 << 1 | 1 << 2)
