"""What a DASH presentation (ISO/IEC 23009-1) has its player fetch, segment by segment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count, zip_longest
from math import ceil
from xml.etree.ElementTree import Element, ParseError, fromstring

from archiver.urls import resolve

_XLINK = "{http://www.w3.org/1999/xlink}href"
_INNER = {"MPD": "Period", "Period": "AdaptationSet", "AdaptationSet": "Representation"}
_SEGMENTS = ("SegmentBase", "SegmentList", "SegmentTemplate")
_IDENTIFIER = re.compile(r"\$(?:(RepresentationID|Number|Bandwidth|Time)(?:%0(\d{1,2})d)?)?\$")
_DURATION = re.compile(r"P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:([\d.]{1,18})S)?)?")


@dataclass(frozen=True)
class _Segments:
    """What is said of segments, with what the elements around say.

    Attributes:
        attributes: of the elements that describe them.
        children: of those, by name.
        is_template: a SegmentTemplate is among them.
    """

    attributes: dict[str, str] = field(default_factory=dict)
    children: dict[str, list[Element]] = field(default_factory=dict)
    is_template: bool = False

    def with_those_of(self, element: Element) -> _Segments:
        """What is said inside that element."""
        found = self
        for child in element:
            if _name(child) in _SEGMENTS:
                inner: dict[str, list[Element]] = {}
                for part in child:
                    inner.setdefault(_name(part), []).append(part)
                attributes = {**found.attributes, **child.attrib}
                is_template = found.is_template or _name(child) == "SegmentTemplate"
                found = _Segments(attributes, {**found.children, **inner}, is_template)
        return found

    def number(self, name: str, default: int) -> int:
        """The value of an attribute."""
        return _number(self.attributes.get(name), default)


@dataclass(frozen=True)
class _Place:
    """Where in a presentation we are."""

    base: str
    segments: _Segments = field(default_factory=_Segments)
    seconds: float | None = None  # that the period lasts, as far as that is known
    has_base: bool = False


def dash_media(data: bytes, url: str) -> Iterator[str]:
    """The URLs that a player may fetch, of every representation, some twice; endless for manifests that mean harm.

    Of several BaseURL elements side by side it is the first that counts. Segments that only the clock knows, those of
    live presentations without a SegmentTimeline, are left out.

    Args:
        data: the manifest; one that is not well-formed names nothing.
        url: where it is.
    """
    try:
        root = fromstring(data)
    except (ParseError, ValueError, LookupError):  # an encoding that nobody knows, or that expat does not
        return
    yield from _walk(root, _Place(url))


def _walk(element: Element, outer: _Place) -> Iterator[str]:
    if remote := element.get(_XLINK):
        yield from _resolved(outer.base, remote)
    name = _name(element)
    base = next((child.text for child in element if _name(child) == "BaseURL" and child.text), None)
    place = replace(
        outer,
        base=(resolve(outer.base, base.strip()) or outer.base) if base else outer.base,
        segments=outer.segments.with_those_of(element),
        has_base=outer.has_base or base is not None,
    )
    if name == "Representation":
        yield from _representation(element, place)
        return
    for child, seconds in _periods(element) if name == "MPD" else ((child, place.seconds) for child in element):
        if _name(child) == _INNER.get(name):
            yield from _walk(child, replace(place, seconds=seconds))


def _periods(presentation: Element) -> Iterator[tuple[Element, float | None]]:
    """Each period and how many seconds it lasts."""
    periods = [child for child in presentation if _name(child) == "Period"]
    end = _seconds(presentation.get("mediaPresentationDuration"))
    start = 0.0
    for period, following in zip_longest(periods, periods[1:]):
        start = _seconds(period.get("start")) or start
        until = _seconds(following.get("start")) if following is not None else end
        seconds = _seconds(period.get("duration"))
        if seconds is None and until is not None:
            seconds = until - start
        yield period, seconds
        start += seconds or 0


def _representation(element: Element, place: _Place) -> Iterator[str]:
    segments = place.segments
    for name in ("Initialization", "RepresentationIndex", "BitstreamSwitching"):
        for part in segments.children.get(name, ()):
            yield from _resolved(place.base, part.get("sourceURL"))
    if "SegmentURL" in segments.children:
        for part in segments.children["SegmentURL"]:
            yield from _resolved(place.base, part.get("media"))
            yield from _resolved(place.base, part.get("index"))
    elif segments.is_template:
        values: dict[str, str | int] = {
            "RepresentationID": element.get("id") or "",
            "Bandwidth": _number(element.get("bandwidth"), 0),
            "Number": 0,
            "Time": 0,
        }
        templates = segments.attributes
        for name in ("initialization", "bitstreamSwitching"):
            yield from _resolved(place.base, _filled(templates.get(name), values))
        media, index = templates.get("media"), templates.get("index")
        for number, time in _moments(segments, place.seconds) if media or index else ():
            values.update(Number=number, Time=time)
            yield from _resolved(place.base, _filled(media, values))
            yield from _resolved(place.base, _filled(index, values))
    elif place.has_base and not place.base.endswith("/"):
        yield place.base


def _moments(segments: _Segments, seconds: float | None) -> Iterator[tuple[int, int]]:
    """The number and the time of each segment."""
    number = segments.number("startNumber", 1)
    timescale = segments.number("timescale", 1) or 1
    first = segments.number("presentationTimeOffset", 0)
    end = first + ceil(round(seconds * timescale, 3)) if seconds is not None else None
    timeline = segments.children.get("SegmentTimeline")
    if timeline:
        yield from zip(count(number), _times(timeline[0], end))
        return
    duration = segments.number("duration", 0)
    last = segments.number("endNumber", 0)
    if last <= 0 and end is not None and duration > 0:
        last = number + ceil((end - first) / duration) - 1
    for index in range(last - number + 1):
        yield number + index, first + index * duration


def _times(timeline: Element, end: int | None) -> Iterator[int]:
    """The times that a SegmentTimeline lists; a negative repetition lasts up to the next entry, or to the end."""
    entries = [child for child in timeline if _name(child) == "S"]
    time = 0
    for entry, following in zip_longest(entries, entries[1:]):
        time = _number(entry.get("t"), time)
        duration, repeat = _number(entry.get("d"), 0), _number(entry.get("r"), 0)
        if repeat < 0:
            until = _number(following.get("t"), time) if following is not None else end
            repeat = ceil((until - time) / duration) - 1 if until is not None and duration > 0 else 0
        for _ in range(repeat + 1):
            yield time
            time += duration


def _filled(template: str | None, values: dict[str, str | int]) -> str | None:
    """A template with its identifiers replaced (section 5.3.9.4.4)."""

    def value(match: re.Match[str]) -> str:
        name, width = match.groups()
        return str(values[name]).rjust(int(width or 0), "0") if name else "$"

    return _IDENTIFIER.sub(value, template) if template else None


def _resolved(base: str, reference: str | None) -> Iterator[str]:
    if reference:
        yield resolve(base, reference) or reference  # what is no URL counts as well: somebody has to stop


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _number(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch(r"-?[0-9]{1,18}", text) else default


def _seconds(duration: str | None) -> float | None:
    match = _DURATION.fullmatch(duration or "")
    if match is None:
        return None
    days, hours, minutes, seconds = (_float(part) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _float(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
