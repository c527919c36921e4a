"""Pictures of organisations and collections: looked at, and drawn anew, so that no upload is served as it came."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select

from archiver.audit import AuditLog
from archiver.errors import UsageError
from archiver.index.database import insert_or_replace, reading, writing
from archiver.index.worktables import images
from archiver.timestamps import parse_iso, to_iso

OWNERS = ("organisation", "collection")
#: Largest file that is taken, and most pixels that it may have when it is drawn.
LARGEST_FILE = 5_000_000
_MOST_PIXELS = 40_000_000
#: Scans of a JPEG. Those that cameras and programs write have a dozen; each takes as long as decoding the picture once, and can
#: be written in some bytes.
_MOST_SCANS = 100
#: Longest side of what is kept.
_LONGEST_SIDE = 800
#: Formats by the bytes that files begin with.
_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture as it is served.

    Attributes:
        mime: "image/png" or "image/jpeg".
        data: of the file.
        changed_at: UTC.
    """

    mime: str
    data: bytes
    changed_at: datetime


def kind_of(data: bytes) -> str:
    """The format of a picture by its first bytes: "PNG", "JPEG", "GIF" or "WEBP"; "" for anything else.

    Also for a JPEG that is written to take minutes to decode.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    kind = next((kind for start, kind in _KINDS if data.startswith(start)), "")
    return "" if kind == "JPEG" and data.count(b"\xff\xda") > _MOST_SCANS else kind


def drawn_anew(data: bytes) -> tuple[str, bytes]:
    """A picture decoded, turned upright, made small enough and written anew: media type and file.

    Nothing but its pixels is kept: no place where it was taken, no comment, no second format hidden in it. Of several pictures
    in one file the first is kept.

    Raises:
        UsageError: it is too large, of a format that is not taken, or cannot be decoded whole.
    """
    from PIL import Image as Pictures  # takes long to import, and hardly any command needs it
    from PIL import ImageOps, UnidentifiedImageError

    if len(data) > LARGEST_FILE:
        raise UsageError(f"That picture is larger than {LARGEST_FILE // 1_000_000} MB.", "Make it smaller first.")
    kind = kind_of(data)
    if not kind:
        raise UsageError(
            "That file is no picture in a format that is taken here.", "Use PNG, JPEG, WebP or GIF; SVG is not taken."
        )
    broken = UsageError("That picture is damaged: it cannot be decoded whole.", "Save it anew as PNG or JPEG.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pictures.DecompressionBombWarning)
            with Pictures.open(io.BytesIO(data), formats=(kind,)) as opened:
                if opened.width * opened.height > _MOST_PIXELS:
                    raise UsageError(f"That picture has more than {_MOST_PIXELS:,} pixels.", "Make it smaller first.")
                opened.load()
                upright = ImageOps.exif_transpose(opened)
                has_alpha = upright.has_transparency_data
                picture = upright.convert("RGBA" if has_alpha else "RGB")
    except (Pictures.DecompressionBombWarning, Pictures.DecompressionBombError) as error:
        raise UsageError(f"That picture has more than {_MOST_PIXELS:,} pixels.", "Make it smaller first.") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, OverflowError, MemoryError) as error:
        raise broken from error
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    is_photo = kind == "JPEG" and not has_alpha
    written = io.BytesIO()
    if is_photo:
        picture.save(written, "JPEG", quality=88, optimize=True)
    else:
        picture.save(written, "PNG", optimize=True)
    return ("image/jpeg" if is_photo else "image/png"), written.getvalue()


class ImageRegistry:
    """The pictures of an archive.

    Args:
        engine: the archive's database.
        clock: the time, UTC.
        audit: where changes are noted of which somebody is said to be their author.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime] | None = None, audit: AuditLog | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._audit = audit

    def get(self, owner: str, number: int) -> Image | None:
        """The picture of an organisation or a collection; None when it has none."""
        statement = select(images).where(images.c.owner == owner, images.c.owner_id == number)
        with reading(self._engine) as connection:
            row = connection.execute(statement).first()
        return None if row is None else Image(row.mime, bytes(row.data), parse_iso(row.changed_at))

    def having(self, owner: str) -> frozenset[int]:
        """The numbers of those organisations or collections that have one."""
        with reading(self._engine) as connection:
            return frozenset(
                number for (number,) in connection.execute(select(images.c.owner_id).where(images.c.owner == owner))
            )

    def put(self, owner: str, number: int, data: bytes, *, actor: str | None = None, subject: str = "") -> None:
        """Keep a picture, in the place of an older one.

        Args:
            owner: one of `OWNERS`.
            number: of the owner, in the tables.
            data: the file as it came.
            actor: who does it.
            subject: the owner's name, for the audit log.

        Raises:
            UsageError: it is not taken; says why.
        """
        if owner not in OWNERS or self._clock is None:
            raise ValueError(owner)
        mime, clean = drawn_anew(data)
        values = {"owner": owner, "owner_id": number, "mime": mime, "data": clean, "changed_at": to_iso(self._clock())}
        with writing(self._engine) as connection:
            connection.execute(insert_or_replace(self._engine, images).values(**values))
            self._note(connection, actor, "image.put", subject or f"{owner} {number}", {"bytes": len(clean), "type": mime})

    def remove(self, owner: str, number: int, *, actor: str | None = None, subject: str = "") -> bool:
        """Take a picture away; False when there was none."""
        with writing(self._engine) as connection:
            gone = connection.execute(delete(images).where(images.c.owner == owner, images.c.owner_id == number)).rowcount
            if gone:
                self._note(connection, actor, "image.remove", subject or f"{owner} {number}", {})
        return bool(gone)

    def _note(self, connection: Connection, actor: str | None, action: str, subject: str, detail: object) -> None:
        if actor is not None and self._audit is not None:
            self._audit.note_within(connection, actor, action, subject, detail)
