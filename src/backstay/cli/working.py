"""Commands that work: they take, stop, bring back, prove and look at stored bytes.

Nothing is imported before it is needed, so that `--help` is quick.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from backstay.domain.drills import Level
from backstay.domain.errors import ConfigError

from .program import Json, Names, app, opened, screen, show, watched


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
    with opened(context) as (house, screen):
        with watched(house, screen) as watch:
            views = take(house, watch, tuple(workloads or ()), everything=everything, target=target)
        show(house, screen, as_json, "run", lambda: show_taken(screen, house, views), runs=views)
    return int(exit_code(views))


def _one_choice(workloads: list[str] | None, due: bool, everything: bool) -> None:
    if bool(workloads) + due + everything > 1:
        raise ConfigError("names, --due and --all exclude one another")


@app.command()
def serve(context: typer.Context) -> None:
    """Stay, and take restore points as they become due. `run` hands its work over to it.

    Ctrl-C or SIGTERM ends it; what was begun is taken up again at the next start.
    """
    from backstay.app.serving import serve as stay

    from .terminal import count

    with opened(context) as (house, screen), watched(house, screen) as watch:
        screen.tell(f"{house.estate.name}: serving {count(len(house.estate.workloads), 'workload')}")
        stay(house, watch)


@app.command()
def cancel(
    context: typer.Context, run_id: Annotated[str, typer.Argument(metavar="RUN")], as_json: Json = False
) -> None:
    """Stop a run."""
    from backstay.app.runs import cancel as stop

    with opened(context) as (house, screen):
        with watched(house, screen) as watch:
            view = stop(house, watch, run_id)
        word = "is cancelled" if view.result == "cancelled" else "will stop within seconds"
        show(house, screen, as_json, "cancel", lambda: screen.say(f"run {view.run_id} {word}"), run=view)


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
    with opened(context) as (house, screen):
        with watched(house, screen) as watch:
            view = bring_back(
                house, watch, workload, to, into=into, point=point, at=moment, include=tuple(include or ())
            )
        show(house, screen, as_json, "restore", lambda: show_restore(screen, house, view), restore=view)


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
    with opened(context) as (house, screen):
        with watched(house, screen) as watch:
            drills = prove(house, watch, tuple(workloads or ()), everything=everything, point=point, depth=depth)
        show(house, screen, as_json, "drill", lambda: show_drills(screen, house, drills), drills=drills)
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

    with opened(context) as (house, screen):
        with watched(house, screen) as watch:
            seen = look(house, watch, tuple(workloads or ()), read_all=read_all)
        show(house, screen, as_json, "verify", lambda: show_verified(screen, seen), repositories=seen)
    return int(ExitCode.DAMAGED if any(each.problems for each in seen) else ExitCode.GOOD)


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

    with opened(context) as (house, screen):
        with watched(house, screen) as watch:
            views = check_engines(house, watch, target)
        show(house, screen, as_json, "engine-check", lambda: show_promises(screen, views), engines=views)
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

    return show_demo(screen(context), play, keep, as_json)
