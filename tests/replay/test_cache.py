"""The rewrite cache: whole entries or none, within its room, whatever happens to the disk."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

import replay.views.replay  # what answers with rewritten responses, and all that it is made of
from replay.cache import RewriteCache
from replay.render import rules_sources


def key(number: int) -> str:
    return f"{number:064x}"


def test_what_was_put_comes_back_in_another_process_too(tmp_path: Path) -> None:
    RewriteCache(tmp_path / "c", 1_000_000).put(key(1), b"one")
    assert RewriteCache(tmp_path / "c", 1_000_000).get(key(1)) == b"one"
    assert RewriteCache(tmp_path / "c", 1_000_000).get(key(2)) is None


def test_no_room_keeps_nothing(tmp_path: Path) -> None:
    cache = RewriteCache(tmp_path / "c", 0)
    cache.put(key(1), b"one")
    assert cache.get(key(1)) is None
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("damage", [b"", b"ab", b"\0\0\0\0one", b"\0\0\0\0"])
def test_a_damaged_entry_is_none_and_goes(tmp_path: Path, damage: bytes) -> None:
    cache = RewriteCache(tmp_path, 1_000_000)
    cache.put(key(1), b"one")
    (path,) = tmp_path.glob("*/*")
    path.write_bytes(damage)
    assert cache.get(key(1)) is None
    assert not path.exists()


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    now = 1_000_000.0
    cache = RewriteCache(tmp_path, 40 * 8192, clock=lambda: now)
    for number in range(200):
        now += 10_000
        cache.put(key(number), bytes(8000))
        old = tmp_path / key(number)[:1] / key(number)[1:]
        if old.exists():
            os.utime(old, (now, now))
        assert cache.get(key(0)) is not None, "an entry in use was thrown out"
        assert sum(path.stat().st_size for path in tmp_path.glob("*/*")) <= 1.2 * 40 * 8192
    assert cache.get(key(199)) is not None
    assert cache.get(key(100)) is None


def test_an_entry_that_would_push_out_the_others_is_not_kept(tmp_path: Path) -> None:
    cache = RewriteCache(tmp_path, 10_000)
    cache.put(key(1), bytes(5000))
    assert cache.get(key(1)) is None


def test_a_disk_that_takes_nothing_costs_no_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "c").write_text("in the way")
    cache = RewriteCache(tmp_path / "c", 1_000_000)
    cache.put(key(1), b"one")
    assert cache.get(key(1)) is None
    assert "cannot be written" in caplog.text


def write_and_read(folder: Path, seed: int) -> list[str]:
    """What another process would do to the cache: the same few keys, over and over, in a room that is too small."""
    cache, wrong = RewriteCache(folder, 400_000), []
    for turn in range(300):
        number = (turn * 7 + seed) % 23
        data = cache.get(key(number))
        if data is not None and data != bytes([number]) * 20_000:
            wrong.append(f"{number}: {data[:5]!r}")
        cache.put(key(number), bytes([number]) * 20_000)
    return wrong


def test_many_writers_leave_whole_entries_within_the_room(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        assert [wrong for seed in range(4) for wrong in pool.submit(write_and_read, tmp_path, seed).result()] == []
        results = [pool.submit(write_and_read, tmp_path, seed) for seed in range(8)]
        assert [result.result() for result in results] == [[]] * 8
    names = [path.name for path in tmp_path.glob("*/*")]
    assert all(len(name) == 63 for name in names), "a file that nobody will look for"
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*")) <= 400_000 * 1.5


def test_a_writer_that_was_killed_leaves_nothing_for_ever(tmp_path: Path) -> None:
    cache = RewriteCache(tmp_path, 100_000)
    cache.put(key(1), b"one")
    (path,) = tmp_path.glob("*/*")
    torn = path.with_name(f"{path.name}.1a2b3c4d")
    torn.write_bytes(bytes(200_000))
    os.utime(torn, (1, 1))
    cache.sweep()
    assert not torn.exists()
    assert cache.get(key(1)) == b"one"


def test_what_rewriting_is_made_of_makes_older_entries_void() -> None:
    assert replay.views.replay
    own = [module for name, module in sys.modules.items() if name.partition(".")[0] in ("archiver", "replay")]
    loaded = {Path(file) for module in own if (file := getattr(module, "__file__", None))}
    assert len(loaded) > 50
    assert loaded <= set(rules_sources())
    assert {"core.js", "net.js"} <= {path.name for path in rules_sources()}
