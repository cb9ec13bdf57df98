"""Empty repositories of stock restic whose keys cost next to nothing to derive.

restic makes a key hard to guess: two seconds when a repository is made, a third of a second of processor time in every
later command. A repository made here was made by restic, once; only its key file is written anew, for another password
and with the least work that restic accepts, so everything else that a test sees is restic's own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB
from cryptography.hazmat.primitives.poly1305 import Poly1305

LEAST_WORK = {"N": 2, "r": 1, "p": 1}
BLOCK = 16


@dataclass(frozen=True, slots=True)
class Made:
    """What `restic init` left: its folders, its `config`, and its key file with the master key that is inside."""

    folders: tuple[str, ...]
    config: bytes
    key: dict[str, Any]
    master: bytes


def make_repository(folder: Path, password: str) -> None:
    """An empty repository at `folder` that opens with `password`."""
    made = _made()
    for name in (".", *made.folders):
        (folder / name).mkdir(mode=0o700, parents=True)
    _write(folder / "config", made.config)
    key = _sealed(made, password)
    _write(folder / "keys" / hashlib.sha256(key).hexdigest(), key)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o400)


@cache
def _made() -> Made:
    with tempfile.TemporaryDirectory() as folder:
        password = token_hex(16)
        environment = {**os.environ, "RESTIC_PASSWORD": password, "RESTIC_REPOSITORY": folder}
        subprocess.run(["restic", "--no-cache", "init"], env=environment, check=True, capture_output=True)
        return _read(Path(folder), password)


def _read(folder: Path, password: str) -> Made:
    (path,) = (folder / "keys").iterdir()
    key: dict[str, Any] = json.loads(path.read_bytes())
    sealed, secret = base64.b64decode(key["data"]), _derived(key, password)
    content = sealed[BLOCK:-BLOCK]
    assert _mark(secret, sealed[:BLOCK], content) == sealed[-BLOCK:], "restic writes its key files in another way"
    folders = sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_dir())
    master = _ciphered(secret, sealed[:BLOCK], content)
    return Made(tuple(folders), (folder / "config").read_bytes(), key, master)


def _sealed(made: Made, password: str) -> bytes:
    """The key file for another password.

    Source: restic 0.14, doc/design.rst, "Keys, Encryption and MAC".
    """
    key = {**made.key, **LEAST_WORK, "salt": base64.b64encode(os.urandom(64)).decode()}
    secret, start = _derived(key, password), os.urandom(BLOCK)
    content = _ciphered(secret, start, made.master)
    sealed = start + content + _mark(secret, start, content)
    return json.dumps({**key, "data": base64.b64encode(sealed).decode()}).encode()


def _derived(key: dict[str, Any], password: str) -> bytes:
    """32 bytes to encrypt with, and 16 and 16 to authenticate with."""
    work = {"n": key["N"], "r": key["r"], "p": key["p"]}
    salt = base64.b64decode(key["salt"])
    return hashlib.scrypt(password.encode(), salt=salt, dklen=64, maxmem=1 << 30, **work)


def _ciphered(secret: bytes, start: bytes, content: bytes) -> bytes:
    """Encrypted, or decrypted: the two are the same."""
    return Cipher(AES(secret[:32]), CTR(start)).encryptor().update(content)


def _mark(secret: bytes, start: bytes, content: bytes) -> bytes:
    """Poly1305-AES."""
    nonce = Cipher(AES(secret[32:48]), ECB()).encryptor().update(start)  # of one block
    return Poly1305.generate_tag(secret[48:] + nonce, content)
