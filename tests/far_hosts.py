"""Hosts to back up that are nobody's: each with a network of its own and a real sshd, behind links with a capacity.

with far_hosts(folder) as far:
    wan = far.link(bytes_per_s=2_875_000)
    app1 = wan.host("app1")
    ...                     # app1.address is what an estate would say; ssh settings lie in far.home
    app1.cut()
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from host.waiting import until

Account = Literal["backup", "root"]

_UID = 61_413
_BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 none /run
mkdir /run/sshd /run/far
{home}
mkdir -m 700 /home/backup /home/root
for file in passwd group shadow; do cp -p /etc/$file /run/far/$file; done
sed -i '/^backup:/d' /run/far/passwd /run/far/group /run/far/shadow
sed -i 's,^\\(root:[^:]*:[^:]*:[^:]*:[^:]*\\):[^:]*:,\\1:/home/root:,' /run/far/passwd
echo 'backup:x:{uid}:{uid}::/home/backup:/bin/sh' >>/run/far/passwd
echo 'backup:x:{uid}:' >>/run/far/group
echo 'backup:*:19000::::::' >>/run/far/shadow
chown {uid}:{uid} /home/backup
for file in passwd group shadow; do mount --bind /run/far/$file /etc/$file; done
cp {folder}/host_key /run/far/host_key
cp {folder}/sshd_config /run/far/sshd_config
cp {folder}/authorized_keys /run/far/authorized_keys
chmod 600 /run/far/host_key
chmod 644 /run/far/authorized_keys
hostname {name}
ip link set lo up
: >{folder}/booted
read -r wired
exec /usr/sbin/sshd -D -f /run/far/sshd_config -E {folder}/sshd.log </dev/null
"""
_SSHD = """
HostKey /run/far/host_key
AuthorizedKeysFile /run/far/authorized_keys .ssh/authorized_keys
ListenAddress 0.0.0.0:22
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
"""


_MEMORY = "mount -t tmpfs -o mode=755,size={home_bytes} none /home"
_DISK = "mount {disk} /home"
_DISK_BYTES = 16_000_000_000
"""Of which only what is written takes room."""
_READ_AHEAD = 128 << 10

_BLKIO = Path("/sys/fs/cgroup/blkio")


