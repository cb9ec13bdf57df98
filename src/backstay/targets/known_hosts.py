"""Which sorts of key a server is known by."""

from __future__ import annotations

import asyncssh

_RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")


def algorithms(known_hosts: str, host: str, port: int) -> str:
    """The server's known sorts of key, in rclone's writing; empty if it is not known or the file is not readable.

    Unless told, rclone asks for whatever sort it likes best, and takes a key that we do not know for a wrong one.
    """
    try:
        trusted = asyncssh.match_known_hosts(known_hosts, host, "", port)[0]
    except (OSError, ValueError):
        return ""
    sorts = (key.algorithm.decode() for key in trusted)
    names = [name for sort in sorts for name in (_RSA if sort == "ssh-rsa" else (sort,))]
    return " ".join(dict.fromkeys(names))
