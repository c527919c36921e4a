"""Pictures whose bytes came from anywhere: measured, made small and compared, within bounds that no file can break."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.collections.images import kind_of

if TYPE_CHECKING:
    from PIL.Image import Image, Resampling

#: More pixels are not decoded: a page of 1280 pixels may be 31,000 high.
MOST_PIXELS = 40_000_000
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
#: So much of a pixel's red, green or blue may differ without being seen: compression alone changes some.
_UNSEEN = 24
#: Pictures are compared at most so wide, and so high.
_WIDEST, _HIGHEST = 1280, 12_000
#: What is different is marked in this colour, and so much wider than it is, on what is the same in pale grey.
_MARK = (208, 0, 111)
_MARGIN = 3
_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Measure:
    """What a picture is, by its own bytes: media type, and size in pixels."""

    mime: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Two pictures compared.

    Attributes:
        share: how much of the picture differs, 0 to 1.
        data: JPEG that shows where.
        width: of that, in pixels.
        height: likewise.
        old: width and height of the older picture, in pixels.
        new: of the newer one.
    """

    share: float
    data: bytes
    width: int
    height: int
    old: tuple[int, int]
    new: tuple[int, int]


def measure(data: bytes) -> Measure | None:
    """What a PNG, JPEG, GIF or WebP file is; None for anything else, and for what has too many pixels to be shown.

    Reads its head only: what follows may still be damaged.
    """
    with _opened(data) as picture:
        return None if picture is None else Measure(MEDIA_TYPES[str(picture.format)], picture.width, picture.height)


def cropped(data: bytes, width: int, height: int) -> bytes | None:
    """The upper part of a picture as a JPEG of exactly this size; None when it cannot be decoded."""
    picture = _decoded(data, width, height)
    if picture is None:
        return None
    # of what is wider than the frame, the middle; of what is higher, the top: there pages say what they are
    scale = max(width / picture.width, height / picture.height)
    across, down = min(picture.width, width / scale), min(picture.height, height / scale)
    left = (picture.width - across) / 2
    return _jpeg(picture.resize((width, height), _smooth(), (left, 0.0, left + across, down)))


def compare(old: bytes, new: bytes) -> Difference | None:
    """How much of two pictures differs; None when one of them cannot be decoded.

    The wider one is made as narrow as the other. What only one of them has at its lower end differs.
    """
    from PIL import Image, ImageChops, ImageFilter

    measures = [(found.width, found.height) for found in map(measure, (old, new)) if found is not None]
    pictures = [_decoded(data, _WIDEST, 0) for data in (old, new)]
    if pictures[0] is None or pictures[1] is None:
        return None
    width = min(_WIDEST, pictures[0].width, pictures[1].width)
    one, other = (_at_width(picture, width) for picture in pictures if picture is not None)
    shared, height = min(one.height, other.height), max(one.height, other.height)
    bands = ImageChops.difference(one.crop((0, 0, width, shared)), other.crop((0, 0, width, shared))).split()
    most = bands[0]
    for band in bands[1:]:
        most = ImageChops.lighter(most, band)
    marks = Image.new("L", (width, height), 255)
    marks.paste(most.point([255 if value > _UNSEEN else 0 for value in range(256)]), (0, 0))
    differing = marks.histogram()[255]
    longer = other if other.height >= one.height else one
    pale = longer.convert("L").point([195 + value * 60 // 255 for value in range(256)]).convert("RGB")
    pale.paste(_MARK, (0, 0), marks.filter(ImageFilter.MaxFilter(_MARGIN)).point([value * 200 // 255 for value in range(256)]))
    return Difference(differing / (width * height), _jpeg(pale), width, height, measures[0], measures[1])


def _at_width(picture: Image, width: int) -> Image:
    """A picture so wide, cut off where it would be too high."""
    height = max(1, round(picture.height * width / picture.width))
    if picture.width != width:
        picture = picture.resize((width, height), _smooth())
    return picture.crop((0, 0, width, min(height, _HIGHEST)))


def _decoded(data: bytes, width: int, height: int) -> Image | None:
    """A picture in red, green and blue, on white where one sees through it; not smaller than wanted; None when it is broken."""
    from PIL import Image

    with _opened(data) as picture:
        if picture is None:
            return None
        try:
            picture.draft("RGB", (width, height or 1))  # JPEG can be decoded at a fraction of its size
            picture.load()
            if not picture.has_transparency_data:
                return picture.convert("RGB")
            seen_through = picture.convert("RGBA")
            ground = Image.new("RGB", seen_through.size, "white")
            ground.paste(seen_through, mask=seen_through.getchannel("A"))
            return ground
        except (OSError, ValueError, SyntaxError, EOFError, OverflowError, MemoryError):
            return None


@contextmanager
def _opened(data: bytes) -> Iterator[Image | None]:
    """A picture whose head was read, of a kind and size that are taken; else None."""
    from PIL import Image, UnidentifiedImageError  # takes long to import, and few pages need it

    kind = kind_of(data)
    if not kind:
        yield None
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=(kind,))
    except (
        Image.DecompressionBombWarning, Image.DecompressionBombError, UnidentifiedImageError,
        OSError, ValueError, SyntaxError, EOFError, OverflowError,
    ):  # fmt: skip
        yield None
        return
    with picture:
        yield picture if 0 < picture.width * picture.height <= MOST_PIXELS else None


def _smooth() -> Resampling:
    from PIL import Image

    return Image.Resampling.BILINEAR


def _jpeg(picture: Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=_QUALITY, optimize=True)
    return written.getvalue()
