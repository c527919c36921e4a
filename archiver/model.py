"""The frozen values that the stages of capture and replay hand to each other.

Nothing here does I/O or imports anything past the standard library.

    Candidate ─fetch→ Exchange ─write→ WrittenRecord ─index→ Capture
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import BinaryIO


class Hop(StrEnum):
    """How a URL was reached from its parent: Heritrix's letters (Hop.java; warc-specifications #59)."""

    LINK = "L"
    REDIRECT = "R"
    EMBED = "E"
    SPECULATIVE = "X"
    PREREQUISITE = "P"
    INFERRED = "I"
    MANIFEST = "M"
    SYNTHESIZED = "S"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A URL that may be fetched, and how we came to it.

    Attributes:
        url: absolute, normalised (WHATWG), without fragment.
        via: the URL it was found on; None for a seed.
        hops: one `Hop` letter a step from the seed, oldest first; empty for a seed.
    """

    url: str
    via: str | None = None
    hops: str = ""


class Truncation(StrEnum):
    """Why a recorded block lacks bytes (WARC 1.1, section 5.13)."""

    LENGTH = "length"
    TIME = "time"
    DISCONNECT = "disconnect"
    UNSPECIFIED = "unspecified"


class FailureKind(StrEnum):
    """What kept a URL from being captured whole; the reason column of every report."""

    INVALID_URL = "invalid-url"
    REFUSED_BY_GUARD = "refused-by-guard"
    DNS = "dns"
    CONNECTION_REFUSED = "connection-refused"
    CONNECTION_RESET = "connection-reset"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    TIMEOUT = "timeout"
    CUT_SHORT = "cut-short"
    TOO_LARGE = "too-large"
    PROTOCOL = "protocol"
    TOO_MANY_REDIRECTS = "too-many-redirects"
    PAGE_LIMIT = "page-limit"
    INTERRUPTED = "interrupted"
    HTTP_ERROR = "http-error"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one URL is missing or incomplete.

    Attributes:
        kind: the class of failure, for grouping.
        reason: one short sentence for people, such as "the name example.test is not known (DNS)".
    """

    kind: FailureKind
    reason: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request and what came back, exactly as both crossed the wire.

    The response spool belongs to whoever holds the exchange; `close` gives its memory or temporary file back.

    Attributes:
        url: as requested, absolute, without fragment.
        started_at: when the first request byte was about to be sent; UTC, microseconds.
        elapsed: from `started_at` until the last response byte.
        request: every request byte as sent, head and body; empty when the connection was never made.
        response: seekable from 0, every response byte from the status line of the *final* response on (1xx responses
            are in `interim`), transfer coding and trailers included; None when no byte of a response arrived.
        response_length: number of bytes in `response`.
        interim: the raw heads of 1xx responses that came before, concatenated.
        status: status code of the final response; None when there is no readable status line.
        ip_address: the peer's address, IPv6 by RFC 5952; None when never connected.
        protocols: values for WARC-Protocol, such as ("http/1.1", "tls/1.3").
        cipher_suite: IANA name of the TLS cipher suite, or None.
        truncated: set when response bytes are missing.
        failure: set when the fetch did not end well (also beside a partial response).
        withheld: header fields of which secrets were taken out before this may be recorded, such as "request Cookie".
    """

    url: str
    started_at: datetime
    elapsed: timedelta
    request: bytes
    response: BinaryIO | None
    response_length: int = 0
    interim: bytes = b""
    status: int | None = None
    ip_address: str | None = None
    protocols: tuple[str, ...] = ()
    cipher_suite: str | None = None
    truncated: Truncation | None = None
    failure: Failure | None = None
    withheld: tuple[str, ...] = ()

    def close(self) -> None:
        """Give the response spool back; the exchange can no longer be written after this."""
        if self.response is not None:
            self.response.close()


@dataclass(frozen=True, slots=True)
class RevisitTarget:
    """The capture whose payload a revisit record repeats (WARC 1.1, section 6.7).

    Attributes:
        url: WARC-Refers-To-Target-URI, or None when the record does not say.
        timestamp: WARC-Refers-To-Date as 14 digits, or None when the record does not say.
        record_id: WARC-Refers-To, or None.
    """

    url: str | None
    timestamp: str | None
    record_id: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenRecord:
    """One record in a WARC file, and where.

    Attributes:
        record_type: "response", "request", "revisit", "metadata", "resource", "warcinfo" …
        record_id: `<urn:uuid:…>`, angle brackets included.
        url: WARC-Target-URI; empty for warcinfo.
        date: WARC-Date, UTC.
        file: name of the WARC file inside the store.
        offset: of the record's first byte in the file as stored (its gzip member).
        length: bytes as stored (compressed).
        mime: media type of the payload, lower case, without parameters; "" when unknown; "warc/revisit" is never used
            here, a revisit keeps the type in its HTTP head.
        status: HTTP status, or None when the record is not HTTP.
        payload_digest: "sha1:" + base32, of the payload without transfer coding; "" when there is none.
        revisit_of: set on revisit records.
        truncated: set when bytes are missing.
        payload_length: bytes of the payload that came, also of one that a revisit leaves out; None when nobody measured it.
    """

    record_type: str
    record_id: str
    url: str
    date: datetime
    file: str
    offset: int
    length: int
    mime: str = ""
    status: int | None = None
    payload_digest: str = ""
    revisit_of: RevisitTarget | None = None
    truncated: Truncation | None = None
    payload_length: int | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """One row of the capture index: a response, revisit or resource record that replay can show.

    Attributes:
        collection: slug of the collection it belongs to.
        urlkey: SURT of `url`; what look-ups compare.
        timestamp: 14 digits, UTC, the record's own date.
        url: as archived.
        mime: media type of the payload, lower case, without parameters; "" when unknown.
        status: HTTP status; None for resource records.
        digest: payload digest, algorithm first ("sha1:…"); "" when unknown.
        file: name of the WARC file inside the store.
        offset: of the record in the file as stored.
        length: bytes as stored; 0 when unknown (old CDX files do not say).
        revisit_of: what a revisit repeats; None for whole captures.
        truncated: the record says that bytes are missing.
    """

    collection: str
    urlkey: str
    timestamp: str
    url: str
    mime: str
    status: int | None
    digest: str
    file: str
    offset: int
    length: int
    revisit_of: RevisitTarget | None = None
    truncated: Truncation | None = None


@dataclass(frozen=True, slots=True)
class TextTrack:
    """A text that goes with an audio or video.

    Attributes:
        url: absolute, of the file.
        kind: "subtitles", "captions", "descriptions" or "chapters".
        language: tag as the page says, or "".
        label: what the page calls it, or "".
    """

    url: str
    kind: str
    language: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class MediaItem:
    """One audio or video of a page.

    Attributes:
        url: absolute, of the file a browser would play first.
        kind: "audio" or "video".
        title: what the page calls it, or "".
        poster: absolute URL of its picture, or None.
        mime: as the page says, or "".
        alternatives: other files of the same item, in the page's order.
        tracks: texts that go with it, in the page's order.
        posters: absolute URLs of pictures that may stand for `poster`, the best first.
        duration: seconds that it plays; None when nobody says.
    """

    url: str
    kind: str
    title: str = ""
    poster: str | None = None
    mime: str = ""
    alternatives: tuple[str, ...] = ()
    tracks: tuple[TextTrack, ...] = ()
    posters: tuple[str, ...] = ()
    duration: float | None = None


class Visibility(StrEnum):
    """Who may see a collection: everyone, everyone who knows its name, or nobody through the reader."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who collects.

    Attributes:
        slug: its name in addresses.
        name: as the banner says it.
        url: its home page, or "".
        address: where it is, for people; may have several lines, or be "".
        description: plain text, may be empty.
        number: by what the tables know it.
    """

    slug: str
    name: str
    url: str = ""
    address: str = ""
    description: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of captures.

    Attributes:
        slug: its name in addresses and on the command line.
        title: as the banner says it.
        organisation: who collects; None when nobody said.
        description: plain text, may be empty.
        visibility: who may see it.
        created_at: UTC.
        number: by what the tables know it.
        is_active: schedules crawl it.
        budget_bytes: new data that it may take in a year; None without a limit.
        options: what its crawls begin with, JSON; see `archiver.collections.options`.
        test_of: number of the collection whose test crawl is kept here, out of everybody's sight; None for what is no such.
    """

    slug: str
    title: str
    organisation: Organisation | None
    description: str
    visibility: Visibility
    created_at: datetime
    number: int = 0
    is_active: bool = True
    budget_bytes: int | None = None
    options: str = ""
    test_of: int | None = None


@dataclass(frozen=True, slots=True)
class ResourceOutcome:
    """What became of one URL that a page capture asked for.

    Attributes:
        candidate: the URL and how it was found.
        status: HTTP status, or None.
        mime: media type, or "".
        length: response bytes on the wire, head included.
        capture: the index row, or None when nothing could be recorded.
        failure: why it is missing or incomplete, or None.
    """

    candidate: Candidate
    status: int | None
    mime: str
    length: int
    capture: Capture | None
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class PageResult:
    """The result of capturing one page.

    Attributes:
        collection: slug.
        seed: the URL as asked for, normalised.
        final_url: after redirects; equal to `seed` without them.
        timestamp: 14 digits of the capture at `final_url`; None when the page itself was not recorded.
        title: of the page, or "".
        started_at: UTC.
        elapsed: of the whole page.
        outcomes: one a URL, in the order they finished; the seed first.
        files: the WARC files written to.
        interrupted: the user stopped it before everything was fetched.
    """

    collection: str
    seed: str
    final_url: str
    timestamp: str | None
    title: str
    started_at: datetime
    elapsed: timedelta
    outcomes: tuple[ResourceOutcome, ...]
    files: tuple[str, ...] = field(default=())
    interrupted: bool = False
