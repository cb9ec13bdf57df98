"""What somebody could do who has a host in his hands while it is backed up: each is tried from within that host."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from far.far_estates import FarEstate, far_estate
from host.waiting import until

STATUS = """
import sys, urllib.request, urllib.error
method, url, login = sys.argv[1:4]
request = urllib.request.Request(url, method=method, data=b"x" if method == "POST" else None)
if login:
    import base64
    request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
try:
    print(urllib.request.urlopen(request, timeout=60).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


class Taken:
    """The host `app1`, with root in the hands of somebody else, in the middle of its backup."""

    def __init__(self, estate: FarEstate) -> None:
        self.estate = estate
        (self.pid, *_) = [pid for pid, line in estate.app1.processes().items() if line.startswith("restic")]
        environ = Path(f"/proc/{self.pid}/environ").read_bytes().decode().split("\0")
        known = dict(line.partition("=")[::2] for line in environ)
        self.door = known["RESTIC_REPOSITORY"].removeprefix("rest:").rstrip("/")
        address = urlsplit(self.door)
        self.port, self.login = address.port, f"{address.username}:{address.password}"

    def ask(self, method: str, path: str, *, login: str | None = None) -> int:
        """The status of an answer to a request that is made in that host."""
        url = f"http://127.0.0.1:{self.port}/{path}"
        return int(self.estate.app1.call("python3", "-c", STATUS, method, url, self.login if login is None else login))

    def snapshot_of(self, workload: str) -> str:
        return next(path.name for path in (self.estate.place.repository(workload) / "snapshots").iterdir())


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taken]:
    """Both hosts have an earlier point; `one` is being backed up again, slowly."""
    with far_estate(tmp_path_factory.mktemp("taken")) as estate:
        for host in (estate.app1, estate.app2):
            estate.fill(host, 1)
        estate.place.ask("run", "--all")
        estate.write(size="1Mbit/s")
        estate.fill(estate.app1, 20)
        program = estate.place.start("run", "one", "--json")
        until(lambda: bool(estate.engines(estate.app1)), 60)
        taken = Taken(estate)
        os.kill(taken.pid, signal.SIGSTOP)  # or it would be done before we are, and has the door's whole rate
        yield taken
        os.kill(taken.pid, signal.SIGCONT)
        program.terminate()
        program.communicate(timeout=60)


def test_its_own_repository_can_be_read_or_the_other_tests_would_show_nothing(taken: Taken) -> None:
    assert taken.ask("GET", f"snapshots/{taken.snapshot_of('one')}") == 200


@pytest.mark.parametrize(
    "path", ["../two/config", "%2e%2e/two/config", "..%2ftwo/config", "two/config", "/restic/two/config"]
)
def test_another_hosts_backups_cannot_be_read(taken: Taken, path: str) -> None:
    assert taken.ask("GET", path) in (400, 403, 404)


@pytest.mark.parametrize("path", ["config", "snapshots", "index", "keys"])
def test_its_own_backups_cannot_be_deleted(taken: Taken, path: str) -> None:
    name = path if path == "config" else f"{path}/{next((taken.estate.place.repository('one') / path).iterdir()).name}"
    before = (taken.estate.place.repository("one") / name).read_bytes()
    assert taken.ask("DELETE", name) == 403
    assert (taken.estate.place.repository("one") / name).read_bytes() == before


def test_its_own_backups_cannot_be_overwritten(taken: Taken) -> None:
    name = f"snapshots/{taken.snapshot_of('one')}"
    before = (taken.estate.place.repository("one") / name).read_bytes()
    assert taken.ask("POST", name) == 403
    assert taken.ask("POST", "config") == 403
    assert (taken.estate.place.repository("one") / name).read_bytes() == before


@pytest.mark.parametrize("path", ["../two/snapshots/evil", "%2e%2e/two/data/evil", "../../evil", "..%2f..%2fevil"])
def test_nothing_can_be_written_elsewhere(taken: Taken, path: str) -> None:
    assert taken.ask("POST", path) in (400, 403, 404)
    # Folders come and go there meanwhile.
    found = [name for _, folders, files in os.walk(taken.estate.place.root) for name in (*folders, *files)]
    assert found
    assert not [name for name in found if "evil" in name]


@pytest.mark.parametrize("login", ["", "job:guess", "backup:backup"])
def test_another_account_of_that_host_gets_nothing_through_its_door(taken: Taken, login: str) -> None:
    assert taken.ask("GET", "config", login=login) == 401


def test_no_key_but_its_own_is_there(taken: Taken) -> None:
    """Neither in the environment of anything that runs there, nor in its arguments, nor in the account's home."""
    keys = {
        each["repository"]: Path(each["key"]).read_text().strip()
        for each in taken.estate.place.ask("keys", "list")["keys"]
    }
    seen = ""
    for pid in taken.estate.app1.processes():
        for what in ("environ", "cmdline"):
            seen += Path(f"/proc/{pid}/{what}").read_bytes().decode(errors="replace")
    seen += taken.estate.app1.call("sh", "-c", "cat $(find /home/backup/.backstay -type f) </dev/null")
    assert keys["one"] in seen
    assert keys["two"] not in seen


def test_it_reaches_no_other_port_of_ours(taken: Taken) -> None:
    """All that listens there for us is the one door."""
    said = taken.estate.app1.call("sh", "-c", "cat /proc/net/tcp")
    listening = {int(line.split()[1].split(":")[1], 16) for line in said.splitlines()[1:] if line.split()[3] == "0A"}
    assert listening == {22, taken.port}
