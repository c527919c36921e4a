"""Runs the reader and the workbench, each on Granian, side by side."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

from archiver.errors import Conflict
from archiver.settings import NAMES, Settings

_FORK = get_context("fork")


def environment_of(settings: Settings) -> dict[str, str]:
    """Settings as environment variables, for server processes."""
    values = {name: getattr(settings, name) for name in NAMES}
    return {f"MUNIMENT_{name.upper()}": str(value) for name, value in values.items()}


def check_port(host: str, port: int) -> None:
    """Raise Conflict when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Conflict(
                f"Port {port} on {host} cannot be used: {error.strerror}.", "Stop what uses it, or choose another port."
            ) from error


def serve(settings: Settings, *, ready: Callable[[], None]) -> None:
    """Serve until interrupted.

    Args:
        settings: host, ports, number of reader processes.
        ready: called once both are starting; when it raises, both are stopped.

    Raises:
        Conflict: a port is taken.
    """
    check_port(settings.host, settings.port)
    check_port("127.0.0.1", settings.workbench_port)
    os.environ.update(environment_of(settings))
    sites = [
        _FORK.Process(target=_run, args=("replay.app:reader", settings.host, settings.port, settings.workers)),
        _FORK.Process(target=_run, args=("replay.app:workbench", "127.0.0.1", settings.workbench_port, 1)),
    ]

    def stop(_number: int, _frame: object) -> None:
        _terminate(sites)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    for site in sites:
        site.start()
    try:
        ready()
    except BaseException:
        _terminate(sites)
        raise
    for site in sites:
        site.join()


def _terminate(sites: Sequence[BaseProcess]) -> None:
    for site in sites:
        if site.pid is not None and site.is_alive():
            site.terminate()


def _run(target: str, host: str, port: int, workers: int) -> None:
    """One site, in a process of its own; the terminal's Ctrl-C reaches only the parent."""
    os.setpgrp()
    from granian import Granian
    from granian.constants import Interfaces

    server = Granian(
        target,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        factory=True,
        blocking_threads=8,
        log_level="error",  # type: ignore[arg-type]
        workers_kill_timeout=20,
    )
    server.serve()
