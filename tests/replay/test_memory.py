"""What a serving process keeps does not grow with the number of things it was asked for."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from archiver.holdings import Holdings
from archiver.urls import urlkey
from replay.cache import RewriteCache
from tests.servers.warcs import response_record

SITE = "http://example.org"
MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
PAGE = (
    b"<!doctype html><title>page</title><p>" + b"words " * 300 + b"<a href=next>next</a><a href=/>first</a><img src=../a.png>"
)


def blocks() -> int:
    """Pieces of memory that Python's objects are in."""
    gc.collect()
    return sys.getallocatedblocks()


def test_pages_asked_for_once_leave_nothing_behind(reader: Callable[..., FlaskClient]) -> None:
    client = reader(response_record(f"{SITE}/", MOMENT, PAGE), rewrite_cache_bytes=500_000)
    holdings: Holdings = client.application.extensions["muniment.holdings"]
    (one,) = holdings.index.closest(["unesco"], urlkey(f"{SITE}/"), "2016")
    urls = [f"{SITE}/{number}" for number in range(1400)]
    holdings.index.add(replace(one, url=url, urlkey=urlkey(url)) for url in urls)
    paths = (f"/unesco/20160810204623/{url}" for url in urls)
    for path in islice(paths, 1100):  # what is kept has its bounds, which are reached
        assert client.get(path).status_code == 200
    before = blocks()
    for path in paths:
        assert client.get(path).status_code == 200
    assert (blocks() - before) / 300 < 0.5


def test_connections_to_the_database_keep_little_of_it(holdings_with: Callable[..., Holdings]) -> None:
    with holdings_with().engine.connect() as connection:
        size = connection.exec_driver_sql("PRAGMA cache_size").scalar()
    assert isinstance(size, int)
    assert -4096 <= size < 0  # kB; each thread has a connection


def test_a_clean_up_takes_no_memory_for_each_entry(tmp_path: Path) -> None:
    cache = RewriteCache(tmp_path, 4096 * 750)
    for number in range(1000):
        path = tmp_path / f"{number % 16:x}" / f"{number:063x}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"something")
    tracemalloc.start()
    cache.sweep()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 60_000
    assert len(list(tmp_path.glob("*/*"))) == 600


_FAULTS = """
import resource
from replay.allocator import reuse_memory
reuse_memory()
for _ in range(3):
    pages = [bytes(300_000) for _ in range(5)], b"x".join([b"y" * 150_000] * 3)
    del pages
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    pages = [bytes(300_000) for _ in range(5)], b"x".join([b"y" * 150_000] * 3)
    del pages
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc's allocator can be told")
def test_the_room_of_a_large_page_is_used_again() -> None:
    run = subprocess.run([sys.executable, "-c", _FAULTS], check=True, capture_output=True, text=True)
    assert int(run.stdout) < 1000  # by default they are twelve thousand
