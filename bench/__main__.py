"""`python -m bench NAME`: measure; without a name: the list."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

# The private PostgreSQL of the tests serves here too.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from bench import overhead, planner, standing, window
from bench.measuring import BenchFailed

BENCHES = {"overhead": overhead, "planner": planner, "standing": standing, "window": window}


def main(arguments: list[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measurements, side by side.")
    names = parser.add_subparsers(dest="name", metavar="NAME")
    for name, bench in BENCHES.items():
        own = names.add_parser(name, help=bench.SUMMARY, description=bench.SUMMARY)
        own.add_argument("--json", action="store_true", help="the document instead of the table")
        bench.add_options(own)
    options = parser.parse_args(arguments)
    if options.name is None:
        parser.print_help()
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="backstay-bench-") as folder:
            report = BENCHES[options.name].measure(options, Path(folder))
    except BenchFailed as failure:
        print(f"no figures: {failure}", file=sys.stderr)
        return 1
    path = report.save()
    print(report.document() if options.json else report.text(), end="")
    print(f"written to {path}", file=sys.stderr)
    return 0


# Told to end, it still takes its servers and folders with it.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
sys.exit(main(sys.argv[1:]))
