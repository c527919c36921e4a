"""Writes WACZ packages as a stream: one file after the other into the ZIP, hashed on its way, the manifest last."""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Self

from archiver.timestamps import to_iso
from archiver.wacz.package import (
    DATAPACKAGE,
    DIGEST,
    DataPackage,
    Resource,
    datapackage_json,
    digest_json,
    hash_of,
    resource_name,
)
from archiver.wacz.sign import signed_data

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_EARLIEST, _LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2037, 12, 31, tzinfo=UTC)


class Entry:
    """A file of the package that is being written."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Append bytes."""
        self._hash.update(data)
        self.size += len(data)
        return self._target.write(data)

    @property
    def hash(self) -> str:
        """SHA-256 of everything written."""
        return f"sha256:{self._hash.hexdigest()}"


class WaczWriter:
    """A package; use it as a context manager, and `finish` it: what is left before that is no package.

    Args:
        stream: where it goes; need not seek.
        created: UTC, of the package and its files.
    """

    def __init__(self, stream: BinaryIO, created: datetime) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._created = created.astimezone(UTC).replace(microsecond=0)
        self._open: tuple[str, IO[bytes], Entry] | None = None
        self._resources: list[Resource] = []
        self._names: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            self._zip.fp = None  # nothing more is written to what is thrown away
        self._zip.close()

    def begin(self, path: str, *, deflate: bool = False) -> Entry:
        """A file of the package, which is listed in its manifest; `end` it before the next one.

        Args:
            path: inside the package.
            deflate: compress it; never for what readers jump in (WARC files, blocks of an index).
        """
        target = self._zip.open(self._info(path, deflate=deflate), "w", force_zip64=True)
        self._open = (path, target, Entry(target))
        return self._open[2]

    def end(self) -> None:
        """The file is whole."""
        assert self._open is not None
        (path, target, written), self._open = self._open, None
        target.close()
        self._resources.append(Resource(path, written.hash, written.size, self._name(path)))

    def add(self, path: str, pieces: Iterable[bytes], *, deflate: bool = False) -> None:
        """A file of the package out of what it consists of."""
        entry = self.begin(path, deflate=deflate)
        for piece in pieces:
            entry.write(piece)
        self.end()

    def finish(self, package: DataPackage, key: EllipticCurvePrivateKey | None = None) -> DataPackage:
        """Write the manifest and its digest, signed where there is a key; the manifest as written.

        Args:
            package: what the manifest says beside its resources and date.
            key: see `archiver.wacz.sign`.
        """
        package = replace(package, resources=tuple(self._resources), created=self._created)
        manifest = datapackage_json(package)
        signed: dict[str, Any] | None = None
        if key is not None:
            signed = signed_data(key, hash_of([manifest]), to_iso(self._created, 0), package.software)
        for path, data in ((DATAPACKAGE, manifest), (DIGEST, digest_json(manifest, signed))):
            self._zip.writestr(self._info(path, deflate=True), data)
        return package

    def _info(self, path: str, *, deflate: bool) -> zipfile.ZipInfo:
        moment = min(max(self._created, _EARLIEST), _LATEST)
        info = zipfile.ZipInfo(path, moment.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
        info.external_attr = 0o644 << 16
        # The time in UTC. With it, the entry of the central directory has an extra field as the local one has: ReplayWeb.page
        # takes an entry without for one whose data begin right behind the name.
        info.extra = struct.pack("<HHBi", 0x5455, 5, 1, int(moment.timestamp()))
        return info

    def _name(self, path: str) -> str:
        """A name for the manifest, each once."""
        name = base = resource_name(path)
        number = 2
        while name in self._names:
            name, number = f"{number}-{base}", number + 1
        self._names.add(name)
        return name
