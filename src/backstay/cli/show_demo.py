"""How the demo looks: each scene as its own command would show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from backstay.app.demo import Scene, as_promised
from backstay.app.now import now
from backstay.domain.errors import ExitCode

from .output import document, emit, plain
from .show_drills import show_drills
from .show_plan import show_plan
from .show_runs import show_taken
from .show_status import show_status
from .terminal import Screen


def show_demo(screen: Screen, play: Callable[[str | None], Iterator[Scene]], keep: str | None, as_json: bool) -> int:
    """Play it; exit status 0 if all went as it must."""
    scenes = []
    for number, scene in enumerate(play(keep), start=1):
        scenes.append(scene)
        if not as_json:
            screen.say(f"\n{number}  {scene.title}\n", style="bold")
            _scene(screen, scene)
    good = as_promised(scenes)
    if as_json:
        told = [{"title": scene.title, "content": plain(scene.content)} for scene in scenes]
        emit(document("demo", "demo", now(), good=good, scenes=told))
    else:
        screen.say(
            "\nAll three were proven; the damaged copy was caught."
            if good
            else "\nThe demo did not go as it must; please report what you see above."
        )
        screen.say(f"Kept in {keep}." if keep else "Everything of the demo is gone again.")
        screen.say("Your own data: backstay init, then backstay run --all, then backstay drill --all.")
    return int(ExitCode.GOOD if good else ExitCode.FAILED)


def _scene(screen: Screen, scene: Scene) -> None:
    house = scene.house
    if scene.kind in ("words", "estate") or house is None:
        for line in scene.content.splitlines():
            screen.verbatim(line)
    elif scene.kind == "plan":
        show_plan(screen, house, scene.content)
    elif scene.kind == "runs":
        show_taken(screen, house, scene.content)
    elif scene.kind == "status":
        show_status(screen, house, scene.content)
    elif scene.kind == "drills":
        show_drills(screen, house, scene.content)
