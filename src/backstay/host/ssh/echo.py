"""How long a packet takes to a host and back, as both kernels see it: a busy processor at either end adds nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from sys import byteorder
from typing import Literal

LIMIT_S = 1.0
"""A packet that is lost took at least so long."""

_TIMESTAMP = 35
"""SO_TIMESTAMPNS. Source: asm-generic/socket.h"""

_TRIES = 3


class Echo:
    """Asks one address by ICMP. OSError if this account may not, or the address is of another family."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._number = 0
        self._socket = _socket()
        self._socket.settimeout(LIMIT_S)
        self._socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)
        self._word = os.urandom(8)

    def answered(self) -> bool:
        """Whether the host answers at all; many networks drop such packets."""
        return any(self.round_trip() < LIMIT_S for _ in range(_TRIES))

    def round_trip(self) -> float:
        """Seconds; at most the limit."""
        self._number = (self._number + 1) % 65536
        began = time.time_ns()
        self._socket.sendto(_request(self._number, self._word), (self._address, 0))
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            try:
                packet, notes, _, sender = self._socket.recvmsg(512, 64)
            except TimeoutError:
                break
            if sender[0] == self._address and self._is_answer(packet):
                return min(LIMIT_S, max(0, _arrived(notes) - began) / 1e9)
        return LIMIT_S

    def close(self) -> None:
        self._socket.close()

    def _is_answer(self, packet: bytes) -> bool:
        """Type 0, our number and our word; a raw socket hands out the IP header, too."""
        message = packet[4 * (packet[0] & 15) :] if packet[0] >> 4 == 4 else packet
        return message[:1] == b"\0" and message[6:8] == self._number.to_bytes(2) and message[8:16] == self._word


def echo_to(address: str) -> Echo | Literal[False]:
    """False where nobody answers, or we may not ask."""
    with contextlib.suppress(OSError):
        echo = Echo(address)
        if echo.answered():
            return echo
        echo.close()
    return False


def _socket() -> socket.socket:
    """The kind that an ordinary account may be allowed, else the one of root."""
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    except PermissionError:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


def _request(number: int, word: bytes) -> bytes:
    """An echo request. Source: RFC 792"""
    body = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xFFFF, number) + word
    return body[:2] + struct.pack("!H", _checksum(body)) + body[4:]


def _checksum(body: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(body) // 2}H", body))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _arrived(notes: list[tuple[int, int, bytes]]) -> int:
    """When the kernel had the packet, by the clock on the wall in nanoseconds."""
    for level, kind, value in notes:
        if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMP):
            return int.from_bytes(value[:8], byteorder) * 10**9 + int.from_bytes(value[8:16], byteorder)
    return time.time_ns()
