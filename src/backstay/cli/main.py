"""The program's entry: one exit code for every ending, and never a stack trace on the screen."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from backstay.domain.errors import BackstayError, Cancelled, ExitCode
from backstay.domain.stopping import Interrupted, Terminated

from . import streams

FLAGS = ("--quiet", "-q", "--no-color")
SETTINGS = ("--estate", "--state")


def main() -> None:
    """Run the command line and leave with its exit code."""
    arguments = sys.argv[1:]
    streams.prepare(as_json="--json" in arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _asked_to_end)
    sys.exit(run(arguments))


def _asked_to_end(number: int, frame: FrameType | None) -> None:
    """The first time everything is let go in order; the second time at once, and the next start clears up."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _end_at_once)
    # No KeyboardInterrupt: typer would turn it into an exit without a word.
    raise Terminated if number == signal.SIGTERM else Interrupted


def _end_at_once(number: int, frame: FrameType | None) -> None:
    os._exit(int(ExitCode.INTERRUPTED))


def run(arguments: list[str]) -> int:
    """The exit code of these arguments; everything is printed."""
    as_json = "--json" in arguments
    try:
        code = _guarded(global_options_first(arguments))
        sys.stdout.flush()
        return code
    except BackstayError as error:
        _say(error, as_json)
        return int(error.exit_code)
    except Terminated:
        return _stopped("stopped; the next backstay run takes up what was begun", as_json)
    except Interrupted:
        return _stopped("interrupted", as_json)
    except Exception as bug:  # the last door: whatever gets here is our bug, and is said as one
        _say(_as_bug(bug), as_json)
        return int(ExitCode.OUR_BUG)


def _stopped(words: str, as_json: bool) -> int:
    """Said to the person who waits, and to the program that reads."""
    if as_json:
        _say(Cancelled(words), as_json)
    sys.stderr.write(f"{words}\n")
    return int(ExitCode.INTERRUPTED)


def global_options_first(arguments: list[str]) -> list[str]:
    """The same with the options of every command before the command, wherever they were written.

    >>> global_options_first(["status", "crm", "-q", "--state", "/s", "--", "-q"])
    ['-q', '--state', '/s', 'status', 'crm', '--', '-q']
    """
    first: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return [*first, *rest, word, *words]
        if word in FLAGS or word.startswith(tuple(f"{each}=" for each in SETTINGS)):
            first.append(word)
        elif word in SETTINGS:
            first += [word, *(value for value in [next(words, None)] if value is not None)]
        else:
            rest.append(word)
    return first + rest


def _guarded(arguments: list[str]) -> int:
    import typer

    from .commands import program

    try:
        result = program(arguments, prog_name="backstay", standalone_mode=False)
    except typer.Exit as leave:
        return leave.exit_code
    except typer.Abort as abort:
        raise Interrupted from abort
    except typer.TyperException as wrong:
        raise _wrong_words(wrong) from wrong
    return int(result or 0)


def _wrong_words(wrong: Exception) -> BackstayError:
    """The parser's complaint as one of ours."""
    from backstay.domain.errors import ConfigError

    message = str(getattr(wrong, "format_message", wrong.__str__)()).rstrip(".")
    context = getattr(wrong, "ctx", None)
    hint = f"See {context.command_path} --help." if context else "See backstay --help."
    return ConfigError(message[:1].lower() + message[1:], hint=hint)


def _as_bug(bug: Exception) -> BackstayError:
    from backstay.domain.errors import InvariantBroken

    if os.environ.get("BACKSTAY_TRACEBACK"):
        _print_trace(bug)
    where = bug.__traceback__
    while where and where.tb_next:
        where = where.tb_next
    place = f"{os.path.basename(where.tb_frame.f_code.co_filename)}:{where.tb_lineno}" if where else "?"
    return InvariantBroken(
        f"{type(bug).__name__} at {place}",
        hint="This is a bug in Backstay. Run it again with BACKSTAY_TRACEBACK=1 and report what it prints.",
    )


def _print_trace(bug: Exception) -> None:
    """The stack trace without the secrets that this program knows: what other people's errors quote is not ours."""
    import traceback

    text = "".join(traceback.format_exception(bug))
    if "backstay.app.wiring" in sys.modules:
        from backstay.app.wiring import redacted

        text = redacted(text)
    sys.stderr.write(text)


def _say(error: BackstayError, as_json: bool) -> None:
    from .output import error_document, error_text

    if as_json:
        sys.stdout.write(error_document(error))
        sys.stdout.flush()
    else:
        width = os.get_terminal_size(2).columns if sys.stderr.isatty() else None
        sys.stderr.write(error_text(error, width))
