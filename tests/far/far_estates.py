"""An estate with hosts that are reached over SSH, used through the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from acceptance.estates import Place
from far_hosts import FarHost, FarHosts, Link, far_hosts

ROOM = 40_000_000


@dataclass
class FarEstate:
    """Two hosts behind one link, each with a tree of random files; `vault` is a folder here."""

    place: Place
    far: FarHosts
    link: Link
    app1: FarHost
    app2: FarHost

    def write(self, *, more: str = "", size: str = "23Mbit/s") -> None:
        """The estate file: workloads `one` and `two`, the files of each host."""
        hosts = "".join(f"  {host.name}: {{address: '{host.address}'}}\n" for host in (self.app1, self.app2))
        links = f"links:\n  wan: {{capacity: {size}, reaches: [app1, app2]}}\n"
        self.place.write(
            {
                "one": "kind: files, host: app1, paths: [/home/backup/tree]",
                "two": "kind: files, host: app2, paths: [/home/backup/tree]",
            },
            more=f"workflow: parallel\nhosts:\n{hosts}{links}{more}",
        )

    def fill(self, host: FarHost, megabytes: float, name: str = "tree") -> None:
        """A tree in the account's home with so much that cannot be made smaller, in ten files."""
        each = int(megabytes * 100_000)
        loop = f"for i in 0 1 2 3 4 5 6 7 8 9; do head -c {each} /dev/urandom >/home/backup/{name}/$i; done"
        host.call("sh", "-c", f"mkdir -p /home/backup/{name}; {loop}; chown -R backup: /home/backup")

    def engines(self, host: FarHost) -> list[str]:
        """Command lines of restic that run there."""
        return [line for line in host.processes().values() if line.startswith("restic")]


@contextmanager
def far_estate(root: Path, bytes_per_s: int | None = None) -> Iterator[FarEstate]:
    """Gone with its hosts when the context is left."""
    root.chmod(0o755)
    (root / "net").mkdir()
    with far_hosts(root / "net") as far:
        link = far.link(bytes_per_s)
        app1, app2 = (link.host(name, home_bytes=ROOM) for name in ("app1", "app2"))
        place = Place(root, {"HOME": str(far.home), "SSH_AUTH_SOCK": ""})
        place.vault.mkdir()
        estate = FarEstate(place, far, link, app1, app2)
        estate.write()
        yield estate
