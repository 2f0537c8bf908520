"""A machine whose network is unplugged: a network namespace in which only this machine itself can be reached."""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NEW_NETWORK = 0x40000000  # CLONE_NEWNET
SET_FLAGS, UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP


@contextmanager
def unplugged() -> Iterator[None]:
    """Whatever this thread opens or starts meanwhile finds no network. Skips the test where that cannot be made."""
    system = ctypes.CDLL(None, use_errno=True)
    plugged = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if system.unshare(NEW_NETWORK):
            pytest.skip(f"only root can unplug the network: {os.strerror(ctypes.get_errno())}")
        try:
            with socket.socket() as any_socket:
                fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))
            yield
        finally:
            assert system.setns(plugged, NEW_NETWORK) == 0
    finally:
        os.close(plugged)


def attempts() -> int:
    """How often anything in this namespace asked for an address to which no way leads, by the kernel's own count."""
    here = Path("/proc/thread-self/net")
    titles, numbers = (line.split() for line in (here / "snmp").read_text().splitlines() if line.startswith("Ip:"))
    newer = dict(line.split() for line in (here / "snmp6").read_text().splitlines())
    return int(numbers[titles.index("OutNoRoutes")]) + int(newer["Ip6OutNoRoutes"])
