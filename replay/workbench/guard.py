"""Keeps everything but the archivist's own browser tab from driving the workbench.

Archived pages run hostile scripts in the same browser, on another port of the same host name. Cookies and SameSite do
not see ports, so three checks stand in front of every request, and Flask-WTF's token behind them.
"""

from __future__ import annotations

from collections.abc import Mapping

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


def allowed_hosts(port: int) -> frozenset[str]:
    """The Host values under which the workbench answers: loopback names only, so DNS rebinding finds nothing."""
    return frozenset(f"{name}:{port}" for name in _LOOPBACK_NAMES)


def refusal(method: str, headers: Mapping[str, str], hosts: frozenset[str], *, by_token: bool = False) -> str:
    """Why a request must not be served; empty when it may.

    Args:
        method: HTTP method, upper case.
        headers: request headers.
        hosts: allowed Host values, as from `allowed_hosts`.
        by_token: it bears a token, which no page from elsewhere can make a browser send: programs need no origin.
    """
    host = headers.get("Host", "").lower()
    if host not in hosts:
        return "The workbench answers only at its own address (see the setting workbench_names)."
    origin = headers.get("Origin", "")
    if method in _SAFE_METHODS or (by_token and not origin):
        return ""
    if not origin:
        return "A request that changes something must say where it comes from."
    if origin.lower() not in (f"http://{host}", f"https://{host}"):
        return "A page from elsewhere may not change anything here."
    if headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return "A page from elsewhere may not change anything here."
    return ""
