"""The rules for the header of one record: bytes in, fields and findings out. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BRACKETED = re.compile(r"<([A-Za-z][A-Za-z0-9+.\-]*:[^\s<>]+)>")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S*")
_NO_URI_CHARACTER = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})")
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_MEDIA_TYPE = re.compile(rf'{_TOKEN}/{_TOKEN}(?:[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|"[^"]*"))*')
_DAY = (
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31"
    r"|02-29)"
)
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:\.\d{1,9})?)?Z"
_DATE = re.compile(rf"\d{{4}}(?:-(?:0[1-9]|1[0-2])|-{_DAY}(?:T{_CLOCK})?)?")
_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_DIGEST = re.compile(rf"({_TOKEN}):({_TOKEN}=*)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=")

TYPES = frozenset({"warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion", "continuation"})
VERSIONS = frozenset({"WARC/1.0", "WARC/1.1"})
_DRAFTS = frozenset({"WARC/0.9", "WARC/0.10", "WARC/0.12", "WARC/0.13", "WARC/0.16", "WARC/0.17", "WARC/0.18"})
IDENTICAL = frozenset(f"http://netpreserve.org/warc/1.{minor}/revisit/identical-payload-digest" for minor in (0, 1)) | {
    "http://netpreserve.org/warc/1.0/revisit/uri-agnostic-identical-payload-digest"  # Heritrix, before WARC 1.1 had it
}
NOT_MODIFIED = frozenset(f"http://netpreserve.org/warc/1.{minor}/revisit/server-not-modified" for minor in (0, 1))
_REASONS = frozenset({"length", "time", "disconnect", "unspecified"})
_NO_EVENT = frozenset({"warcinfo", "conversion", "continuation"})

#: Field → (types that may have it, rule broken by the others).
_ALLOWED: dict[str, tuple[frozenset[str], str]] = {
    "warc-concurrent-to": (TYPES - _NO_EVENT, "warc-5.7-type"),
    "warc-payload-digest": (TYPES - {"warcinfo", "metadata"}, "warc-5.9-type"),
    "warc-ip-address": (TYPES - _NO_EVENT, "warc-5.10-type"),
    "warc-refers-to": (frozenset({"metadata", "revisit", "conversion"}), "warc-5.11-type"),
    "warc-refers-to-target-uri": (frozenset({"revisit"}), "warc-5.12-type"),
    "warc-refers-to-date": (frozenset({"revisit"}), "warc-5.13-type"),
    "warc-target-uri": (TYPES - {"warcinfo"}, "warc-5.14-warcinfo"),
    "warc-warcinfo-id": (TYPES - {"warcinfo"}, "warc-5.16-type"),
    "warc-filename": (frozenset({"warcinfo"}), "warc-5.17-type"),
    "warc-profile": (frozenset({"revisit"}), "warc-5.18-type"),
    "warc-identified-payload-type": (TYPES - {"warcinfo", "metadata"}, "warc-5.19-type"),
    "warc-segment-origin-id": (frozenset({"continuation"}), "warc-5.21-type"),
    "warc-segment-total-length": (frozenset({"continuation"}), "warc-5.22-type"),
}

#: Fields whose value is an identifier in angle brackets → the rule for that.
_IDENTIFIERS = {
    "warc-record-id": "warc-5.2-form",
    "warc-concurrent-to": "warc-5.7-form",
    "warc-refers-to": "warc-5.11-form",
    "warc-warcinfo-id": "warc-5.16-form",
    "warc-segment-origin-id": "warc-5.21-form",
}
_MANDATORY = {
    "warc-record-id": "warc-5.2-missing",
    "content-length": "warc-5.3-missing",
    "warc-date": "warc-5.4-missing",
    "warc-type": "warc-5.5-missing",
}
_STANDARD = frozenset({*_ALLOWED, *_IDENTIFIERS, *_MANDATORY, "content-type", "warc-block-digest", "warc-truncated"}) | {
    "warc-segment-number"
}
_MAY_REPEAT = frozenset({"warc-concurrent-to"})

Broken = tuple[str, str]  # (rule, detail)


@dataclass(slots=True, eq=False)
class Shape:
    """What headers that are made alike have in common, and where in their values that lies in which they differ.

    Attributes:
        version: the first line.
        names: of the fields whose values differ, last first: of a repeated field the first counts.
        fixed: fields with the same value in all of them.
        concurrent: where the values of WARC-Concurrent-To are; None for nowhere.
        broken: the rules that all of them break.
        kind: type of the record.
        is_http: the block is called an HTTP message, as the standard writes it.
    """

    version: str
    names: tuple[str, ...]
    fixed: dict[str, str]
    concurrent: slice | None
    broken: tuple[Broken, ...]
    kind: str = ""
    is_http: bool = False
    record_id: int = -1
    date: int = -1
    uri: int = -1
    warcinfo: int = -1
    block: int = -1
    payload: int = -1
    length: int = -1

    def __post_init__(self) -> None:
        at = {name: len(self.names) - 1 - place for place, name in enumerate(self.names)}
        self.kind = self.fixed.get("warc-type", "")
        self.is_http = self.fixed.get("content-type", "").startswith("application/http;")
        self.record_id, self.date = at.get("warc-record-id", -1), at.get("warc-date", -1)
        self.uri, self.warcinfo = at.get("warc-target-uri", -1), at.get("warc-warcinfo-id", -1)
        self.block, self.payload = at.get("warc-block-digest", -1), at.get("warc-payload-digest", -1)
        self.length = at.get("content-length", -1)


class Header:
    """What a record header says, values as text, names in lower case.

    Attributes:
        version: the first line.
        concurrent: identifiers of WARC-Concurrent-To, brackets included.
        length: of the block; None when that is not told.
        broken: the rules it breaks.
        shape: what it has in common with others, when it is made like them.
        values: in which it differs from those.
    """

    __slots__ = ("_fields", "broken", "concurrent", "length", "shape", "values", "version")

    def __init__(
        self,
        version: str,
        fields: dict[str, str] | None,
        concurrent: tuple[str, ...] = (),
        length: int | None = None,
        broken: tuple[Broken, ...] = (),
        shape: Shape | None = None,
        values: tuple[str, ...] = (),
    ) -> None:
        self.version, self._fields, self.concurrent, self.length = version, fields, concurrent, length
        self.broken, self.shape, self.values = broken, shape, values

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Header):
            return NotImplemented
        mine, theirs = ((one.version, one.fields, one.concurrent, one.length, one.broken) for one in (self, other))
        return mine == theirs

    __hash__ = None  # type: ignore[assignment]

    @property
    def fields(self) -> dict[str, str]:
        """The first value of each name. Where there is a shape this is put together when somebody asks: most never do."""
        if self._fields is None:
            assert self.shape is not None
            self._fields = self.shape.fixed.copy()
            self._fields.update(zip(self.shape.names, self.values[::-1], strict=True))
        return self._fields

    @property
    def kind(self) -> str:
        """Type of the record; "" where it does not say."""
        return self.fields.get("warc-type", "") if self.shape is None else self.shape.kind

    def get(self, name: str) -> str:
        """A value by the name in lower case; "" when it is not there."""
        return self.fields.get(name, "")


def check_header(raw: bytes) -> Header:
    """Every rule for the header of one record."""
    broken: list[Broken] = []
    lines = _lines(raw, broken)
    version = lines[0].decode("ascii", "replace").strip() if lines else ""
    if version in _DRAFTS:
        broken.append(("warc-4-draft", version))
    elif version not in VERSIONS:
        broken.append(("warc-4-version", version[:40]))
    pairs = _pairs(lines[1:], broken)
    fields: dict[str, str] = {}
    concurrent = []
    for name, value in pairs:
        key = name.lower()
        if key == "warc-concurrent-to":
            concurrent.append(value)
        if key in fields and key in _STANDARD and key not in _MAY_REPEAT:
            broken.append(("warc-5.1-repeated", name))
        fields.setdefault(key, value)
    length = _length(fields, broken)
    _check_values(version, fields, concurrent, broken)
    _check_type(fields, length, broken)
    return Header(version, fields, tuple(concurrent), length, tuple(broken))


def _lines(raw: bytes, broken: list[Broken]) -> list[bytes]:
    """The lines without their ends and without the empty one."""
    if raw.count(b"\n") != raw.count(b"\r\n"):
        broken.append(("warc-4-line-end", "LF alone"))
    return [line.removesuffix(b"\r") for line in raw.split(b"\n") if line not in (b"", b"\r")]


def _pairs(lines: list[bytes], broken: list[Broken]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for line in lines:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text = line.decode("utf-8", "replace")
            broken.append(("warc-4-utf8", text[:80]))
        if line[:1] in (b" ", b"\t") and pairs:
            name, value = pairs[-1]
            pairs[-1] = (name, f"{value} {text.strip()}")
            broken.append(("warc-4-folded", name))
            continue
        name, colon, value = text.partition(":")
        if not colon:
            broken.append(("warc-4-field", text[:80]))
            continue
        if not _NAME.fullmatch(line[: line.index(b":")]):
            broken.append(("warc-4-name", name[:80]))
        value = value.strip(" \t")
        if _CONTROL.search(value):
            broken.append(("warc-4-control", name))
        if _ENCODED_WORD.search(value):
            broken.append(("warc-4-encoded-word", name))
        pairs.append((name.strip(), value))
    return pairs


def _length(fields: dict[str, str], broken: list[Broken]) -> int | None:
    value = fields.get("content-length")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()) or len(value) > 18:
        broken.append(("warc-5.3-form", value[:40]))
        return None
    return int(value)


def _check_values(version: str, fields: dict[str, str], concurrent: list[str], broken: list[Broken]) -> None:
    """What each field must look like wherever it is."""
    for name, rule in _MANDATORY.items():
        if not fields.get(name) and not (name == "content-length" and name in fields):
            broken.append((rule, ""))
    for name, rule in _IDENTIFIERS.items():
        for value in concurrent if name == "warc-concurrent-to" else (fields[name],) if fields.get(name) else ():
            if not _BRACKETED.fullmatch(value):
                broken.append((rule, value[:80]))
    if "warc-record-id" in fields and fields["warc-record-id"] in concurrent:
        broken.append(("warc-5.7-self", fields["warc-record-id"]))
    for name, rule in (("warc-date", "warc-5.4-form"), ("warc-refers-to-date", "warc-5.13-form")):
        value = fields.get(name, "")
        if value and not is_date(value):
            broken.append((rule, value[:40]))
        elif value and version == "WARC/1.0" and not _SECONDS.fullmatch(value):
            broken.append(("warc-5.4-version", f"{name}: {value}"))
    _check_uris(fields, broken)
    if fields.get("content-type") and not _MEDIA_TYPE.fullmatch(fields["content-type"]):
        broken.append(("warc-5.6-form", fields["content-type"][:80]))
    for name, rule in (("warc-block-digest", "warc-5.8-form"), ("warc-payload-digest", "warc-5.9-form")):
        if name in fields and not _DIGEST.fullmatch(fields[name]):
            broken.append((rule, fields[name][:80]))
    if "warc-ip-address" in fields:
        broken += _address(fields["warc-ip-address"])
    if "warc-truncated" in fields and fields["warc-truncated"] not in _REASONS:
        broken.append(("warc-5.15-value", fields["warc-truncated"][:40]))


def _check_uris(fields: dict[str, str], broken: list[Broken]) -> None:
    target = fields.get("warc-target-uri", "")
    if target.startswith("<") and target.endswith(">"):
        broken.append(("warc-5.14-brackets", target[:200]))
        target = target[1:-1]
    if target and not _is_absolute(target):
        broken.append(("warc-5.14-form", target[:200]))
    elif target and _NO_URI_CHARACTER.search(target):
        broken.append(("warc-5.14-characters", target[:200]))
    if "#" in target and target.startswith("http"):
        broken.append(("warc-5.14-fragment", target[:200]))
    refers = fields.get("warc-refers-to-target-uri", "")
    if refers and not _is_absolute(refers):
        broken.append(("warc-5.12-form", refers[:200]))


def _is_absolute(uri: str) -> bool:
    if not _URI.fullmatch(uri):
        return False
    if not uri.lower().startswith(("http:", "https:", "ftp:")):
        return True
    try:
        return bool(urlsplit(uri).netloc)
    except ValueError:
        return False


def _address(value: str) -> list[Broken]:
    try:
        if ":" not in value:
            IPv4Address(value)
            return []
        address = IPv6Address(value)
    except AddressValueError:
        return [("warc-5.10-form", value[:60])]
    # Python writes addresses that carry IPv4 in hexadecimal; RFC 5952, section 5, wants these mixed.
    is_canonical = str(address) == value or (address.ipv4_mapped is not None and "." in value)
    return [] if is_canonical else [("warc-5.10-canonical", value)]


def is_date(value: str) -> bool:
    """A date of the W3C profile of ISO 8601, in UTC."""
    if not _DATE.fullmatch(value):
        return False
    if value[4:10] == "-02-29":
        year = int(value[:4])
        return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return value[:4] != "0000"


def _check_type(fields: dict[str, str], length: int | None, broken: list[Broken]) -> None:
    """What records of its type must have and must not have."""
    kind = fields.get("warc-type", "")
    if kind and kind not in TYPES:
        broken.append(("warc-5.5-unknown", kind[:40]))
        return
    if not kind:
        return
    for name, (types, rule) in _ALLOWED.items():
        if name in fields and kind not in types:
            broken.append((rule, kind))
    if kind not in ("warcinfo", "metadata") and not fields.get("warc-target-uri"):
        broken.append(("warc-5.14-missing", kind))
    if length and kind != "continuation" and not fields.get("content-type"):
        broken.append(("warc-5.6-missing", kind))
    if "warc-block-digest" not in fields and length:
        broken.append(("warc-5.8-missing", kind))
    _check_http(kind, fields, length, broken)
    if kind == "revisit":
        _check_revisit(fields, length, broken)
    _check_segments(kind, fields, broken)


def _check_http(kind: str, fields: dict[str, str], length: int | None, broken: list[Broken]) -> None:
    media = fields.get("content-type", "").lower().replace(" ", "")
    if kind == "warcinfo" and media and media.partition(";")[0] != "application/warc-fields":
        broken.append(("warc-5.6-fields", media[:80]))
    if kind not in ("response", "request", "revisit") or not fields.get("warc-target-uri", "").lower().strip("<").startswith(
        "http"
    ):
        return
    wanted = "request" if kind == "request" else "response"
    if length and media and media != f"application/http;msgtype={wanted}":
        broken.append(("warc-5.6-http", f"{kind}: {media[:80]}"))
    if "warc-ip-address" not in fields and kind != "request":
        broken.append(("warc-5.10-missing", kind))


def _check_revisit(fields: dict[str, str], length: int | None, broken: list[Broken]) -> None:
    profile = fields.get("warc-profile", "")
    if not profile:
        broken.append(("warc-5.18-missing", ""))
        return
    if profile not in IDENTICAL and profile not in NOT_MODIFIED:
        broken.append(("warc-5.18-unknown", profile[:120]))
        return
    if profile in IDENTICAL and not fields.get("warc-payload-digest"):
        broken.append(("warc-6.7-digest", ""))
    if not fields.get("warc-refers-to-target-uri") or not fields.get("warc-refers-to-date"):
        if profile in IDENTICAL or not fields.get("warc-refers-to"):
            broken.append(("warc-6.7-target", ""))
    if profile in IDENTICAL and length and fields.get("warc-truncated") != "length":
        broken.append(("warc-6.7-truncated", ""))


def _check_segments(kind: str, fields: dict[str, str], broken: list[Broken]) -> None:
    number, total = fields.get("warc-segment-number"), fields.get("warc-segment-total-length")
    if number is not None and not (number.isascii() and number.isdigit() and int(number[:18]) > 0):
        broken.append(("warc-5.20-form", number[:40]))
        number = None
    if total is not None and not (total.isascii() and total.isdigit()):
        broken.append(("warc-5.22-form", total[:40]))
    if kind == "continuation":
        if number is None or int(number[:18]) < 2:
            broken.append(("warc-5.20-missing", number or ""))
        if "warc-segment-origin-id" not in fields:
            broken.append(("warc-5.21-missing", ""))
    elif number is not None and number != "1":
        broken.append(("warc-5.20-form", f"{kind}: {number}"))
