"""Commands that show: they change nothing but `init`, which writes a file.

Nothing is imported before it is needed, so that `--help` is quick.
"""

from __future__ import annotations

from typing import Annotated

import typer

from .program import Json, Names, app, door, opened, screen, show, watched


@app.command()
def init(
    context: typer.Context,
    directory: Annotated[str, typer.Argument(help="Where the file goes.")] = ".",
    as_json: Json = False,
) -> None:
    """Write a starter estate from what this machine holds."""
    from backstay.app.init import init as make

    from .show_file import show_init

    show_init(screen(context), make(directory, context.obj.state), as_json)


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

    view = look(door(context))
    show_check(screen(context), view, effective=effective, as_json=as_json)
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

    with opened(context) as (house, screen):
        view = decide(house, hours=hours, due=due)
        show(house, screen, as_json, "plan", lambda: show_plan(screen, house, view), **plain(view))
    return int(ExitCode.IMPOSSIBLE if view.impossible else ExitCode.GOOD)


@app.command()
def compare(context: typer.Context, as_json: Json = False) -> None:
    """Patterns side by side on this estate."""
    from backstay.app.foresight import compare as hold_together

    from .output import plain
    from .show_foresight import show_compare

    with opened(context) as (house, screen):
        view = hold_together(house)
        show(house, screen, as_json, "compare", lambda: show_compare(screen, house, view), **plain(view))


@app.command()
def simulate(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=366, help="How far ahead.")] = 31,
    as_json: Json = False,
) -> None:
    """The coming days: runs, gaps, storage, drills."""
    from backstay.app.foresight import simulate as pretend

    from .output import plain
    from .show_foresight import show_simulate

    with opened(context) as (house, screen):
        view = pretend(house, days)
        show(house, screen, as_json, "simulate", lambda: show_simulate(screen, house, view), **plain(view))


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

    with opened(context) as (house, screen):
        views = history(house, tuple(workloads or ()), limit)
        show(house, screen, as_json, "runs", lambda: show_history(screen, house, views), runs=views)


@app.command()
def log(context: typer.Context, run_id: Annotated[str, typer.Argument(metavar="RUN")], as_json: Json = False) -> None:
    """What a run did, and how to restore its point by hand."""
    from backstay.app.runs import log as read

    from .output import plain
    from .show_runs import show_log

    with opened(context) as (house, screen):
        with watched(house, screen) as watch:
            view = read(house, watch, run_id)
        show(house, screen, as_json, "log", lambda: show_log(screen, house, view), **plain(view))


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

    with opened(context) as (house, screen):
        views = stand(house, tuple(workloads or ()))
        show(house, screen, as_json, "status", lambda: show_status(screen, house, views), workloads=views)
    return int(exit_code(views)) if check_state else 0


@app.command()
def points(context: typer.Context, workloads: Names = None, as_json: Json = False) -> None:
    """Restore points, newest first."""
    from backstay.app.points import points as listed

    from .show_points import show_points

    with opened(context) as (house, screen):
        views = listed(house, tuple(workloads or ()))
        show(house, screen, as_json, "points", lambda: show_points(screen, house, views), points=views)


keys_program = typer.Typer(help="Keys of repositories.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys_program, name="keys")


@keys_program.command("list")
def keys_list(context: typer.Context, as_json: Json = False) -> None:
    """Each repository, its address and where its key lies."""
    from backstay.app.keys import keys

    from .show_points import show_keys

    with opened(context) as (house, screen):
        views = keys(house)
        show(house, screen, as_json, "keys", lambda: show_keys(screen, views), keys=views)


hosts_program = typer.Typer(help="Machines that are reached over SSH.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(hosts_program, name="hosts")


@hosts_program.command("prepare")
def hosts_prepare(context: typer.Context, host: Annotated[str, typer.Argument()]) -> None:
    """Print what a host needs to be backed up with few rights."""
    from backstay.app.hosts import preparation

    with opened(context) as (house, screen):
        for line in preparation(house.estate, host).splitlines():
            screen.verbatim(line)
