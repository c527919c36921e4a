"""Where the WARC files are that other people's indexes name."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from functools import lru_cache

from archiver.index.bytesource import ByteSource, is_url, open_bytes
from archiver.index.lines import SortedLines

#: Beginning of what is attached instead of a place of WARC files: the address of a replay follows.
REPLAY = "replay:"
#: Beginning of the `file` of captures that are fetched from the replay of another archive, see archiver/store/replayed.py.
REPLAYED = "replay+"
#: Names of files that are remembered.
_REMEMBERED = 4096


def namer(warcs: str, opener: Callable[[str], ByteSource] = open_bytes) -> Callable[[str], str]:
    """A function that makes of a file's name in an index the path or URL under which it is opened.

    What an index names outside of `warcs` is looked for inside, by its last part: else a foreign index could lead to any file
    of this machine or any address of its network.

    Args:
        warcs: a folder or a URL that names are relative to; or a path index, a file of sorted `name TAB path` lines (pywb's
            form), its paths relative to its own folder; "" for the archive's own store.
        opener: opens a path or URL.
    """
    if not warcs:
        return _own
    if _is_path_index(warcs):
        return lru_cache(_REMEMBERED)(_PathIndex(warcs, opener))
    return lru_cache(_REMEMBERED)(_Prefix(warcs))


def _is_path_index(warcs: str) -> bool:
    if warcs.endswith("/"):
        return False
    if is_url(warcs):
        return warcs.endswith((".txt", ".idx", ".loc"))
    return posixpath.isfile(warcs)


def _own(name: str) -> str:
    """A name inside the archive's own store."""
    return name if _is_inside(name) else _last(name)


class _Prefix:
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix if prefix.endswith("/") else f"{prefix}/"

    def __call__(self, name: str) -> str:
        if name.startswith(self._prefix):
            name = name.removeprefix(self._prefix)
        return self._prefix + (name if _is_inside(name) else _last(name))


class _PathIndex:
    """Looks names up in a path index; a name that is not in it stays, and is then missed when it is opened."""

    def __init__(self, location: str, opener: Callable[[str], ByteSource]) -> None:
        self._lines = SortedLines(opener(location))
        self._folder = location.rpartition("/")[0]

    def __call__(self, name: str) -> str:
        wanted = f"{name}\t".encode()
        line = next(self._lines.forward(wanted), b"")
        if not line.startswith(wanted):
            return _last(name)
        place = line.split(b"\t")[1].decode("utf-8", "replace").strip()
        if is_url(place) or place.startswith("/"):
            return place
        return f"{self._folder}/{place}" if self._folder else place


def _is_inside(name: str) -> bool:
    return not is_url(name) and not name.startswith(("/", REPLAYED)) and ".." not in name.replace("\\", "/").split("/")


def _last(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].lstrip(".") or "unnamed"
