"""How the demo looks: words before each scene, then what its own command would show."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing

from backstay.app.demo import Scene, as_promised
from backstay.app.now import now
from backstay.domain.errors import ExitCode

from .output import document, emit, plain
from .show_drills import show_drills
from .show_plan import show_plan
from .show_runs import show_taken
from .show_status import show_status
from .terminal import Screen


def show_demo(
    screen: Screen, play: Callable[[str | None], Generator[Scene, None, None]], keep: str | None, as_json: bool
) -> int:
    """Play it; exit status 0 if all went as it must."""
    scenes = []
    # Whoever interrupts it wants his machine back as it was: the stage is cleared before anything else is said.
    with closing(play(keep)) as story:
        for scene in story:
            scenes.append(scene)
            if not as_json:
                _scene(screen, scene, len(scenes))
    good = as_promised(scenes)
    if as_json:
        told = [{"title": each.title, "words": each.words, "content": plain(each.content)} for each in scenes]
        emit(document("demo", "demo", now(), good=good, scenes=told))
    else:
        _last_words(screen, good, keep)
    return int(ExitCode.GOOD if good else ExitCode.FAILED)


def _scene(screen: Screen, scene: Scene, number: int) -> None:
    screen.out.print(f"\n{number}  {scene.title}", style="bold")
    screen.out.print(f"{scene.words}\n", markup=False, soft_wrap=True)
    house = scene.house
    if house is None:
        screen.out.print(scene.content, markup=False, soft_wrap=True)
    elif scene.kind == "plan":
        show_plan(screen, house, scene.content)
    elif scene.kind == "runs":
        show_taken(screen, house, scene.content)
    elif scene.kind == "status":
        show_status(screen, house, scene.content)
    elif scene.kind == "drills":
        show_drills(screen, house, scene.content)


def _last_words(screen: Screen, good: bool, keep: str | None) -> None:
    screen.out.print(
        "\nAll three were proven; the damaged copy was caught."
        if good
        else "\nThe demo did not go as it must; please report what you see above."
    )
    kept = f"Kept in {keep}: estate.yaml, state, vault; the PostgreSQL server is stopped."
    screen.out.print(kept if keep else "Everything of the demo is gone again.", markup=False, soft_wrap=True)
    screen.out.print(
        "Your own data: backstay init, then backstay run --all, then backstay drill --all.", soft_wrap=True
    )
