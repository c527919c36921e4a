"""Ports: each belongs to one server of one archive, also when two are started at the same moment."""

from __future__ import annotations

import socket

import pytest

from archiver.errors import Conflict
from replay.serve import hold_port

HOST = "127.0.0.1"


def listener(port: int, *, is_shared: bool) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(is_shared))
    made.bind((HOST, port))
    made.listen()
    return made


def test_a_port_that_is_held_is_for_our_own_servers_alone() -> None:
    with listener(0, is_shared=False) as probe:
        port = probe.getsockname()[1]
    with hold_port(HOST, port):
        with pytest.raises(Conflict, match=f"Port {port} on {HOST} cannot be used: Address already in use. Stop what uses it"):
            hold_port(HOST, port)  # nobody listens yet: this is another server that is just started, too
        with pytest.raises(OSError, match="in use"), socket.socket() as other:
            other.bind((HOST, port))
        with listener(port, is_shared=True) as ours, socket.create_connection((HOST, port), timeout=5) as reader:
            accepted, name = ours.accept()
            accepted.close()
            assert name == reader.getsockname()
            with pytest.raises(Conflict):
                hold_port(HOST, port)
    hold_port(HOST, port).close()


def test_a_port_that_something_else_listens_on_is_told_of() -> None:
    with listener(0, is_shared=True) as other, pytest.raises(Conflict, match="choose another port"):
        hold_port(HOST, other.getsockname()[1])
