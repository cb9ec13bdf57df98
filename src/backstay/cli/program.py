"""The program that commands are added to, the options before every command, and what every command needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backstay import __version__

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


def door(context: typer.Context) -> Door:
    """Which estate file and which state folder were named."""
    from backstay.app.wiring import Door

    return Door(context.obj.estate, context.obj.state)


def screen(context: typer.Context) -> Screen:
    """The screen as the global options want it."""
    from .terminal import screen as make_screen

    return make_screen(quiet=context.obj.quiet, no_color=context.obj.no_color)


@contextmanager
def opened(context: typer.Context) -> Iterator[tuple[Opened, Screen]]:
    """The estate with its records, and the screen to show it on."""
    from backstay.app.wiring import opened as open_estate

    with open_estate(door(context)) as house:
        yield house, screen(context)


@contextmanager
def watched(house: Opened, screen: Screen) -> Iterator[Watch]:
    """Progress on the screen while work is done."""
    from backstay.app.watching import Watch

    from .bars import progress

    with progress(screen) as show:
        yield Watch(house.catalog, house.clock, house.secrets, show, None if screen.quiet else screen.tell)


def show(house: Opened, screen: Screen, as_json: bool, name: str, text: Callable[[], None], **content: Any) -> None:
    """The document if asked for, else the text."""
    from .output import document, emit

    if as_json:
        emit(document(name, house.estate.name, house.clock.now(), **content))
    else:
        text()
