"""Every command: parse, ask `app`, show. Nothing is imported before it is needed, so that `--help` is quick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backstay import __version__
from backstay.domain.drills import Level
from backstay.domain.errors import ConfigError

if TYPE_CHECKING:
    from backstay.app.watching import Watch
    from backstay.app.wiring import Door, Opened

    from .terminal import Screen

app = typer.Typer(
    help="Backup workflows that are planned, run and proven.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[WORKLOAD]...", help="Workloads by name.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@dataclass(frozen=True, slots=True)
class Global:
    """The options that stand before every command."""

    estate: str | None
    state: str | None
    quiet: bool
    no_color: bool


def _version(asked: bool) -> None:
    """Told before the parser asks for a command."""
    if asked:
        typer.echo(f"backstay {__version__}")
        raise typer.Exit


@app.callback()
def before(
    context: typer.Context,
    estate: Annotated[str | None, typer.Option(help="The estate file.", envvar="BACKSTAY_ESTATE")] = None,
    state: Annotated[str | None, typer.Option(help="The state folder.", envvar="BACKSTAY_STATE")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no logs.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour; NO_COLOR does the same.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="The version, and nothing else.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Backup workflows that are planned, run and proven."""
    context.obj = Global(estate, state, quiet, no_color)


def _door(context: typer.Context) -> Door:
    from backstay.app.wiring import Door

    return Door(context.obj.estate, context.obj.state)


def _screen(context: typer.Context) -> Screen:
    from .terminal import screen

    return screen(quiet=context.obj.quiet, no_color=context.obj.no_color)


@contextmanager
def _opened(context: typer.Context) -> Iterator[tuple[Opened, Screen]]:
    from backstay.app.wiring import opened

    with opened(_door(context)) as house:
        yield house, _screen(context)


@contextmanager
def _watched(house: Opened, screen: Screen) -> Iterator[Watch]:
    from backstay.app.watching import Watch

    from .bars import progress

    with progress(screen) as show:
        yield Watch(house.catalog, house.clock, house.secrets, show, None if screen.quiet else screen.tell)


def _show(house: Opened, screen: Screen, as_json: bool, name: str, text: Callable[[], None], **content: Any) -> None:
    """The document if asked for, else the text."""
    from .output import document, emit

    if as_json:
        emit(document(name, house.estate.name, house.clock.now(), **content))
    else:
        text()


@app.command()
def init(
    context: typer.Context,
    directory: Annotated[str, typer.Argument(help="Where the file goes.")] = ".",
    as_json: Json = False,
) -> None:
    """Write a starter estate from what this machine holds."""
    from backstay.app.init import init as make

    from .show_file import show_init

    show_init(_screen(context), make(directory, context.obj.state), as_json)


@app.command()
def check(
    context: typer.Context,
    effective: Annotated[bool, typer.Option("--effective", help="Every value and where it came from.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings make exit status 8.")] = False,
    as_json: Json = False,
) -> int:
    """Hold the estate file against grammar and good sense."""
    from backstay.app.check import check as look
    from backstay.app.check import exit_code

    from .show_file import show_check

    view = look(_door(context))
    show_check(_screen(context), view, effective=effective, as_json=as_json)
    return int(exit_code(view, strict=strict))


@app.command()
def schema() -> None:
    """JSON Schema of the estate file."""
    from backstay.app.check import schema as make

    from .output import as_json, emit

    emit(as_json(make()))


@app.command()
def plan(
    context: typer.Context,
    hours: Annotated[float, typer.Option(min=0.1, max=24 * 31, help="How far ahead.")] = 24,
    due: Annotated[bool, typer.Option("--due", help="Only what must start now.")] = False,
    as_json: Json = False,
) -> int:
    """What runs when, and why."""
    from backstay.app.plan import plan as decide
    from backstay.domain.errors import ExitCode

    from .output import plain
    from .show_plan import show_plan

    with _opened(context) as (house, screen):
        view = decide(house, hours=hours, due=due)
        _show(house, screen, as_json, "plan", lambda: show_plan(screen, house, view), **plain(view))
    return int(ExitCode.IMPOSSIBLE if view.impossible else ExitCode.GOOD)


