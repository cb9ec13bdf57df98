"""The program's entry: one exit code for every ending, and never a stack trace on the screen."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from backstay.domain.errors import BackstayError, ExitCode
from backstay.domain.stopping import Terminated


def main() -> None:
    """Run the command line and leave with its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _asked_to_end)
    sys.exit(run(sys.argv[1:]))


def _asked_to_end(number: int, frame: FrameType | None) -> None:
    """The first time everything is let go in order; the second time at once, and the next start clears up."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _end_at_once)
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


def _end_at_once(number: int, frame: FrameType | None) -> None:
    os._exit(int(ExitCode.INTERRUPTED))


def run(arguments: list[str]) -> int:
    """The exit code of these arguments; everything is printed."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a bar or a tick shows a question mark rather than failing.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    as_json = "--json" in arguments
    try:
        return _guarded(arguments)
    except BackstayError as error:
        _say(error, as_json)
        return int(error.exit_code)
    except Terminated:
        sys.stderr.write("stopped; the next backstay run takes up what was begun\n")
        return int(ExitCode.INTERRUPTED)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our pipe has left; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.GOOD)
    except Exception as bug:  # the last door: whatever gets here is our bug, and is said as one
        _say(_as_bug(bug), as_json)
        return int(ExitCode.OUR_BUG)


def _guarded(arguments: list[str]) -> int:
    import typer

    from .commands import program

    try:
        result = program(arguments, prog_name="backstay", standalone_mode=False)
    except typer.Exit as leave:
        return leave.exit_code
    except typer.Abort as abort:
        raise Terminated if isinstance(abort.__cause__, Terminated) else KeyboardInterrupt from abort
    except typer.TyperException as wrong:
        raise _wrong_words(wrong) from wrong
    return int(result or 0)


def _wrong_words(wrong: Exception) -> BackstayError:
    """The parser's complaint as one of ours."""
    from backstay.domain.errors import ConfigError

    message = str(getattr(wrong, "format_message", wrong.__str__)())
    context = getattr(wrong, "ctx", None)
    hint = f"See {context.command_path} --help." if context else "See backstay --help."
    return ConfigError(message[:1].lower() + message[1:], hint=hint)


def _as_bug(bug: Exception) -> BackstayError:
    from backstay.domain.errors import InvariantBroken

    if os.environ.get("BACKSTAY_TRACEBACK"):
        import traceback

        traceback.print_exception(bug)
    where = bug.__traceback__
    while where and where.tb_next:
        where = where.tb_next
    place = f"{os.path.basename(where.tb_frame.f_code.co_filename)}:{where.tb_lineno}" if where else "?"
    return InvariantBroken(
        f"{type(bug).__name__} at {place}",
        hint="This is a bug in Backstay. Run it again with BACKSTAY_TRACEBACK=1 and report what it prints.",
    )


def _say(error: BackstayError, as_json: bool) -> None:
    from .output import error_document, error_text

    if as_json:
        sys.stdout.write(error_document(error))
    else:
        sys.stderr.write(error_text(error))
