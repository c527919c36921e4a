"""Files in object storage of any kind that fsspec has a driver for."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from archiver.errors import MissingRecord, StorageFailed
from archiver.store.faults import NOT_THERE, Fault, failure, fault_of
from archiver.store.remote import Part, Stat
from archiver.store.sums import sums_of

_PIECE = 8 * 1024 * 1024
_MD5_FIELDS = ("md5Hash", "content_md5")


class FsspecFolder:
    """Files below a URL; see `Remote`.

    Args:
        url: such as "gs://bucket/prefix"; its driver must be installed.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._opened: tuple[int, Any, str] | None = None

    @property
    def address(self) -> str:
        return self._url

    # -- reading -----------------------------------------------------------------------------------------------------

    def read(self, key: str, start: int, end: int, version: str = "") -> Part:
        fs, path = self._at(key)
        try:
            return Part(bytes(fs.cat_file(path, start=start, end=end)), None, version)
        except Exception as error:
            fault = fault_of(error)
            if fault is not Fault.MISSING and start and start >= (size := self.stat(key).size):
                return Part(b"", size, version)
            raise _translated(error) from error

    def stat(self, key: str) -> Stat:
        info = self._info(key)
        version = str(info.get("etag") or info.get("ETag") or info.get("generation") or info.get("mtime") or "")
        return Stat(int(info["size"]), version)

    def keys(self) -> Iterator[str]:
        fs, root = self._at("")
        try:
            found = fs.find(root)
        except Exception as error:
            if fault_of(error) is Fault.MISSING:
                return
            raise _translated(error) from error
        for path in sorted(found):
            yield path.removeprefix(root).lstrip("/")

    def check(self) -> None:
        with suppress(MissingRecord):  # nothing has been kept there yet
            self._info("")

    # -- keeping -----------------------------------------------------------------------------------------------------

    def put(self, key: str, source: BinaryIO) -> None:
        fs, path = self._at(key)
        try:
            fs.put_file(source.name, path)  # drivers finish a file that was only half written to them
        except Exception as error:
            raise _translated(error) from error
        if not self.holds(key, source):
            raise StorageFailed("An uploaded WARC file is not what was sent.", "Look at the log of the object storage.")

    def holds(self, key: str, source: BinaryIO) -> bool:
        """By the MD5 that is told of the file, where one is; else by reading it."""
        info = self._info(key)
        sums = sums_of(source)
        if int(info["size"]) != sums.size:
            return False
        told = next((info[name] for name in _MD5_FIELDS if info.get(name)), None) or _settings_md5(info)
        if told:
            return _md5_of(source) == (base64.b64decode(told) if isinstance(told, str) else bytes(told))
        sha256 = hashlib.sha256()
        at = 0
        while at < sums.size and (data := self.read(key, at, min(at + _PIECE, sums.size)).data):
            sha256.update(data)
            at += len(data)
        return sha256.hexdigest() == sums.sha256

    def delete(self, key: str) -> None:
        fs, path = self._at(key)
        try:
            fs.rm_file(path)
        except Exception as error:
            if fault_of(error) is not Fault.MISSING:
                raise _translated(error) from error

    # -- asking ------------------------------------------------------------------------------------------------------

    def _info(self, key: str) -> dict[str, Any]:
        fs, path = self._at(key)
        try:
            return dict(fs.info(path))
        except Exception as error:
            raise _translated(error) from error

    def _at(self, key: str) -> tuple[Any, str]:
        """The driver, made anew after a fork, and the path it knows a file by."""
        if self._opened is None or self._opened[0] != os.getpid():
            try:
                from fsspec.core import url_to_fs

                fs, root = url_to_fs(self._url, skip_instance_cache=True, use_listings_cache=False)
            except Exception as error:
                raise _translated(error) from error
            self._opened = os.getpid(), fs, root.rstrip("/")
        _, fs, root = self._opened
        return fs, f"{root}/{key}" if key else root


def _md5_of(source: BinaryIO) -> bytes:
    md5 = hashlib.md5(usedforsecurity=False)
    source.seek(0)
    while data := source.read(_PIECE):
        md5.update(data)
    return md5.digest()


def _settings_md5(info: dict[str, Any]) -> Any:
    settings = info.get("content_settings")
    return settings.get("content_md5") if isinstance(settings, dict) else None


def _translated(error: Exception) -> MissingRecord | StorageFailed:
    if isinstance(error, MissingRecord | StorageFailed):
        return error
    if fault_of(error) is Fault.MISSING:
        return MissingRecord(*NOT_THERE)
    return failure(error)
