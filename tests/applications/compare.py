"""Live against replay: what differs."""

from __future__ import annotations

import difflib
from io import BytesIO

from PIL import Image, ImageChops

from tests.applications.model import Visit

#: The share of pixels that may differ: a cursor that blinks.
ALIKE = 0.002
_WIDTH = 520
_GAP = 8


def differing(live: bytes, replayed: bytes) -> float:
    """The share of pixels that are not the same."""
    one, other = (Image.open(BytesIO(data)).convert("RGB") for data in (live, replayed))
    if one.size != other.size:
        return 1.0
    changed = ImageChops.difference(one, other).convert("L").point(lambda level: 255 if level else 0)
    return changed.histogram()[255] / (one.width * one.height)


def side_by_side(live: bytes, replayed: bytes, width: int = _WIDTH) -> bytes:
    """One small picture, WebP: live left, replay right."""
    pictures = [Image.open(BytesIO(data)).convert("RGB") for data in (live, replayed)]
    height = max(round(picture.height * width / picture.width) for picture in pictures)
    sheet = Image.new("RGB", (2 * width + _GAP, height), "white")
    for number, picture in enumerate(pictures):
        small = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
        sheet.paste(small, (number * (width + _GAP), 0))
    out = BytesIO()
    sheet.save(out, "WEBP", quality=60, method=6)
    return out.getvalue()


def text_differences(live: Visit, replayed: Visit) -> list[str]:
    """A line for each step after which text or address are not the same."""
    found = []
    for one, other in zip(live.states, replayed.states, strict=False):
        if one.address != other.address:
            found.append(f"{one.step}: the address is {other.address}, not {one.address}")
        if one.text != other.text:
            lines = difflib.unified_diff(one.text.splitlines(), other.text.splitlines(), "live", "replay", lineterm="", n=0)
            changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
            found.append(f"{one.step}: " + " | ".join(line[:120] for line in changed[:6]))
    return found


def only_in_replay(live: list[str], replayed: list[str]) -> list[str]:
    """What came in replay and not live; how often depends on what the browser kept."""
    return sorted(set(replayed) - set(live))
