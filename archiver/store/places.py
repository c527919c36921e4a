"""Names that are URLs: files that are read where they are, whatever the store of the archive."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from archiver.errors import MissingRecord, UsageError
from archiver.store.anyfs import FsspecFolder
from archiver.store.ranges import open_part
from archiver.store.remote import ReadableFiles, Remote
from archiver.store.s3 import S3Bucket
from archiver.store.web import WebFiles

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://.+", re.DOTALL)
_S3 = ("s3", "s3a")
#: Of names that are addresses of captures in another archive's replay, see archiver/store/replayed.py.
_REPLAYED = "replay+"
#: Of fsspec's kinds of places, those that are no object storage that others can reach.
_NOT_STORAGE = frozenset(
    {"file", "local", "asynclocal", "memory", "data", "dir", "reference", "generic", "cached", "blockcache", "filecache"}
    | {"simplecache", "zip", "tar", "libarchive", "http", "https", "ftp", "git", "github", "gist", "jupyter", "jlab"}
    | {"async_wrapper", "asyncwrapper", "pyscript"}
)


def scheme_of(name: str) -> str:
    """The scheme of a URL, lower case; "" for what is none."""
    found = _URL.fullmatch(name)
    return found[1].lower() if found else ""


def is_url(name: str) -> bool:
    """A file of that name is not in the store, and not on this machine by a path."""
    return "://" in name and bool(scheme_of(name))


def path_of(url: str) -> str:
    """The path of a file: URL."""
    return unquote(urlsplit(url).path)


def storage_at(url: str, s3_endpoint: str = "", *, anonymous: bool = False) -> Remote:
    """Object storage by its URL, such as "s3://bucket/prefix"; nothing is asked yet.

    Raises:
        UsageError: it is none, or its driver is not installed.
    """
    scheme = scheme_of(url)
    if "::" in url or scheme in _NOT_STORAGE or not scheme:
        raise UsageError("That is no object storage.", "Give the path of a folder, or a URL such as s3://bucket/prefix.")
    _check_driver(scheme)
    if scheme not in _S3:
        return FsspecFolder(url)
    bucket, _, prefix = url.partition("://")[2].partition("/")
    if not bucket or "@" in bucket:
        raise UsageError("The URL of the object storage names no bucket.", "Give it as s3://bucket/prefix.")
    if s3_endpoint and scheme_of(s3_endpoint) not in ("http", "https"):
        raise UsageError("The setting “s3_endpoint” must be an http or https URL.")
    return S3Bucket(bucket, prefix.strip("/"), s3_endpoint, anonymous)


def _check_driver(scheme: str) -> None:
    if find_spec("fsspec") is None or (scheme in _S3 and find_spec("s3fs") is None):
        what = "muniment[s3]" if scheme in _S3 else "fsspec"
        raise UsageError(f"What speaks to {scheme}:// is not installed.", f"Install it: pip install '{what}'.")
    if scheme in _S3:
        return
    from fsspec.registry import known_implementations, registry

    if scheme in registry:
        return
    known = known_implementations.get(scheme)
    if known is None:
        raise UsageError(f"No program here knows {scheme}://.", "Give a folder, or object storage such as s3://bucket/prefix.")
    module = str(known["class"]).partition(".")[0]
    if find_spec(module) is None:
        raise UsageError(
            f"What speaks to {scheme}:// is not installed.", f"Install it: pip install {module.replace('_', '-')}."
        )


class Places:
    """Opens files by URL.

    Args:
        s3_endpoint: of s3:// URLs; empty for the one that the environment names, or Amazon's.
        allow_private: replays of other archives may be at loopback and private addresses.
    """

    def __init__(self, s3_endpoint: str = "", *, allow_private: bool = False) -> None:
        self._s3_endpoint = s3_endpoint
        self._allow_private = allow_private
        self._replays: Any = None
        self._web = WebFiles()
        self._anonymous: bool | None = None  # without keys, public buckets are read all the same

    def open(self, url: str, offset: int = 0, length_hint: int = 0) -> BinaryIO:
        """A file for reading, from `offset`.

        Raises:
            MissingRecord: there is none, or no such place.
            StorageFailed: the place cannot be asked.
        """
        if scheme_of(url).startswith(_REPLAYED):
            stream = self._replayed(url)
            stream.seek(offset)
            return stream
        if scheme_of(url) == "file":
            try:
                stream = Path(path_of(url)).open("rb")
            except OSError as error:
                raise MissingRecord("A WARC file that the index names is not there.", "Put it back.") from error
            stream.seek(offset)
            return stream
        return open_part(*self.find(url), offset, length_hint)

    def size(self, url: str) -> int:
        """Bytes of a file.

        Raises:
            MissingRecord: there is none, or no such place.
            StorageFailed: the place cannot be asked.
        """
        if scheme_of(url) == "file" or scheme_of(url).startswith(_REPLAYED):
            with self.open(url) as stream:
                return stream.seek(0, 2)
        files, key = self.find(url)
        return files.stat(key).size

    def exists(self, url: str) -> bool:
        """There is such a file."""
        try:
            self.size(url)
        except MissingRecord:
            return False
        return True

    def _replayed(self, url: str) -> BinaryIO:
        if self._replays is None:
            from archiver.store.replayed import Replays  # what fetches takes long to import, and few need it

            self._replays = Replays(allow_private=self._allow_private)
        stream: BinaryIO = self._replays.open(url)
        return stream

    def find(self, url: str) -> tuple[ReadableFiles, str]:
        """The place of a file that is not on this machine, and its key there.

        Raises:
            MissingRecord: no such place can be read.
        """
        if scheme_of(url) in ("http", "https"):
            return self._web, url
        folder, _, name = url.rpartition("/")
        try:
            if scheme_of(url) in _S3:
                if self._anonymous is None:
                    self._anonymous = not has_keys()
                bucket, _, key = url.partition("://")[2].partition("/")
                return storage_at(f"s3://{bucket}", self._s3_endpoint, anonymous=self._anonymous), key
            return storage_at(folder, self._s3_endpoint), name
        except UsageError as error:
            raise MissingRecord("A WARC file is at a place that cannot be read from here.", error.advice) from error


def has_keys() -> bool:
    """The environment has keys of some kind."""
    try:
        from botocore.session import Session
    except ImportError:
        return True  # what is missing is said when it is needed
    return Session().get_credentials() is not None
