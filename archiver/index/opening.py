"""Opens what is attached to a collection, and finds out what something is before it is attached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial

from archiver.errors import StorageFailed, UsageError
from archiver.index.bytesource import ByteSource, is_url, open_bytes
from archiver.index.cdxj import FileKind, open_index, survey
from archiver.index.keyforms import OURS, HostForm, KeyRules
from archiver.index.protocol import CaptureSource
from archiver.index.remote import RemoteIndex, detect, fetcher_for
from archiver.index.remotequery import Dialect
from archiver.index.sources import Source
from archiver.index.warcnames import REPLAY, namer
from archiver.settings import Settings
from archiver.store.places import Places

REMOTE = "remote"
#: Index files up to this size are counted when they are attached.
_COUNTED_BYTES = 64 * 1024 * 1024


def open_source(source: Source, settings: Settings) -> CaptureSource:
    """An attached index.

    Raises:
        StorageFailed: it cannot be reached, or is of a kind that is not known here.
    """
    try:
        return _opened(source, settings)
    except ValueError as error:
        raise StorageFailed(
            f"{source.location} was attached by another version of Muniment, in a way that this one does not know.",
            "Detach it and attach it again.",
        ) from error


def _opened(source: Source, settings: Settings) -> CaptureSource:
    options = source.options
    if source.kind != REMOTE:
        return open_index(
            source.collection,
            FileKind(source.kind),
            source.location,
            warcs=source.warcs,
            rules=_rules(options),
            locations=str(options.get("locations", "")),
            opener=opener_of(settings),
        )
    replay = source.warcs.removeprefix(REPLAY) if source.warcs.startswith(REPLAY) else ""
    return RemoteIndex(
        source.collection,
        source.location,
        Dialect(str(options.get("dialect", Dialect.PYWB))),
        fetcher_for(settings),
        place=None if replay else namer(source.warcs, opener_of(settings)),
        replay=replay,
    )


def opener_of(settings: Settings) -> Callable[[str], ByteSource]:
    """What opens index files by path or URL."""
    return partial(open_bytes, places=Places(settings.s3_endpoint))


def look_at_files(location: str, settings: Settings, *, locations: str = "") -> tuple[FileKind, dict[str, object]]:
    """What an index in files is, and what is to be remembered of it.

    Raises:
        UsageError: it cannot be read where it is; the advice says what to do.
        StorageFailed: it cannot be reached.
    """
    opener = opener_of(settings)
    found = survey(location, locations=locations, opener=opener)
    options: dict[str, object] = {}
    if found.rules != OURS:
        options["keys"] = {**asdict(found.rules), "hosts": [form.value for form in found.rules.hosts]}
    if locations:
        options["locations"] = locations
    if found.unreadable:
        options["unreadable"] = found.unreadable / found.sampled
    if found.kind is FileKind.CDXJ and not is_url(location) and opener(location).view().size <= _COUNTED_BYTES:
        index = open_index("counted", found.kind, location, rules=found.rules)
        options["numbers"] = asdict(index.summary("counted"))
    return found.kind, options


def look_at_server(location: str, settings: Settings, *, dialect: str = "") -> dict[str, object]:
    """What is to be remembered of another server.

    Raises:
        UsageError: it is no CDX server.
        StorageFailed: it cannot be asked.
    """
    if not location.startswith(("http://", "https://")):
        raise UsageError("Another server has an address that begins with http:// or https://.")
    fetcher = fetcher_for(settings)
    try:
        return {"dialect": dialect or detect(location, fetcher).value}
    finally:
        fetcher.close()


def _rules(options: Mapping[str, object]) -> KeyRules:
    said = options.get("keys")
    if not isinstance(said, dict):
        return OURS
    hosts = tuple(HostForm(name) for name in said.get("hosts", ()) if name in set(HostForm)) or OURS.hosts
    return KeyRules(hosts, bool(said.get("loose")), bool(said.get("rekeyed")), float(said.get("unlike") or 0.0))
