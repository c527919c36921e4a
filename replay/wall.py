"""The last wall around archived pages: what browsers are told not to let through, and the count of what hit it.

Each report is one line of a file that all server processes append to; it holds the day, what was stopped and on which
archived page, and nothing of the reader. The file is bounded, and gone without loss of anything else.
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

REPORTS = "/-/reports"

#: Nothing from anywhere but this archive, whatever a page tries: the wall behind the rewriting.
POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-src 'self' blob:; object-src 'self' blob:; "
    "base-uri 'self'; form-action 'self'; "
    f"frame-ancestors 'self'; report-uri {REPORTS}; report-to wall"
)
ENDPOINTS = f'wall="{REPORTS}"'

#: A report larger than this is not read; browsers send a few kilobytes.
MAX_REPORT_BYTES = 64 * 1024
#: Reports in one message that are counted.
_MAX_AT_ONCE = 20
#: Two files of this size at most.
_MAX_FILE_BYTES = 1024 * 1024
_MAX_PAGE = 300
_WORD = re.compile(r"[a-z][a-z-]{0,39}")
_KEYWORDS = frozenset({"inline", "eval", "wasm-eval", "self", "data", "blob", "filesystem", "about", "trusted-types-policy"})
_PAGE = re.compile(r"^[a-z]+://[^/]+/[\w-]+/\d{1,14}(?:[a-z]{2,4}_)?/(https?://[^?#]*)", re.IGNORECASE)


def hits(message: object) -> Iterator[dict[str, str]]:
    """What a browser reports, of either form (CSP Level 3, section 5.5; Reporting API): directive, what, page.

    Args:
        message: parsed JSON, from anybody.
    """
    bodies: list[object] = []
    if isinstance(message, dict):
        bodies.append(message.get("csp-report"))
    elif isinstance(message, list):
        bodies += [item.get("body") for item in message if isinstance(item, dict) and item.get("type") == "csp-violation"]
    for body in bodies[:_MAX_AT_ONCE]:
        if not isinstance(body, dict):
            continue

        def said(*names: str, body: dict[object, object] = body) -> str:
            return next((value for name in names if isinstance(value := body.get(name), str)), "")

        directive = said("effectiveDirective", "effective-directive", "violated-directive").partition(" ")[0]
        if _WORD.fullmatch(directive):
            page = _PAGE.match(said("documentURL", "document-uri"))
            yield {
                "directive": directive,
                "blocked": _origin(said("blockedURL", "blocked-uri")),
                "page": page.group(1)[:_MAX_PAGE] if page else "",
            }


def _origin(blocked: str) -> str:
    """The origin of what was blocked, or the word for what has none."""
    if blocked in _KEYWORDS:
        return blocked
    try:
        parts = urlsplit(blocked)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "other"
    if not host or not re.fullmatch(r"[\w.\[\]:-]{1,253}", host, re.ASCII):
        return parts.scheme if parts.scheme in _KEYWORDS else "other"
    return f"{parts.scheme}://{host}{port}"


class WallReports:
    """The count of what hit the wall.

    Args:
        folder: made when needed.
        clock: the time, UTC.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._file = folder / "wall.jsonl"
        self._older = folder / "wall-older.jsonl"
        self._clock = clock

    def count(self, found: Iterable[dict[str, str]]) -> None:
        """Add hits; a disk that does not take them costs a line in the log."""
        day = f"{self._clock():%Y-%m-%d}"
        lines = "".join(json.dumps({"day": day, **hit}) + "\n" for hit in found)
        if not lines:
            return
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._file.open("a", encoding="ascii") as out:
                out.write(lines)
                is_full = out.tell() > _MAX_FILE_BYTES
            if is_full:
                self._file.replace(self._older)
        except OSError as error:
            logger.warning("reports of the browser cannot be kept: %s", error.strerror)

    def summary(self, limit: int = 100) -> dict[str, object]:
        """How many, and of what: the most frequent first."""
        counter: Counter[tuple[str, str, str]] = Counter()
        days: set[str] = set()
        for path in (self._older, self._file):
            try:
                lines = path.read_text("ascii", errors="replace").splitlines()
            except OSError:
                continue
            for line in lines:
                try:
                    hit = json.loads(line)
                    counter[hit["directive"], hit["blocked"], hit["page"]] += 1
                    days.add(hit["day"])
                except (ValueError, KeyError, TypeError):
                    continue  # torn by a crash
        return {
            "total": counter.total(),
            "since": min(days, default=None),
            "hits": [
                {"directive": directive, "blocked": blocked, "page": page, "count": count}
                for (directive, blocked, page), count in counter.most_common(limit)
            ],
        }
