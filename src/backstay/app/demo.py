"""`demo`: the whole story on a throwaway estate, with writers at work all the while."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from backstay.domain.errors import ConfigError, Refused

from .demo_data import living_data, require_tools
from .drills import drill
from .plan import plan
from .runs import run
from .status import status
from .watching import Watch
from .wiring import Door, Opened, opened


@dataclass(frozen=True, slots=True)
class Scene:
    """One part of the story: what happens and why it matters in `words`; `content` is what the command would show."""

    title: str
    words: str
    kind: Literal["words", "estate", "plan", "runs", "status", "drills"]
    content: Any = None
    house: Opened | None = None


def demo(keep: str | None) -> Generator[Scene, None, None]:
    """Scene after scene. Everything is gone at the end, unless `keep` names a new folder to leave it in."""
    require_tools()
    with ExitStack() as stage:
        folder = stage.enter_context(_stage(keep))
        stage.enter_context(living_data(folder))
        yield Scene("The estate", _ESTATE, "estate", (folder / "estate.yaml").read_text())
        with opened(Door(str(folder / "estate.yaml"), str(folder / "state"))) as house:
            yield from _story(house, folder)


_ESTATE = """\
A shop: its database in PostgreSQL, its documents, and a ledger in SQLite, all
being written to all the while. The file says what each part is owed, not when
anything runs."""

_PLAN = """\
From what is owed Backstay derives when and in which order, and says why. The
shop's files come right after its database, so that both show nearly the same
moment."""

_RUNS = """\
Each copy is taken from one moment of its source, and what the data was at
that moment is recorded with it."""

_STATUS = """\
Taken is not proven: a backup that was never restored is a hope."""

_DRILLS = """\
Each point is restored, brought to life in a private place, and held against
the record: is it the same data, and is it this backup and no older one?"""

_DAMAGE = """\
Disks and people damage copies in silence. Here, one bit of the ledger's copy
is flipped:"""

_CAUGHT = """\
A drill that cannot fail proves nothing. This one must fail now, at the
damaged piece:"""

_AFTER = """\
What is damaged counts for nothing any more, and status says so, until a new
point is taken elsewhere."""


def _story(house: Opened, folder: Path) -> Iterator[Scene]:
    watch = Watch(house.catalog, house.clock, house.secrets)
    yield Scene("The plan", _PLAN, "plan", plan(house, hours=1), house)
    yield Scene("Restore points", _RUNS, "runs", run(house, watch, (), everything=True), house)
    yield Scene("Status", _STATUS, "status", status(house), house)
    yield Scene("Proof", _DRILLS, "drills", drill(house, watch, (), everything=True), house)
    yield Scene("Damage", _DAMAGE, "words", _damage(folder / "vault" / "restic" / "ledger"))
    yield Scene("The same drill again", _CAUGHT, "drills", drill(house, watch, ("ledger",)), house)
    yield Scene("Status again", _AFTER, "status", status(house), house)


def as_promised(scenes: list[Scene]) -> bool:
    """Whether the story went as it must: all runs good, all drills proven, the damaged copy caught and told."""
    runs = [view for scene in scenes if scene.kind == "runs" for view in scene.content]
    drills = [each for scene in scenes if scene.kind == "drills" for each in scene.content]
    states = [view.state for scene in scenes if scene.kind == "status" for view in scene.content]
    return (
        [view.result for view in runs] == ["done"] * 3
        and [each.verdict for each in drills] == ["proven"] * 3 + ["failed"]
        and states == ["ok"] * 5 + ["never"]
    )


@contextmanager
def _stage(keep: str | None) -> Iterator[Path]:
    if keep:
        yield _kept(Path(keep).absolute())
        return
    folder = Path(tempfile.mkdtemp(prefix="backstay-demo-")).resolve()
    try:
        (folder / "vault").mkdir()
        yield folder
    finally:
        shutil.rmtree(folder)


def _kept(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True)
        (folder / "vault").mkdir()
    except FileExistsError:
        raise Refused(f"{folder} is there already", subject=str(folder), hint="Give --keep a new folder.") from None
    except OSError as error:
        hint = "Give --keep a new folder in a place where you may write."
        raise ConfigError(f"{folder} cannot be made: {error.strerror}", subject=str(folder), hint=hint) from error
    return folder


def _damage(repository: Path) -> str:
    """Flip one bit in the middle of the largest stored piece."""
    piece = max((path for path in (repository / "data").rglob("*") if path.is_file()), key=lambda p: p.stat().st_size)
    piece.chmod(0o600)
    content = bytearray(piece.read_bytes())
    content[len(content) // 2] ^= 1
    piece.write_bytes(content)
    return f"{piece.name[:12]}… in the vault has the {len(content):,} bytes it had before, and one other bit"
