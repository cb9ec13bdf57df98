"""A tree with one of everything that a file system can hold."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from pathlib import Path

CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")


def grow(root: Path) -> Path:
    """Owners, devices and a socket included, so this needs root."""
    root.mkdir()
    plain = root / "plain"
    plain.write_text("the plain one")
    (root / "empty").touch()
    (root / "empty folder").mkdir()
    (root / "sparse").touch()
    os.truncate(root / "sparse", 3 << 20)
    (root / "large").write_bytes(os.urandom(1 << 20) * 3 + b"end")
    (root / "twin-a").write_text("two names")
    os.link(root / "twin-a", root / "twin-b")
    deep = root.joinpath(*(["deep"] * 60))
    deep.mkdir(parents=True)
    (deep / "bottom").write_text("far down")
    _odd_names(root)
    _special(root)
    _metadata(root)
    return root


def _odd_names(root: Path) -> None:
    for name in (b"not-utf8-\xff\xfe", b"line\nbreak", b"tab\there", b" ", b"-rf", "ä€𝄞".encode()):
        with open(os.path.join(os.fsencode(root), name), "wb") as file:
            file.write(name)
    os.mkdir(os.path.join(os.fsencode(root), b"folder-\xe9"))
    with open(os.path.join(os.fsencode(root), b"folder-\xe9", b"in\xe9"), "wb") as file:
        file.write(b"inside")


def _special(root: Path) -> None:
    os.symlink("plain", root / "link")
    os.symlink("/nowhere/at all", root / "dangling")
    os.symlink(b"target-\xff", os.fsencode(root / "mangled"))
    os.mkfifo(root / "pipe")
    os.mknod(root / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))


def _metadata(root: Path) -> None:
    for mode in (0o000, 0o444, 0o600, 0o755, 0o1777, 0o2755, 0o4755):
        file = root / f"mode-{mode:04o}"
        file.write_text("x")
        file.chmod(mode)
    owned = root / "owned"
    owned.write_text("somebody's")
    os.chown(owned, 1234, 5678)
    os.chown(root / "link", 1234, 5678, follow_symlinks=False)
    tagged = root / "tagged"
    tagged.write_text("with attributes")
    os.setxattr(tagged, "user.tag", b"\x00odd\xff")
    os.setxattr(tagged, "user.empty", b"")
    os.setxattr(root / "empty folder", "user.tag", b"folder")
    capable = root / "capable"
    capable.write_text("can bind")
    os.setxattr(capable, "security.capability", CAPABILITY)
    subprocess.run(["setfacl", "-m", "u:1234:rw", str(tagged)], check=True)
    subprocess.run(["setfacl", "-d", "-m", "u:1234:r", str(root / "empty folder")], check=True)
    os.utime(owned, ns=(1_000_000_001, 1_234_567_890_123_456_789))
    os.utime(root / "empty folder", ns=(0, 1_111_111_111_222_222_222))
