"""An estate with a canary in every place that a secret can come from, and a record of all that it shows."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from acceptance.estates import Answer, Place, some_files
from canaries.searching import Search, awkward_canary, canary
from made_repositories import make_repository
from postgres import PrivatePostgres

KEYRING = """\
from pathlib import Path

import keyring.backend


class CanaryKeyring(keyring.backend.KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return (Path(__file__).parent / f"{service}-{username}").read_text()

    def set_password(self, service, username, password):
        raise NotImplementedError

    def delete_password(self, service, username):
        raise NotImplementedError
"""

ESTATE = """\
estate: canaries
targets:
  plain:  {{url: {root}/vault}}
  ring:   {{url: {root}/ring, password: "keyring:vault/me"}}
  filed:  {{url: {root}/filed, password: "cmd:cat {root}/private/for-cmd", credentials: "file:{root}/private/s3"}}
policies:
  plain: {{rpo: 1h, copies: [plain]}}
  ring:  {{rpo: 1h, copies: [ring]}}
  filed: {{rpo: 1h, copies: [filed]}}
workloads:
  by-url:      {{kind: postgresql, dsn: "env:CANARY_DSN", policy: ring}}
  by-keywords: {{kind: postgresql, dsn: "file:{root}/private/dsn", policy: filed}}
  by-libpq:    {{kind: postgresql, dsn: "postgresql://postgres@/postgres?host={sockets}", policy: plain}}
  refused:     {{kind: postgresql, dsn: "env:CANARY_REFUSED", policy: plain}}
  wrong:       {{kind: postgresql, dsn: "env:CANARY_WRONG", policy: plain}}
  listing:     {{kind: command, command: [sh, {root}/produce], file_name: listing.txt, policy: ring}}
  files:       {{kind: files, paths: [{root}/files], policy: plain}}
"""

PRODUCE = 'while [ -e "{root}/hold" ]; do sleep 0.05; done; echo nothing secret\n'


@dataclass
class Life:
    """The estate in use; every command's output is kept."""

    place: Place
    server: PrivatePostgres
    canaries: list[str]
    screens: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def at(cls, root: Path, server: PrivatePostgres) -> Life:
        assert server.password is not None
        ring, for_cmd, s3, restic, wrong, pgpass = (canary() for _ in range(6))
        refused = awkward_canary()
        place = Place(root)
        life = cls(place, server, [server.password, ring, for_cmd, s3, restic, wrong, pgpass, refused])
        life._write_estate()
        life._write_secrets({"for-cmd": for_cmd, "s3": f"access_key_id = id\nsecret_access_key = {s3}\n"})
        life._write_keyring(ring)
        for name in ("by-url", "listing"):  # the others are made by a run
            make_repository(root / "ring" / "restic" / name, ring)
        place.environment.update(
            CANARY_DSN=server.full_address,
            CANARY_REFUSED=f"postgresql://postgres:{quote(refused, safe='')}@127.0.0.1:1/postgres",
            CANARY_WRONG=server.address_of("postgres", password=wrong),
            PGPASSWORD=server.password,
            RESTIC_PASSWORD=restic,
            BACKSTAY_TRACEBACK="1",
            HOME=str(root / "private"),
            XDG_CACHE_HOME=str(root / "cache"),
            PYTHONPATH=str(root / "private"),
            PYTHON_KEYRING_BACKEND="canary_keyring.CanaryKeyring",
        )
        passfile = root / "private" / ".pgpass"
        passfile.write_text(f"elsewhere.example:5432:*:*:{pgpass}\n")
        passfile.chmod(0o600)
        return life

    @property
    def root(self) -> Path:
        return self.place.root

    def _write_estate(self) -> None:
        for folder in ("vault", "ring", "filed"):
            (self.root / folder).mkdir()
        (self.root / "estate.yaml").write_text(ESTATE.format(root=self.root, sockets=self.server.sockets))
        (self.root / "produce").write_text(PRODUCE.format(root=self.root))
        some_files(self.root / "files")

    def _write_secrets(self, secrets: dict[str, str]) -> None:
        private = self.root / "private"
        private.mkdir(mode=0o700)
        escaped = (self.server.password or "").replace("\\", "\\\\").replace("'", "\\'")
        keywords = f"host={self.server.sockets} user=postgres dbname=postgres password='{escaped}'"
        for name, content in {**secrets, "dsn": keywords}.items():
            (private / name).write_text(content)
            (private / name).chmod(0o600)

    def _write_keyring(self, secret: str) -> None:
        (self.root / "private" / "canary_keyring.py").write_text(KEYRING)
        (self.root / "private" / "vault-me").write_text(secret)

    def do(self, *arguments: str) -> Answer:
        """A command to its end, its output kept."""
        answer = self.place.do(*arguments)
        self.screens += [(" ".join(arguments), answer.out), (" ".join(arguments), answer.err)]
        return answer

    def may_not_read_everything(self) -> None:
        """From now on the account of `by-url`, with a password of its own, meets an object that is not for it."""
        secret = awkward_canary()
        self.canaries.append(secret)
        literal = secret.replace("'", "''")
        self.server.execute(
            f"CREATE ROLE reader LOGIN PASSWORD '{literal}' IN ROLE pg_read_all_data", "SELECT lo_create(4711)"
        )
        self.place.environment["CANARY_DSN"] = self.server.address_of("postgres", user="reader", password=secret)

    def a_restic_that_tells(self) -> None:
        """It stands before the real one, knows its version, and at all else fails and tells its whole environment."""
        folder = self.root / "tools"
        folder.mkdir()
        tool = folder / "restic"
        known = f'case "$*" in *version*) exec {shutil.which("restic")} version;; esac'
        tool.write_text(f'#!/bin/sh\n{known}\nenv >&2\necho "Fatal: $RESTIC_PASSWORD" >&2\nexit 1\n')
        tool.chmod(0o755)
        self.place.environment["PATH"] = f"{folder}:{os.environ['PATH']}"

    def the_real_restic(self) -> None:
        del self.place.environment["PATH"]

    def made_keys(self) -> list[str]:
        return [path.read_text().strip() for path in (self.place.state / "keys").glob("*/*.key")]

    def search(self) -> Search:
        return Search([*self.canaries, *self.made_keys()])

    def shown(self) -> list[str]:
        """Wherever a canary shows: on a screen, in the state folder beside the keys, in a store, in temporary files."""
        search = self.search()
        found = [word for command, text in self.screens for word in search.shown_in(text, f"the output of {command}")]
        found += search.shown_below(self.place.state, except_below=self.place.state / "keys")
        for folder in ("vault", "ring", "filed", "back", "cache"):
            found += search.shown_below(self.root / folder)
        return found


def readable_by_others(folder: Path) -> list[str]:
    """Everything in a folder that another account could read or enter, the folder itself included."""
    inside = [folder, *folder.rglob("*")]
    return [f"{path} {stat.filemode(path.lstat().st_mode)}" for path in inside if path.lstat().st_mode & 0o077]
