"""Pictures that are uploaded: looked at, drawn anew, refused where they are something else."""

from __future__ import annotations

import io

import pytest
from PIL import Image as Pictures

from archiver.collections import images
from archiver.collections.images import ImageRegistry, drawn_anew
from archiver.errors import UsageError
from archiver.holdings import Holdings
from tests.conftest import OpenHoldings


def picture(kind: str, size: tuple[int, int] = (40, 20), mode: str = "RGB", **more: object) -> bytes:
    written = io.BytesIO()
    Pictures.new(mode, size, 1 if mode == "P" else (200, 10, 10, 128)[: len(mode)]).save(written, kind, **more)
    return written.getvalue()


@pytest.mark.parametrize(
    ("kind", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/png"), ("GIF", "image/png")]
)
def test_pictures_are_drawn_anew(kind: str, mime: str) -> None:
    data = picture(kind) + b"<script>alert(1)</script>"
    found, clean = drawn_anew(data)
    assert found == mime and b"<script>" not in clean
    assert Pictures.open(io.BytesIO(clean)).size == (40, 20)


def test_nothing_but_pixels_is_kept() -> None:
    exif = Pictures.Exif()
    exif[0x010E] = "taken at home"
    exif[0x0112] = 6  # to be turned by a quarter
    _, clean = drawn_anew(picture("JPEG", exif=exif))
    assert b"taken at home" not in clean and Pictures.open(io.BytesIO(clean)).size == (20, 40)


def test_large_pictures_become_small() -> None:
    _, clean = drawn_anew(picture("PNG", (3000, 1000)))
    assert Pictures.open(io.BytesIO(clean)).size == (800, 267)


def test_what_is_no_picture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    png = picture("PNG", (200, 200))
    for wrong in (
        b"", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", b"%PDF-1.7", b"GIF89a", png[:60],
        b"\xff\xd8\xff\xe0junk", b"RIFF\x00\x00\x00\x00WEBPVP8 junk", png[:33] + b"\x00" * 400, b"BM" + bytes(200),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            drawn_anew(wrong)
    monkeypatch.setattr(images, "LARGEST_FILE", 100)
    with pytest.raises(UsageError, match="larger"):
        drawn_anew(png)


def test_a_picture_that_grows_is_refused_before_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_MOST_PIXELS", 39_999)
    with pytest.raises(UsageError, match="pixels"):
        drawn_anew(picture("PNG", (200, 200)))
    bomb = bytearray(picture("PNG", (1, 1)))
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2  # says 3.6 thousand million pixels
    with pytest.raises(UsageError):
        drawn_anew(bytes(bomb))


def test_pictures_are_kept(holdings_with: OpenHoldings) -> None:
    holdings: Holdings = holdings_with()
    registry = ImageRegistry(holdings.engine, holdings.collections.now, holdings.audit)
    assert registry.get("collection", 1) is None
    registry.put("collection", 1, picture("PNG"), actor="ada", subject="collection default")
    registry.put("collection", 1, picture("JPEG"), actor="ada")
    kept = registry.get("collection", 1)
    assert kept is not None and kept.mime == "image/jpeg" and registry.having("collection") == {1}
    assert registry.get("organisation", 1) is None
    assert registry.remove("collection", 1, actor="ada") and not registry.remove("collection", 1)
    assert [entry.action for entry in holdings.audit.entries()] == ["image.put", "image.put", "image.remove"]