@app.command()
def run(
    context: typer.Context,
    workloads: Names = None,
    due: Annotated[bool, typer.Option("--due", help="What is due (as with no name at all).")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every workload.")] = False,
    target: Annotated[str | None, typer.Option(help="Another target than the policy's first copy.")] = None,
    as_json: Json = False,
) -> int:
    """Take restore points now.

    Ctrl-C cancels the runs that were asked for. SIGTERM lets them go: the next `backstay run` takes them up again.
    """
    from backstay.app.runs import exit_code
    from backstay.app.runs import run as take

    from .show_runs import show_taken

    _one_choice(workloads, due, everything)
    with _opened(context) as (house, screen):
        with _watched(house, screen) as watch:
            views = take(house, watch, tuple(workloads or ()), everything=everything, target=target)
        _show(house, screen, as_json, "run", lambda: show_taken(screen, house, views), runs=views)
    return int(exit_code(views))


def _one_choice(workloads: list[str] | None, due: bool, everything: bool) -> None:
    if bool(workloads) + due + everything > 1:
        raise ConfigError("names, --due and --all exclude one another")


@app.command()
def cancel(
    context: typer.Context, run_id: Annotated[str, typer.Argument(metavar="RUN")], as_json: Json = False
) -> None:
    """Stop a run."""
    from backstay.app.runs import cancel as stop

    with _opened(context) as (house, screen):
        with _watched(house, screen) as watch:
            view = stop(house, watch, run_id)
        word = "is cancelled" if view.result == "cancelled" else "will stop within seconds"
        _show(house, screen, as_json, "cancel", lambda: screen.say(f"run {view.run_id} {word}"), run=view)


@app.command()
def runs(
    context: typer.Context,
    workloads: Names = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 30,
    as_json: Json = False,
) -> None:
    """Runs, newest first."""
    from backstay.app.runs import runs as history

    from .show_runs import show_history

    with _opened(context) as (house, screen):
        views = history(house, tuple(workloads or ()), limit)
        _show(house, screen, as_json, "runs", lambda: show_history(screen, house, views), runs=views)


@app.command()
def log(context: typer.Context, run_id: Annotated[str, typer.Argument(metavar="RUN")], as_json: Json = False) -> None:
    """What a run did, and how to restore its point by hand."""
    from backstay.app.runs import log as read

    from .output import plain
    from .show_runs import show_log

    with _opened(context) as (house, screen):
        with _watched(house, screen) as watch:
            view = read(house, watch, run_id)
        _show(house, screen, as_json, "log", lambda: show_log(screen, house, view), **plain(view))


@app.command()
def status(
    context: typer.Context,
    workloads: Names = None,
    check_state: Annotated[
        bool, typer.Option("--check", help="Exit 1 when a workload is late, failing or never.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Every workload against its objectives."""
    from backstay.app.status import exit_code
    from backstay.app.status import status as stand

    from .show_status import show_status

    with _opened(context) as (house, screen):
        views = stand(house, tuple(workloads or ()))
        _show(house, screen, as_json, "status", lambda: show_status(screen, house, views), workloads=views)
    return int(exit_code(views)) if check_state else 0


@app.command()
def points(context: typer.Context, workloads: Names = None, as_json: Json = False) -> None:
    """Restore points, newest first."""
    from backstay.app.points import points as listed

    from .show_points import show_points

    with _opened(context) as (house, screen):
        views = listed(house, tuple(workloads or ()))
        _show(house, screen, as_json, "points", lambda: show_points(screen, house, views), points=views)


@app.command()
def restore(
    context: typer.Context,
    workload: Annotated[str, typer.Argument()],
    to: Annotated[str | None, typer.Option("--to", metavar="DIR", help="An empty or new folder.")] = None,
    into: Annotated[
        str | None, typer.Option("--into", metavar="REF", help="An empty database, by address or secret reference.")
    ] = None,
    point: Annotated[str | None, typer.Option(help="Which point; the newest good one if not given.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="The newest point at this local time.")] = None,
    include: Annotated[list[str] | None, typer.Option(help="Only what matches; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Bring a point back into a folder or an empty database."""
    from backstay.app.points import restore as bring_back

    from .show_points import show_restore

    if (to is None) == (into is None):
        raise ConfigError("give either --to DIR or --into REF")
    if point is not None and at is not None:
        raise ConfigError("--point and --at exclude one another")
    moment = _moment(at) if at is not None else None
    with _opened(context) as (house, screen):
        with _watched(house, screen) as watch:
            view = bring_back(
                house, watch, workload, to, into=into, point=point, at=moment, include=tuple(include or ())
            )
        _show(house, screen, as_json, "restore", lambda: show_restore(screen, house, view), restore=view)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        hint = "Write 2026-11-24T02:14, or with a zone 2026-11-24T02:14Z."
        raise ConfigError(f"--at {text} is not a time", subject=text, hint=hint) from None


@app.command()
def drill(
    context: typer.Context,
    workloads: Names = None,
    due: Annotated[bool, typer.Option("--due", help="What is due (as with no name at all).")] = False,
    everything: Annotated[bool, typer.Option("--all", help="The newest point of every workload.")] = False,
    point: Annotated[str | None, typer.Option(help="This point instead of the newest.")] = None,
    depth: Annotated[Level, typer.Option(help="How deep.")] = "L6",
    as_json: Json = False,
) -> int:
    """Restore into a throwaway place and prove it."""
    from backstay.app.drills import drill as prove
    from backstay.app.drills import exit_code

    from .show_drills import show_drills

    _one_choice(workloads, due, everything)
    with _opened(context) as (house, screen):
        with _watched(house, screen) as watch:
            drills = prove(house, watch, tuple(workloads or ()), everything=everything, point=point, depth=depth)
        _show(house, screen, as_json, "drill", lambda: show_drills(screen, house, drills), drills=drills)
    return int(exit_code(drills, depth))


@app.command()
def verify(
    context: typer.Context,
    workloads: Names = None,
    read_all: Annotated[bool, typer.Option("--read-all", help="Let the engine read all stored bytes too.")] = False,
    as_json: Json = False,
) -> int:
    """Look at stored bytes; restores nothing."""
    from backstay.app.points import verify as look
    from backstay.domain.errors import ExitCode

    from .show_points import show_verified

    with _opened(context) as (house, screen):
        with _watched(house, screen) as watch:
            seen = look(house, watch, tuple(workloads or ()), read_all=read_all)
        _show(house, screen, as_json, "verify", lambda: show_verified(screen, seen), repositories=seen)
    return int(ExitCode.DAMAGED if any(each.problems for each in seen) else ExitCode.GOOD)


keys_program = typer.Typer(help="Keys of repositories.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys_program, name="keys")


@keys_program.command("list")
def keys_list(context: typer.Context, as_json: Json = False) -> None:
    """Each repository, its address and where its key lies."""
    from backstay.app.keys import keys

    from .show_points import show_keys

    with _opened(context) as (house, screen):
        views = keys(house)
        _show(house, screen, as_json, "keys", lambda: show_keys(screen, views), keys=views)


engine_program = typer.Typer(help="Backup tools.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(engine_program, name="engine")


@engine_program.command("check")
def engine_check(
    context: typer.Context,
    target: Annotated[str | None, typer.Option(help="In this target; the first if not given.")] = None,
    as_json: Json = False,
) -> int:
    """Try the promises that Backstay relies on, on your tools."""
    from backstay.app.engines import check_engines
    from backstay.domain.errors import ExitCode

    from .show_points import show_promises

    with _opened(context) as (house, screen):
        with _watched(house, screen) as watch:
            views = check_engines(house, watch, target)
        _show(house, screen, as_json, "engine-check", lambda: show_promises(screen, views), engines=views)
    kept = all(each.kept for view in views for each in view.promises)
    return int(ExitCode.GOOD if kept else ExitCode.FAILED)


@app.command()
def demo(
    context: typer.Context,
    keep: Annotated[str | None, typer.Option(metavar="DIR", help="Leave everything in this new folder.")] = None,
    as_json: Json = False,
) -> int:
    """The whole story on a throwaway estate."""
    from backstay.app.demo import demo as play

    from .show_demo import show_demo

    return show_demo(_screen(context), play, keep, as_json)


program = typer.main.get_command(app)
