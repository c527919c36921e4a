"""Captures the corpus: every answer is fetched over a socket and recorded as any capture is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from archiver.fetch.http import FetchLimits, HttpFetcher
from archiver.model import RevisitTarget
from archiver.store.folder import FolderStore
from archiver.timestamps import parse_timestamp
from archiver.warc.records import IDENTICAL_PAYLOAD, WarcInfo
from archiver.warc.writer import WarcWriter
from tests.corpus.cases import Answer, Case
from tests.corpus.origin import CorpusGuard, Origin

WARC, EXPECTED = "corpus.warc.gz", "expected.json"


def record_corpus(cases: Sequence[Case], folder: Path) -> Path:
    """Write `corpus.warc.gz` and `expected.json`, the same bytes each time but for the network's own.

    Returns:
        The WARC file.

    Raises:
        ValueError: a case cannot be captured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    answers = [(case, answer) for case in cases for answer in case.answers]
    numbers = count(1)
    now = datetime(2020, 1, 1, tzinfo=UTC)
    writer = WarcWriter(
        FolderStore(folder),
        prefix="corpus",
        warcinfo=WarcInfo(software="Muniment", description="Conformance corpus for web archive replay"),
        clock=lambda: now,
        new_id=lambda: f"<urn:uuid:00000000-0000-4000-8000-{next(numbers):012x}>",
        hostname="corpus",
    )
    with Origin(answer for _, answer in answers) as origin:
        for case, answer in answers:
            now = parse_timestamp(answer.at)
            moment = now
            fetcher = HttpFetcher(
                user_agent="Muniment",
                guard=CorpusGuard(origin),
                limits=FetchLimits(max_seconds=30),
                verify_tls=str(origin.authority),
                clock=lambda moment=moment: moment,
                monotonic=lambda: 0.0,
            )
            try:
                _record(fetcher, writer, case, answer)
            finally:
                fetcher.close()
    (name,) = writer.close()
    place = folder / WARC
    (folder / name).replace(place)
    expected = [
        {"name": case.name, "title": case.title, "page": case.page, "timestamp": case.at, "result": case.result}
        for case in cases
    ]
    (folder / EXPECTED).write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return place


def _record(fetcher: HttpFetcher, writer: WarcWriter, case: Case, answer: Answer) -> None:
    headers = {}
    if answer.request_type:
        headers["Content-Type"] = answer.request_type
    if answer.range:
        headers["Range"] = answer.range
    exchange = fetcher.fetch(answer.url, method=answer.method, headers=headers, body=answer.request)
    try:
        if exchange.failure is not None or exchange.response is None:
            raise ValueError(f"{case.name}: {answer.url}: {exchange.failure}")
        if answer.same_as:
            first = next(other for other in case.answers if other.url == answer.same_as)
            target = RevisitTarget(first.url, first.at)
            writer.write_revisit(exchange, target, parse_timestamp(first.at), profile=IDENTICAL_PAYLOAD)
        else:
            writer.write_exchange(exchange)
    finally:
        exchange.close()
