"""Pictures whose bytes came from anywhere: measured, made small and compared, within bounds that no file can break."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, floor
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
#: Left, top, right and bottom of a part of a picture, in pixels.
Box = tuple[float, float, float, float]


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
        # by what was looked for: of several pictures in one JPEG, Pillow calls the format by another name
        return None if picture is None else Measure(MEDIA_TYPES[kind_of(data)], picture.width, picture.height)


def cropped(data: bytes, width: int, height: int) -> bytes | None:
    """The upper part of a picture as a JPEG of exactly this size; None when it cannot be decoded."""

    def frame(picture: Image) -> Box:
        # of what is wider than the frame, the middle; of what is higher, the top: there pages say what they are
        scale = max(width / picture.width, height / picture.height)
        across, down = min(picture.width, width / scale), min(picture.height, height / scale)
        left = (picture.width - across) / 2
        return left, 0.0, left + across, down

    picture = _decoded(data, (width, height), frame, lambda _: (width, height))
    return None if picture is None else _jpeg(picture)


def compare(old: bytes, new: bytes) -> Difference | None:
    """How much of two pictures differs; None when one of them cannot be decoded.

    The wider one is made as narrow as the other. What only one of them has at its lower end differs.
    """
    from PIL import Image, ImageChops, ImageFilter

    measures = [(found.width, found.height) for found in map(measure, (old, new)) if found is not None]
    if len(measures) < len((old, new)):
        return None
    width = min(_WIDEST, *(found[0] for found in measures))
    one, other = _at_width(old, width), _at_width(new, width)  # one after the other: each is large until it is made small
    if one is None or other is None:
        return None
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


def _at_width(data: bytes, width: int) -> Image | None:
    """A picture so wide, cut off where it would be too high; None when it is broken."""

    def upper(picture: Image) -> Box:
        return 0.0, 0.0, float(picture.width), min(float(picture.height), _HIGHEST * picture.width / width)

    def size(box: Box) -> tuple[int, int]:
        return width, max(1, min(_HIGHEST, round(box[3] * width / box[2])))

    return _decoded(data, (width, 1), upper, size)


def _decoded(
    data: bytes, least: tuple[int, int], part: Callable[[Image], Box], size: Callable[[Box], tuple[int, int]]
) -> Image | None:
    """A part of a picture in red, green and blue, on white where one sees through it; None when it is broken.

    What is decoded whole is there once, and made small before anything else is done to it: it may take 160 MB.

    Args:
        data: the file.
        least: width and height, in pixels; a JPEG may be decoded at a fraction of its size that is no smaller.
        part: of the decoded picture, what is wanted.
        size: of the outcome, in pixels, by that part.
    """
    from PIL import Image

    with _opened(data) as picture:
        if picture is None:
            return None
        try:
            picture.draft("RGB", least)
            picture.load()
            box = part(picture)
            whole = floor(box[0]), floor(box[1]), ceil(box[2]), ceil(box[3])
            mode = "RGBA" if picture.has_transparency_data else "RGB"
            cut = picture.crop(whole) if whole != (0, 0, *picture.size) else picture
            if cut.mode != mode:
                cut = cut.convert(mode)
            wanted = size(box)
            inner = box[0] - whole[0], box[1] - whole[1], box[2] - whole[0], box[3] - whole[1]
            if wanted != cut.size:
                cut = cut.resize(wanted, _smooth(), inner)
            if mode == "RGB":
                return cut if cut is not picture else cut.copy()
            ground = Image.new("RGB", cut.size, "white")
            ground.paste(cut, mask=cut.getchannel("A"))
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
