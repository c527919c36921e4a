"""The place of WARC files that the settings name."""

from __future__ import annotations

from pathlib import Path

from archiver.store.folder import FolderStore
from archiver.store.objects import ObjectStore
from archiver.store.places import Places, is_url, storage_at
from archiver.store.protocol import WarcStore

#: The folder of the WARC files inside the archive home.
WARC_FOLDER = "archive"

#: The folder inside the archive home in which files are written that belong into object storage.
SPOOL_FOLDER = "spool"


def open_store(location: str, home: Path, s3_endpoint: str = "", *, allow_private: bool = False) -> WarcStore:
    """The store at a location.

    Args:
        location: path of a folder, or URL of object storage; empty for the archive home's own folder.
        home: the archive home.
        s3_endpoint: URL of the service that s3:// means; empty for the one that the environment names, or Amazon's.
        allow_private: replays of other archives may be at loopback and private addresses.

    Raises:
        UsageError: it cannot be used, or its driver is not installed.
    """
    places = Places(s3_endpoint, allow_private=allow_private)
    if not is_url(location) and "://" not in location:
        return FolderStore(Path(location) if location else home / WARC_FOLDER, places)
    store = ObjectStore(storage_at(location, s3_endpoint), home / SPOOL_FOLDER, places)
    store.begin()
    return store