def _sh(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


@dataclass
class FarHost:
    """A host that can be cut off, brought back and rebooted. Everything in it is gone when its context ends."""

    name: str
    address: str
    ip: str
    folder: Path
    _link: Link
    _home_bytes: int
    _disk: int | None = None
    _init: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def boot(self) -> None:
        """Start it and plug it in; it answers when this returns."""
        (self.folder / "booted").unlink(missing_ok=True)
        with self._spun_up() as disk:
            home = _DISK.format(disk=disk) if disk else _MEMORY.format(home_bytes=self._home_bytes)
            boot = _BOOT.format(home=home, uid=_UID, folder=self.folder, name=self.name)
            argv = [*self._held(), "unshare", "--net", "--mount", "--uts", "sh", "-c", boot]
            self._init = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)
            until((self.folder / "booted").exists)
        self._link.plug(self._init.pid, self.ip)
        assert self._init.stdin is not None
        self._init.stdin.write(b"wired\n")
        self._init.stdin.close()
        until(lambda: _answers(self.ip))

    def power_off(self) -> None:
        """At once, with everything that runs in it and without a word to anybody."""
        if self._init is None:
            return
        network = _network(self._init.pid)
        assert network != _network(os.getpid())
        self._link.unplug(self.ip)
        while running := [pid for pid in _pids() if _network(pid) == network and pid != self._init.pid]:
            _kill(running)
        self._init.kill()
        self._init.wait()
        self._init = None
        if self._disk:
            until(partial(_removed, self._group))

    def forget_what_it_read(self) -> None:
        """What it reads next comes from its disk."""
        assert self._init is not None
        os.sync()
        for path in filter(Path.is_file, Path(f"/proc/{self._init.pid}/root/home").rglob("*")):
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    @contextmanager
    def _spun_up(self) -> Iterator[Path | None]:
        """An empty disk of its own, which goes with the last that has it mounted. It reads ahead what Linux does of a
        disk that asks for nothing else: a loop device takes over what its own disk wants, which may be megabytes."""
        if self._disk is None:
            yield None
            return
        image = self.folder / "disk"
        image.unlink(missing_ok=True)
        image.touch()
        os.truncate(image, _DISK_BYTES)
        _sh("mkfs.ext4", "-q", "-O", "^has_journal", "-N", "20000", str(image))
        made = ["losetup", "--find", "--show", "--direct-io=on", str(image)]
        disk = Path(subprocess.run(made, check=True, capture_output=True, text=True).stdout.strip())
        try:
            self._group.mkdir()
            device = disk.stat().st_rdev
            limit = f"{os.major(device)}:{os.minor(device)} {self._disk}"
            (self._group / "blkio.throttle.read_bps_device").write_text(limit)
            _sh("blockdev", "--setra", str(_READ_AHEAD // 512), str(disk))
            yield disk
        finally:
            _sh("losetup", "--detach", str(disk))

    def _held(self) -> list[str]:
        """The words before a command line that hold it, and all that it starts, to what the disk reads."""
        return ["sh", "-c", f'echo $$ >{self._group}/cgroup.procs; exec "$@"', "sh"] if self._disk else []

    @property
    def _group(self) -> Path:
        return _BLKIO / f"bs{self._link.far.tag}{self.name}"

    def reboot(self) -> None:
        self.power_off()
        self.boot()

    def cut(self) -> None:
        """Nothing passes any more, in neither direction; nobody is told."""
        self._link.unplug(self.ip)

    def heal(self) -> None:
        """What `cut` cut."""
        self._link.plug_in(self.ip)

    def call(self, *argv: str) -> str:
        """What a program says that is run in it."""
        return subprocess.run(self.inside(*argv), check=True, capture_output=True, text=True).stdout

    def inside(self, *argv: str) -> list[str]:
        """The command line that runs another one in it."""
        assert self._init is not None
        return ["nsenter", f"--target={self._init.pid}", "--net", "--mount", "--uts", "--", *argv]

    def processes(self) -> dict[int, str]:
        """Numbers and command lines of all that runs there, but for the sshd that listens."""
        assert self._init is not None
        network = _network(self._init.pid)
        found = (pid for pid in _pids() if _network(pid) == network and pid != self._init.pid)
        return {pid: line for pid in found if (line := _line_of(pid))}

    def sent(self) -> int:
        """Bytes that have left it so far."""
        return int(json.loads(self.call("ip", "-s", "-j", "link", "show", "eth0"))[0]["stats64"]["tx"]["bytes"])

    def authorize(self, line: str) -> None:
        """From now on this line is all that lets anybody in."""
        (self.folder / "authorized_keys").write_text(line + "\n")
        self.call("cp", str(self.folder / "authorized_keys"), "/run/far/authorized_keys")

    def new_host_key(self) -> None:
        """As after a reinstallation, or with somebody in between; counts from the next boot."""
        (self.folder / "host_key").unlink()
        _make_key(self.folder / "host_key")


@dataclass
class Link:
    """A shared way from here to some hosts, of one capacity in each direction."""

    number: int
    network: str
    _switch: subprocess.Popen[bytes]
    far: FarHosts

    @property
    def device(self) -> str:
        """Its end on this machine."""
        return f"bs{self.far.tag}l{self.number}"

    def shape(self, bytes_per_s: int, queue_bytes: int = 400_000) -> None:
        """From now on it carries so much in each direction, and queues so much before it drops."""
        rate = ["tbf", "rate", f"{bytes_per_s * 8}bit", "burst", "16kb", "limit", str(queue_bytes)]
        _sh("tc", "qdisc", "replace", "dev", self.device, "root", *rate)
        self._in_switch("tc", "qdisc", "replace", "dev", "up0", "root", *rate)

    def host(
        self,
        name: str,
        *,
        account: Account = "backup",
        home_bytes: int = 64_000_000,
        disk: int | None = None,
        sshd: Sequence[str] = (),
    ) -> FarHost:
        """A new host behind this link, known to `far.home`'s ssh settings, with our key in `account`.

        Its home is memory of so many bytes, or a `disk` that reads so many a second.
        """
        return self.far.add(self, name, account, home_bytes, disk, sshd)

    def plug(self, pid: int, ip: str) -> None:
        """Wire the network of process `pid` to this link under that address."""
        # What a host before it was wired with goes only when its network does, and that takes a moment.
        subprocess.run([*self._inside, "ip", "link", "del", _port(ip)], check=False, capture_output=True)
        wire = f"bs{secrets.token_hex(4)}"
        _sh(
            "ip", "link", "add", wire, "netns", str(self._switch.pid), "type", "veth", "peer", "eth0", "netns", str(pid)
        )
        self._in_switch("ip", "link", "set", wire, "name", _port(ip), "master", "br0", "up")
        inside = ["nsenter", f"--target={pid}", "--net", "--", "ip"]
        # The same card before and after a reboot, or the others would go on writing to the old one for a while.
        number = "".join(f":{int(part):02x}" for part in ip.split("."))
        _sh(*inside, "link", "set", "eth0", "address", f"02:bc{number}")
        _sh(*inside, "address", "add", f"{ip}/24", "dev", "eth0")
        _sh(*inside, "link", "set", "eth0", "up")

    def unplug(self, ip: str) -> None:
        """The host's end keeps its carrier: it cannot tell that nobody is there any more."""
        self._in_switch("ip", "link", "set", _port(ip), "nomaster")

    def plug_in(self, ip: str) -> None:
        self._in_switch("ip", "link", "set", _port(ip), "master", "br0")

    @property
    def _inside(self) -> list[str]:
        return ["nsenter", f"--target={self._switch.pid}", "--net", "--"]

    def _in_switch(self, *argv: str) -> None:
        _sh(*self._inside, *argv)


class FarHosts:
    """Links and hosts of one test, and the settings by which ssh knows them: `home` is meant for HOME."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.ssh = self.home / ".ssh"
        self.key = self.ssh / "id_ed25519"
        self.tag = secrets.token_hex(3)
        self._stack = stack
        self._links: list[Link] = []
        self._hosts = 0
        self.ssh.mkdir(parents=True, mode=0o700)
        _make_key(self.key)

    def link(self, bytes_per_s: int | None = None) -> Link:
        """A new link; None for no limit."""
        switch = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], start_new_session=True)
        self._stack.callback(_end, switch)
        until(lambda: _network(switch.pid) not in (None, _network(os.getpid())))
        link = Link(len(self._links), _free_network(), switch, self)
        self._links.append(link)
        _wire_up(link, switch.pid)
        self._stack.callback(_drop, link.device)
        if bytes_per_s is not None:
            link.shape(bytes_per_s)
        return link

    def add(
        self, link: Link, name: str, account: Account, home_bytes: int, disk: int | None, sshd: Sequence[str]
    ) -> FarHost:
        self._hosts += 1
        ip = f"{link.network}.{self._hosts + 1}"
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        _make_key(folder / "host_key")
        (folder / "sshd_config").write_text(_SSHD + "\n".join(sshd) + "\n")
        (folder / "authorized_keys").write_text(self.key.with_suffix(".pub").read_text())
        host = FarHost(name, f"ssh://{account}@{ip}", ip, folder, link, home_bytes, disk)
        self._stack.callback(host.power_off)
        host.boot()
        self.know(host)
        return host

    def know(self, host: FarHost) -> None:
        """Trust the host's present key, as a person would with ssh-keyscan."""
        kind, key = (host.folder / "host_key.pub").read_text().split()[:2]
        with (self.ssh / "known_hosts").open("a") as known:
            known.write(f"{host.ip} {kind} {key}\n")


@contextmanager
def far_hosts(folder: Path) -> Iterator[FarHosts]:
    """An empty outside world; whatever was made in it is gone when the context is left."""
    with ExitStack() as stack:
        yield FarHosts(folder, stack)


def _port(ip: str) -> str:
    return f"h{ip.rpartition('.')[2]}"


def _make_key(path: Path) -> None:
    _sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path))


