"""Reads WACZ packages, whatever state they are in: what is in them, and whether it is what the manifest says."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import SEEK_END
from types import TracebackType
from typing import BinaryIO, Self, cast

from archiver.errors import DamagedFile, DamagedRecord
from archiver.store.inside import ZIP_ERRORS, Slice, stored_at, whole_reads
from archiver.wacz.package import (
    DATAPACKAGE,
    DIGEST,
    DataPackage,
    PackageDigest,
    algorithm_of,
    hash_of,
    parse_datapackage,
    parse_digest,
    same_hash,
)

#: What reading a file of a package may raise.
READ_ERRORS = (*ZIP_ERRORS, OSError, zlib.error, RuntimeError)

_PIECE = 1024 * 1024

#: Most bytes of datapackage.json and datapackage-digest.json.
_MOST_MANIFEST = 64 * 1024 * 1024

#: Entries of a directory; a package of a million WARC files is none.
_MOST_ENTRIES = 200_000

#: A package whose files are this much larger outside, and this large together, is no web archive but a trap.
_MOST_RATIO = 200
_SUSPICIOUS_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a package.

    Attributes:
        path: inside.
        size: bytes, as the directory says.
        packed: bytes that it takes in the package.
        is_stored: it lies there as it is.
        trouble: why it cannot be read; "" when it can.
    """

    path: str
    size: int
    packed: int
    is_stored: bool
    trouble: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something in which a package is not as its manifest says; `path` "" for the package as a whole."""

    path: str
    reason: str


class WaczReader:
    """A package, open for reading; use it as a context manager.

    Args:
        stream: can seek; closed with the reader.

    Raises:
        DamagedFile: it is no ZIP file that can be read.

    Attributes:
        entries: its files, in the order of the directory.
        manifest: datapackage.json, None when it is not there or no JSON.
        digest: datapackage-digest.json, likewise.
        raw_manifest: the bytes of datapackage.json.
        troubles: what is wrong with it so far.
    """

    def __init__(self, stream: BinaryIO) -> None:
        stream = whole_reads(stream)
        self._stream = stream
        self.troubles: list[Mismatch] = []
        try:
            self._zip = zipfile.ZipFile(stream)
            found = self._zip.infolist()
        except ZIP_ERRORS as error:
            stream.close()
            raise DamagedFile("The ZIP file cannot be read: its directory, at its end, is missing or damaged.") from error
        if len(found) > _MOST_ENTRIES:
            stream.close()
            raise DamagedFile(f"The ZIP file has {len(found):,} entries, more than any web archive.")
        self._refuse_overlaps(found)
        self._infos = {info.filename: info for info in found if not info.is_dir()}
        if len(self._infos) < sum(not info.is_dir() for info in found):
            self.troubles.append(Mismatch("", "Names occur twice in the package; the last of each counts."))
        whole = sum(info.file_size for info in found)
        self._is_bomb = whole > _SUSPICIOUS_BYTES and whole > sum(info.compress_size for info in found) * _MOST_RATIO
        self.entries = tuple(self._entry(info) for info in self._infos.values())
        self.raw_manifest = self._small(DATAPACKAGE)
        self.manifest: DataPackage | None = None
        self.digest: PackageDigest | None = None
        try:
            self.manifest = parse_datapackage(self.raw_manifest) if self.raw_manifest else None
            digest = self._small(DIGEST)
            self.digest = parse_digest(digest) if digest else None
        except DamagedFile as error:
            self.troubles.append(Mismatch("", error.message))

    def _refuse_overlaps(self, found: list[zipfile.ZipInfo]) -> None:
        """Files that lie one over the other, so that little becomes endlessly much (D. Fifield, "A better zip bomb", 2019)."""
        size = self._stream.seek(0, SEEK_END)
        if sum(info.compress_size for info in found) > size:
            self.close()
            raise DamagedFile("The files in the package lie one over the other: that is a decompression bomb, no web archive.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the package."""
        self._zip.close()
        self._stream.close()

    def open(self, path: str) -> BinaryIO:
        """A file of the package, for reading; it can seek when it is stored as it is.

        Raises:
            DamagedFile: it is not there or cannot be read.
        """
        info = self._infos.get(path)
        if info is None:
            raise DamagedFile(f"The package has no {path}.")
        entry = self._entry(info)
        if entry.trouble:
            raise DamagedFile(entry.trouble)
        try:
            if entry.is_stored:
                return cast(BinaryIO, _Shared(self._stream, *stored_at(self._stream, info)))
            return cast(BinaryIO, self._zip.open(info))
        except DamagedRecord as error:
            raise DamagedFile(error.message) from error
        except READ_ERRORS as error:
            raise DamagedFile("It cannot be read from the package.") from error

    def pieces(self, path: str) -> Iterator[bytes]:
        """The bytes of a file of the package.

        Raises:
            DamagedFile: it is not there or cannot be read, also in the middle.
        """
        with self.open(path) as stream:
            try:
                while data := stream.read(_PIECE):
                    yield data
            except READ_ERRORS as error:
                raise DamagedFile("It is damaged: its compression or checksum inside the package is broken.") from error

    def lines(self, path: str, limit: int = 16 * 1024 * 1024) -> Iterator[bytes]:
        """The lines of a file of the package, without their ends; longer ones than `limit` are cut.

        Raises:
            DamagedFile: likewise.
        """
        kept = b""
        for data in self.pieces(path):
            kept += data
            *whole, kept = kept.split(b"\n")
            yield from whole
            if len(kept) > limit:
                yield kept[:limit]
                kept = b""
        if kept:
            yield kept

    # -- what the manifest says ---------------------------------------------------------------------------------------

    def contradictions(self) -> Iterator[Mismatch]:
        """In what the manifest, its digest and the directory contradict each other; nothing large is read."""
        yield from self.troubles
        if self.manifest is None:
            if not self.raw_manifest:
                yield Mismatch("", "It has no manifest (datapackage.json).")
            return
        if self.digest is not None and not same_hash(self.digest.hash, self.manifest_hash(self.digest.hash)):
            yield Mismatch(DATAPACKAGE, "datapackage.json is not the one that datapackage-digest.json gives the hash of.")
        if self.manifest.is_multi:
            return
        listed = {resource.path: resource for resource in self.manifest.resources}
        for path, resource in listed.items():
            info = self._infos.get(path)
            if info is None:
                yield Mismatch(path, f"{path} is listed in the manifest and not in the package.")
            elif resource.bytes is not None and resource.bytes != info.file_size:
                yield Mismatch(path, f"{path} has {info.file_size:,} bytes, by the manifest {resource.bytes:,}.")
        for path in self._infos:
            if path not in listed and path not in (DATAPACKAGE, DIGEST):
                yield Mismatch(path, f"{path} is in the package and not listed in the manifest.")

    def manifest_hash(self, like: str) -> str:
        """The hash of datapackage.json by the algorithm of another hash."""
        return hash_of([self.raw_manifest], algorithm_of(like) or "sha256")

    def check(self, path: str) -> Mismatch | None:
        """Whether a file has the hash that the manifest lists for it; reads it.

        Raises:
            DamagedFile: it cannot be read.
        """
        listed = self.listed_hash(path)
        if not listed:
            return None
        algorithm = algorithm_of(listed)
        if not algorithm:
            return Mismatch(path, f"The manifest gives a hash for {path} that cannot be computed here.")
        if same_hash(hash_of(self.pieces(path), algorithm), listed):
            return None
        return Mismatch(path, f"{path} is not the file that the manifest lists: its {algorithm.upper()} is another.")

    def listed_hash(self, path: str) -> str:
        """The hash that the manifest lists for a file; "" for none."""
        resources = self.manifest.resources if self.manifest is not None else ()
        return next((resource.hash for resource in resources if resource.path == path), "")

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        is_stored = info.compress_type == zipfile.ZIP_STORED
        trouble = ""
        if info.flag_bits & 0x1:
            trouble = "It is encrypted."
        elif not _is_safe(info.filename):
            trouble = "Its name leads out of the package."
        elif self._is_bomb and info.file_size > info.compress_size * _MOST_RATIO:
            trouble = (
                f"Its {info.compress_size:,} bytes would become {info.file_size:,}: "
                "that is a decompression bomb, no web archive."
            )
        return Entry(info.filename, info.file_size, info.compress_size, is_stored, trouble)

    def _small(self, path: str) -> bytes:
        """A small file whole; empty, with a note, when it cannot be read."""
        if path not in self._infos:
            return b""
        pieces, size = [], 0
        try:
            for piece in self.pieces(path):
                pieces.append(piece)
                size += len(piece)
                if size > _MOST_MANIFEST:
                    raise DamagedFile("It is too large.")
        except DamagedFile as error:
            self.troubles.append(Mismatch(path, f"{path} cannot be read. {error.message}"))
            return b""
        return b"".join(pieces)


class _Shared(Slice):
    """A part of a stream that stays open when the part is closed."""

    def close(self) -> None:
        if not self.closed:
            super(Slice, self).close()


def _is_safe(path: str) -> bool:
    """A path that stays inside its package on every system."""
    return not (
        path.startswith(("/", "\\"))
        or "\\" in path
        or ":" in path.partition("/")[0]
        or ".." in path.split("/")
        or posixpath.normpath(path) != path
    )
