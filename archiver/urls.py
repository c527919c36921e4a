"""URLs by the browsers' own rules (WHATWG, through ada), and the key under which captures are found (SURT)."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import ada_url

from archiver.errors import InvalidURL

#: What the URLs of records begin with in which brozzler keeps what yt-dlp tells of a page's players, and their files.
PLAYERS = "youtube-dl:"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_LOOKS_LIKE_PORT = re.compile(r"[A-Za-z0-9.\-]+:\d{1,5}(?:[/?#]|$)")
#: What a URL loses at its ends (URL Standard, section 4.4).
_EDGES = "".join(map(chr, range(0x21)))
_LINE_BREAK = re.compile(r"[\t\r\n]+")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff]")
_SCHEME_NAME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_DEFAULT_PORTS = {"http": "80", "https": "443", "ftp": "21"}


def parse_url(text: str, base: str | None = None, *, assume_http: bool = False) -> str:
    """An http or https address as a browser normalises it, without fragment.

    Args:
        text: what a person or a document wrote.
        base: what a relative reference is joined with.
        assume_http: read "example.org/x" as "http://example.org/x", as an address bar does.

    Raises:
        InvalidURL: not such an address; the message says why.
    """
    written = text.strip()
    shown = written if len(written) <= 100 else f"{written[:100]}…"
    if assume_http and (not _SCHEME.match(written) or _LOOKS_LIKE_PORT.match(written)):
        written = f"http:{written}" if written.startswith("//") else f"http://{written}"
    try:
        parsed = ada_url.URL(written, base) if base is not None else ada_url.URL(written)
    except (ValueError, UnicodeError) as error:
        raise InvalidURL(f"“{shown}” is not a web address.", "Write it like https://example.org/page.") from error
    if parsed.protocol not in ("http:", "https:"):
        raise InvalidURL(f"“{shown}” is not an http or https address.", "Only those can be captured.")
    if not parsed.hostname:
        raise InvalidURL(f"“{shown}” names no host.", "Write it like https://example.org/page.")
    parsed.hash = ""
    return strip_fragment(str(parsed.href))


def refuse_password(url: str) -> str:
    """The URL, which names no user: what a person gives is recorded and shown as it is.

    Raises:
        InvalidURL: it does; the message does not repeat it.
    """
    parsed = ada_url.URL(url)
    if parsed.username or parsed.password:
        raise InvalidURL(
            f"The address of {parsed.hostname} has a name or password in it, which would be recorded.",
            "Take it out, and put it into a credentials file.",
        )
    return url


def printable(url: str) -> str:
    """A stored URL with its white space, control characters and lone surrogates escaped: the same key, fit to be shown."""
    if url.isascii() and url.isprintable() and " " not in url:
        return url
    url = _LINE_BREAK.sub("", url.strip(_EDGES))
    return _CONTROL.sub(lambda found: "".join(f"%{byte:02X}" for byte in found.group().encode("utf-8", "replace")), url)


def resolve(base: str, reference: str) -> str | None:
    """What a browser makes of `reference` in a document at `base`, any scheme, fragment kept; None when nothing."""
    try:
        return str(ada_url.URL(reference, base).href)
    except (ValueError, UnicodeError):
        return None


def strip_fragment(url: str) -> str:
    """The URL up to the first `#`."""
    return url.partition("#")[0]


def is_http(url: str) -> bool:
    """True for http and https."""
    return url[:8].lower().startswith(("http://", "https://"))


#: What nearly all URLs begin with, normalised already: the parser would say the same, at ten times the cost. Names under "xn--"
#: may be wrong, and a last label of digits makes an IPv4 address of the whole.
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PORT = r"(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
_PLAIN_ORIGIN = re.compile(
    r"(https?://((?!xn--)(?:(?:(?!xn--)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*(?!xn--)[a-z](?:[a-z0-9-]*[a-z0-9])?"
    rf"|(?:{_BYTE}\.){{3}}{_BYTE}))(?::(?!(?:80|443)/){_PORT})?)/"
)


def host_of(url: str) -> str:
    """Host name, lower case, IPv6 in brackets, without port; "" when there is none."""
    if (plain := _PLAIN_ORIGIN.match(url)) is not None:
        return plain.group(2)
    try:
        return str(ada_url.URL(url).hostname)
    except (ValueError, UnicodeError):
        return ""


def plain_origin(url: str) -> str:
    """The origin of a URL that begins as the parser would write it, with a slash after the origin; "" for all others."""
    plain = _PLAIN_ORIGIN.match(url)
    return plain.group(1) if plain is not None else ""


def origin_of(url: str) -> str:
    """Scheme, host and port where it is not the default; "" when there is none."""
    if (plain := _PLAIN_ORIGIN.match(url)) is not None:
        return plain.group(1)
    try:
        return str(ada_url.URL(url).origin)
    except (ValueError, UnicodeError):
        return ""


def path_of(url: str) -> str:
    """The path as a browser sends it; "" when there is none."""
    try:
        return str(ada_url.URL(url).pathname)
    except (ValueError, UnicodeError):
        return ""


# -- urlkey ----------------------------------------------------------------------------------------------------------

#: Longer paths and queries keep what looks like a session in them: looking for it takes the square of their length.
_SESSION_CHARACTERS = 8192
_SESSION_IN_PATH = (
    re.compile(r"^(.*/)(?:\((?:[a-z]\([0-9a-z]{24}\))+\)/)([^?]+\.aspx.*)$", re.IGNORECASE),
    re.compile(r"^(.*/)(?:\([0-9a-z]{24}\)/)([^?]+\.aspx.*)$", re.IGNORECASE),
)
_SESSION_IN_QUERY = (
    re.compile(r"^(.*)(?:jsessionid=[0-9a-z]{32})(?:&(.*))?$", re.IGNORECASE),
    re.compile(r"^(.*)(?:phpsessid=[0-9a-z]{32})(?:&(.*))?$", re.IGNORECASE),
    re.compile(r"^(.*)(?:sid=[0-9a-z]{32})(?:&(.*))?$", re.IGNORECASE),
    re.compile(r"^(.*)(?:aspsessionid[a-z]{8}=[a-z]{24})(?:&(.*))?$", re.IGNORECASE),
    re.compile(r"^(.*)(?:cfid=[^&]+&cftoken=[^&]+)(?:&(.*))?$", re.IGNORECASE),
)
#: Paths and queries that are their own key but for case: nearly all.
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")
_PLAIN_QUERY = re.compile(r"(?!.*(?:sid=|sessionid|cfid=))[a-z0-9_.~=&+-]*", re.IGNORECASE | re.ASCII)
#: URLs that are put together of nothing else: more than half of all, and their keys cost half as much.
_PLAIN_URL = re.compile(r"(https?)://([A-Za-z0-9.-]+(?::[0-9]+)?)(" + _PLAIN_PATH.pattern + ")")
_PLACE = re.compile(r"([^/?\\]*)([^?]*)(?:\?(.*))?$", re.DOTALL)
_WWW = re.compile(r"^www\d*\.")
#: Escapes of what would mean something else without them: "/a%2Fb" names one thing in a folder, "/a/b" a folder and a thing.
_PATH_DELIMITER = re.compile(r"%(2[35Ff]|3[Ff]|5[Cc]|(?![0-9A-Fa-f]{2}))")
_QUERY_DELIMITER = re.compile(r"%(2[356Bb]|(?![0-9A-Fa-f]{2}))")
_PRIVATE = 0xF700
_KEEP = frozenset(b"!\"$&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~")


def urlkey(url: str) -> str:
    """The SURT key of a URL: hosts turned round, the differences that rarely matter taken out.

    "http://www.Example.org/b?x=2&a=1#f" → "org,example)/b?a=1&x=2". The scheme, `www.`, default ports, case, session
    ids, a trailing slash and the order of the query do not count, as in the Internet Archive's keys (PyPI's `surt`).
    On purpose different from `surt`: IPv6 addresses keep their brackets, and `host:8080/x` is read as an address
    without its scheme, not as one with the scheme `host`. Never raises: what is no URL is its own key.
    """
    plain = _PLAIN_URL.fullmatch(url)
    if plain is not None:
        scheme, authority, path = plain.groups()
        return f"{_host_key(scheme, authority)}){(path.rstrip('/') or '/').lower()}"
    url = _LINE_BREAK.sub("", strip_fragment(url.strip(_EDGES)))
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, colon, rest = url.partition(":")
        if colon and not _LOOKS_LIKE_PORT.match(url) and _SCHEME_NAME.fullmatch(scheme):
            return url.lower()  # dns:, urn:, mailto: … have no host to turn round
        scheme, rest = "http", url
    elif ":" in scheme and _SCHEME_NAME.match(scheme):
        return url.lower()  # screenshot:http://…, urn:x:http://…
    match = _PLACE.match(rest)
    if match is None:
        return url.lower()
    authority, path, query = match.group(1), match.group(2), match.group(3)
    return f"{_host_key(scheme.lower(), authority)}){_plain_path(path).lower()}{_query_key(query)}"


def spelling(url: str) -> str:
    """Path and query of a URL as far as servers may tell apart what has one key: with case and escaped delimiters.

    Two captures with the same key and another spelling may be of two different things. All else that does not count for
    the key does not count here either.
    """
    url = _LINE_BREAK.sub("", strip_fragment(url.strip(_EDGES)))
    rest = url.partition("://")[2]
    match = _PLACE.match(rest)
    if match is None:
        return url
    path = _PATH_DELIMITER.sub(_protected, match.group(2))
    query = _QUERY_DELIMITER.sub(_protected, match.group(3) or "")
    return f"{_plain_path(path)}?{'&'.join(sorted(_plain_query(query).split('&')))}"


def _protected(escape: re.Match[str]) -> str:
    return chr(_PRIVATE + int(escape.group(1) or "25", 16))


def urlkey_prefix(url: str) -> str:
    """The key that all URLs under `url` start with; a bare host stands for everything on it."""
    key = urlkey(url)
    path = url.partition("://")[2].partition("/")[2]
    if url.endswith("/") and path and not key.endswith("/"):
        return f"{key}/"
    return key


@lru_cache(4096)
def _host_key(scheme: str, authority: str) -> str:
    authority = authority.rpartition("@")[2].lower()
    host, port = authority, ""
    match = re.fullmatch(r"(.*?)(?::(\d*))?", authority)
    if match is not None and not authority.endswith("]"):
        host, port = match.group(1), match.group(2) or ""
    if not host.isascii() or "%" in host:
        host = host_of(f"http://{host}/") or host
    host = _WWW.sub("", host.strip("."))
    turned = host if host.startswith("[") else ",".join(reversed(host.split(".")))
    return turned if port in ("", _DEFAULT_PORTS.get(scheme, "")) else f"{turned}:{port}"


def _plain_path(path: str) -> str:
    if _PLAIN_PATH.fullmatch(path):
        return path.rstrip("/") or "/"
    path = _same_escapes(path.replace("\\", "/"))
    segments: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            if segments:
                segments.pop()
        elif segment and segment != ".":
            segments.append(segment)
    path = "/" + "/".join(segments)
    for pattern in _SESSION_IN_PATH if len(path) <= _SESSION_CHARACTERS else ():
        found = pattern.match(path)
        if found:
            path = found.group(1) + found.group(2)
    return path.rstrip("/") or "/"


def _query_key(query: str | None) -> str:
    query = _plain_query(query or "").lower()
    if not query:
        return ""
    return "?" + "&".join(sorted(query.split("&"), key=lambda part: part.partition("=")[::2]))


def _plain_query(query: str) -> str:
    if len(query) <= _SESSION_CHARACTERS and _PLAIN_QUERY.fullmatch(query):
        return query
    query = _same_escapes(query)
    for pattern in _SESSION_IN_QUERY if len(query) <= _SESSION_CHARACTERS else ():
        found = pattern.match(query)
        if found:
            query = found.group(1) + (found.group(2) or "")
    return query


def _same_escapes(text: str) -> str:
    """One spelling for each byte: unescaped as far as it goes, then what cannot stand escaped once."""
    raw = text.encode("utf-8", "surrogatepass")
    for _ in range(10):
        decoded = unquote_to_bytes(raw)
        if decoded == raw:
            break
        raw = decoded
    if all(byte in _KEEP for byte in raw):
        return raw.decode("ascii")
    return "".join(chr(byte) if byte in _KEEP else f"%{byte:02x}" for byte in raw)