def _wire_up(link: Link, switch: int) -> None:
    _sh("ip", "link", "add", link.device, "type", "veth", "peer", "up0", "netns", str(switch))
    _sh("ip", "address", "add", f"{link.network}.1/24", "dev", link.device)
    _sh("ip", "link", "set", link.device, "up")
    inside = ["nsenter", f"--target={switch}", "--net", "--", "ip", "link"]
    _sh(*inside, "add", "br0", "type", "bridge")
    _sh(*inside, "set", "br0", "up")
    _sh(*inside, "set", "up0", "master", "br0", "up")


def _free_network() -> str:
    """Three numbers out of the range that is set aside for benchmarks (RFC 2544)."""
    taken = subprocess.run(["ip", "-4", "route"], check=True, capture_output=True, text=True).stdout
    free = [net for n in range(512) if f"{(net := f'198.{18 + n // 256}.{n % 256}')}.0/24" not in taken]
    return random.choice(free)


def _drop(device: str) -> None:
    # It goes with the other end's network, which may have been quicker.
    subprocess.run(["ip", "link", "del", device], check=False, capture_output=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _answers(ip: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((ip, 22), timeout=1) as greeting:
        return greeting.recv(4) == b"SSH-"
    return False


def _removed(group: Path) -> bool:
    """Whether it is gone; the kernel keeps it while the last of its processes are being cleared away."""
    with contextlib.suppress(OSError):
        group.rmdir()
    return not group.exists()


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _network(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # gone, or older than we may look at
        return None


def _line_of(pid: int) -> str:
    """Its command line; empty for one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _kill(pids: Sequence[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
