"""Runs the reader and the workbench, each on Granian, the proxy and the archive's own keeper, side by side."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from threading import Event, Thread

from archiver.errors import Conflict, ServerDied, UsageError
from archiver.settings import Settings, as_environment

_FORK = get_context("fork")
#: Seconds between two looks whether the command that began the servers is still there.
_PARENT_SECONDS = 1.0


def hold_port(host: str, port: int) -> socket.socket:
    """Make sure that nobody else has a port, nor gets it as long as what is returned is open; our own servers may listen.

    The servers listen with SO_REUSEPORT, to which a second `muniment serve` would be welcome on the same port, and take half
    of the readers. So the port is listened on for a moment as only one process can, and then kept as one that only sockets
    with SO_REUSEPORT may join: others find it taken, from this moment on.

    Raises:
        Conflict: the port is taken.
    """
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have just ended are no reason
    try:
        held.bind((host, port))
        held.listen(1)
    except OSError as error:
        held.close()
        raise Conflict(
            f"Port {port} on {host} cannot be used: {error.strerror}.", "Stop what uses it, or choose another port."
        ) from error
    if sys.platform != "linux":  # elsewhere the port could not be shared any more
        held.close()
        return held
    held.shutdown(socket.SHUT_RDWR)  # it listens no longer, and is bound all the same
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return held


def serve(settings: Settings, *, ready: Callable[[], Settings]) -> None:
    """Serve until interrupted.

    Args:
        settings: host, ports, number of reader processes.
        ready: called once all are starting; when it raises, all are stopped. Gives the settings with what the archive keeps.

    Raises:
        UsageError: two servers have the same port.
        Conflict: a port is taken.
        ServerDied: one of the servers ended by itself; the others are stopped.
    """
    ports = [port for port in (settings.port, settings.workbench_port, settings.proxy_port) if port]
    if len(ports) != len(set(ports)):
        raise UsageError("Two servers cannot have the same port.", "Give each its own.")
    with ExitStack() as held:
        held.enter_context(hold_port(settings.host, settings.port))
        held.enter_context(hold_port("127.0.0.1", settings.workbench_port))
        if settings.proxy_port:
            held.enter_context(hold_port(settings.host, settings.proxy_port))
        _serve(settings, ready)


def _serve(settings: Settings, ready: Callable[[], Settings]) -> None:
    """Serve until interrupted, on ports that are ours."""
    os.environ.update(as_environment(settings))
    _import_for_all()
    sites = [
        _site("reader", settings.host, settings.port, settings.workers),
        _site("workbench", "127.0.0.1", settings.workbench_port, 1),
    ]
    if settings.proxy_port:
        sites.append(_FORK.Process(target=_run_proxy, name="proxy", args=(settings, os.getpid())))
    is_stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal is_stopping
        is_stopping = True
        _terminate(sites)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    for site in sites:
        site.start()
    try:
        now = ready()
    except BaseException:
        _terminate(sites)
        raise
    if (now.jobs or now.watch_seconds) and not is_stopping:  # after `ready`, which tells what was mended
        sites.append(_FORK.Process(target=_run_keeper, name="keeper", args=(settings, os.getpid())))
        sites[-1].start()
    # Not the pipes of the processes: workers that outlive their server hold them open.
    with suppress(ChildProcessError):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    dead = None if is_stopping else next((site for site in sites if site.exitcode is not None), None)
    if dead is not None:
        _terminate(sites)
    for site in sites:
        site.join()
    if dead is not None:
        raise ServerDied(f"The server of the {dead.name} ended by itself, and the others with it.", "Start them again.")


def _part(parent: int) -> None:
    """What a process of its own does first: the terminal's Ctrl-C reaches only the parent; when that is killed, it ends, too.

    Else it would hold its port, and go on with nobody who could stop it.
    """
    os.setpgrp()

    def look() -> None:
        pause = Event()
        while os.getppid() == parent:
            pause.wait(_PARENT_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=look, daemon=True).start()


def _import_for_all() -> None:
    """What every server needs is imported once, before they part, and not by each: that is a quarter of the work of a start."""
    for name in ("granian", "archiver.keeping", "replay.app", "replay.workbench.app"):
        import_module(name)


def _site(name: str, host: str, port: int, workers: int) -> BaseProcess:
    return _FORK.Process(target=_run, name=name, args=(f"replay.app:{name}", host, port, workers, os.getpid()))


def _terminate(sites: Sequence[BaseProcess]) -> None:
    """Stop what still runs, also workers that a killed server left behind."""
    for site in sites:
        if site.pid is None:
            continue
        if site.is_alive():
            site.terminate()
        else:
            with suppress(ProcessLookupError):
                os.killpg(site.pid, signal.SIGTERM)


def _run(target: str, host: str, port: int, workers: int, parent: int) -> None:
    """One site, in a process of its own."""
    _part(parent)
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


def _run_proxy(settings: Settings, parent: int) -> None:
    """The proxy, in a process of its own, which has nothing to save when it is stopped."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    _part(parent)
    from replay.proxy.server import run

    run(settings)


def _run_keeper(settings: Settings, parent: int) -> None:
    """What the archive does by itself, in a process of its own; what runs when it is stopped goes on the next time."""
    _part(parent)
    from archiver.keeping import Keeper

    keeper = Keeper(settings)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: keeper.press())
    keeper.run()
