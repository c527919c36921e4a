"""Attaches indexes to collections, and takes them away again; both stand in the audit log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archiver.errors import MunimentError, UsageError
from archiver.index.bytesource import is_url
from archiver.index.opening import REMOTE, look_at_files, look_at_server, open_source
from archiver.index.query import KeyRange
from archiver.index.sources import Source
from archiver.index.warcnames import REPLAY
from archiver.settings import Settings

if TYPE_CHECKING:
    from archiver.holdings import Holdings

#: Where the Internet Archive's programs have their replay, beside their CDX API.
_IA_CDX, _IA_REPLAY = "/cdx/search/cdx", "/web/"


def attach_files(holdings: Holdings, slug: str, location: str, *, warcs: str | None = None, locations: str = "") -> Source:
    """Attach an index in files.

    Args:
        holdings: the opened archive.
        slug: the collection.
        location: path or URL of a CDX or CDXJ file or of a ZipNum cluster's secondary index.
        warcs: see `archiver.index.warcnames.namer`; None for the folder of the index.
        locations: of a ZipNum cluster, the file that says where its shards are.

    Raises:
        UnknownCollection: no such collection.
        Conflict: it is attached already.
        UsageError: it cannot be read where it is; the advice says what to do.
        StorageFailed: it cannot be reached.
    """
    holdings.collections.get(slug)
    location, locations = _absolute(location), _absolute(locations)
    kind, options = look_at_files(location, holdings.settings, locations=locations)
    place = f"{location.rpartition('/')[0]}/" if warcs is None else _absolute(warcs)
    return _attach(holdings, slug, kind.value, location, place, options)


def attach_server(
    holdings: Holdings, slug: str, location: str, *, warcs: str | None = None, replay: str | None = None, dialect: str = ""
) -> Source:
    """Attach another CDX server.

    Args:
        holdings: the opened archive.
        slug: the collection.
        location: address of its CDX API.
        warcs: where the WARC files are that it names; None to fetch captures from its replay.
        replay: address of its replay, up to the timestamp; None to find it from `location`.
        dialect: "pywb" or "ia"; "" to find it out.

    Raises:
        UnknownCollection: no such collection.
        Conflict: it is attached already.
        UsageError: it is no CDX server, or where its captures are is not known.
        StorageFailed: it cannot be asked.
    """
    holdings.collections.get(slug)
    location = location.rstrip("?")
    options = look_at_server(location, holdings.settings, dialect=dialect)
    if warcs is not None and replay is not None:
        raise UsageError("Captures come from WARC files or from a replay, not from both.", "Leave out --warcs or --replay.")
    place = _absolute(warcs) if warcs is not None else f"{REPLAY}{_replay_of(location, replay)}"
    return _attach(holdings, slug, REMOTE, location, place, options)


def detach_index(holdings: Holdings, slug: str, location: str) -> Source:
    """Take an attached index away, by its location or number.

    Raises:
        NotFound: nothing like it is attached to that collection.
    """
    known = {location, _absolute(location)}
    exact = next((source.location for source in holdings.sources.all(slug) if source.location in known), location)
    gone = holdings.sources.detach(slug, exact)
    holdings.audit.note("", "index.detach", slug, {"location": gone.location, "kind": gone.kind})
    return gone


def problem_of(source: Source, settings: Settings) -> str:
    """Why an attached index does not answer; "" when it does."""
    try:
        index = open_source(source, settings)
        if source.kind == REMOTE:
            index.newest([source.collection], "com,example)/")
        else:
            next(index.scan([source.collection], [KeyRange("", None)]), None)
    except MunimentError as error:
        return str(error)
    return ""


def _attach(holdings: Holdings, slug: str, kind: str, location: str, warcs: str, options: dict[str, object]) -> Source:
    added = holdings.sources.attach(slug, kind, location, warcs=warcs, options=options)
    holdings.audit.note("", "index.attach", slug, {"location": location, "kind": kind, "warcs": warcs})
    return added


def _replay_of(location: str, replay: str | None) -> str:
    if replay is not None:
        if not replay.startswith(("http://", "https://")):
            raise UsageError("The replay of another archive has an address that begins with http:// or https://.")
        return replay if replay.endswith("/") else f"{replay}/"
    parts = urlsplit(location)
    if parts.path.endswith(_IA_CDX):
        path = parts.path.removesuffix(_IA_CDX) + _IA_REPLAY
    elif parts.path.endswith(("/cdx", "/index")):
        path = parts.path.rpartition("/")[0] + "/"
    else:
        raise UsageError("Where that server replays its captures is not known.", "Give the address with --replay.")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _absolute(location: str) -> str:
    """A path that means the same to every process."""
    if not location or is_url(location):
        return location
    path = str(Path(location).expanduser().absolute())
    return f"{path}/" if location.endswith("/") or Path(path).is_dir() else path
