"""Real servers for copies, each on loopback, gone with its context."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.request import Request, urlopen

from backstay.targets.rclone import program

LONG_ENOUGH_S = 20.0


@dataclass(frozen=True, slots=True)
class Sshd:
    """`key` opens the account; `root` is a folder that the server shows under its own path."""

    port: int
    key: Path
    known_hosts: str
    user: str
    folder: Path

    def trust(self, home: Path) -> None:
        """Make the server known to an account, and the account to the server."""
        ssh = home / ".ssh"
        ssh.mkdir(parents=True, exist_ok=True)
        (ssh / "known_hosts").write_text(self.known_hosts)
        shutil.copy(self.key, ssh / "id_ed25519")

    def stop(self) -> None:
        """End the server and every session, as a machine that goes down would."""
        _end(int((self.folder / "pid").read_text()))

    def start(self) -> None:
        """Up (again), at the same port with the same keys."""
        log = (self.folder / "log").open("ab")
        server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "config")], stderr=log)
        log.close()
        (self.folder / "pid").write_text(str(server.pid))
        _CHILDREN[server.pid] = server
        _until_it_listens(self.port)


_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


@contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    """An SSH server that offers files only, as the account under which the tests run."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("ed25519", "ecdsa", "rsa"):
        _make_key(folder / f"host_{kind}", kind)
    _make_key(folder / "key", "ed25519")
    port = free_port()
    (folder / "config").write_text(_sshd_config(folder, port))
    Path("/run/sshd").mkdir(exist_ok=True)  # it wants to lock itself in there, and finds it after an ordinary start
    words = (folder / "host_ed25519.pub").read_text().split()
    known = f"[127.0.0.1]:{port} {words[0]} {words[1]}\n"
    server = Sshd(port, folder / "key", known, os.environ.get("USER", "root"), folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _sshd_config(folder: Path, port: int) -> str:
    keys = "\n".join(f"HostKey {folder}/host_{kind}" for kind in ("ed25519", "ecdsa", "rsa"))
    return (
        f"ListenAddress 127.0.0.1\nPort {port}\n{keys}\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/key.pub\nPasswordAuthentication no\nForceCommand internal-sftp\n"
        "Subsystem sftp internal-sftp\nPermitRootLogin prohibit-password\n"
    )


def _make_key(path: Path, kind: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)


@dataclass(frozen=True, slots=True)
class S3:
    """An object store with the bucket `vault`, and the keys to it."""

    port: int
    access: str
    secret: str

    @property
    def url(self) -> str:
        return f"s3://vault/copies?endpoint=http://127.0.0.1:{self.port}&region=nowhere"

    def credentials(self, folder: Path) -> Path:
        """A file as the AWS tools keep it."""
        path = folder / "s3-credentials"
        path.touch(mode=0o600)
        path.write_text(f"[default]\naws_access_key_id = {self.access}\naws_secret_access_key = {self.secret}\n")
        return path


@contextmanager
def rclone_s3(folder: Path) -> Iterator[S3]:
    """rclone's own S3 server; objects are files below `folder`."""
    (folder / "vault").mkdir(parents=True)
    server = S3(free_port(), token_hex(10).upper(), token_hex(20))
    environment = {**os.environ, "RCLONE_AUTH_KEY": f'"{server.access},{server.secret}"', "RCLONE_CONFIG": ""}
    argv = [program(), "serve", "s3", f"--addr=127.0.0.1:{server.port}", str(folder)]
    with _running(argv, server.port, environment):
        yield server


@contextmanager
def moto_s3() -> Iterator[S3]:
    """moto's S3 server. Its bucket keeps every version for a day, whoever wants it gone."""
    server = S3(free_port(), token_hex(10).upper(), token_hex(20))
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(server.port)]
    with _running(argv, server.port, dict(os.environ)):
        _put(f"http://127.0.0.1:{server.port}/vault", {"x-amz-bucket-object-lock-enabled": "true"})
        _put(f"http://127.0.0.1:{server.port}/vault?object-lock", {}, _LOCK)
        yield server


_LOCK = (
    "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>"
    "<Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>"
)


def _put(url: str, headers: dict[str, str], body: str = "") -> None:
    with urlopen(
        Request(url, body.encode(), {**headers, "Content-Type": "application/xml"}, method="PUT"), timeout=LONG_ENOUGH_S
    ):
        return


@contextmanager
def _running(argv: list[str], port: int, environment: dict[str, str]) -> Iterator[None]:
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(argv, env=environment, stdout=quiet, stderr=quiet)
    try:
        _until_it_listens(port)
        yield
    finally:
        server.kill()
        server.wait()


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _until_it_listens(port: int) -> None:
    until = time.monotonic() + LONG_ENOUGH_S
    while time.monotonic() < until:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nobody listens at port {port}")


def _end(pid: int) -> None:
    """With the sessions it has open, which would outlive it."""
    sessions = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    server = _CHILDREN.pop(pid)
    server.kill()
    server.wait()
    for session in sessions:
        subprocess.run(["kill", "-9", session], check=False)
