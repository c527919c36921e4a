"""Files that came in over the network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO, RawIOBase
from itertools import count
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from archiver.errors import Conflict, NotFound, UsageError
from archiver.incoming import Incoming, safe_name

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def incoming(tmp_path: Path) -> Incoming:
    return Incoming(tmp_path, lambda: NOW, map("{:032x}".format, count(1)).__next__)


def test_a_file_waits_until_it_is_taken_away(incoming: Incoming) -> None:
    assert incoming.all() == []
    made = incoming.receive("../site.warc.gz", BytesIO(b"data"))
    assert (made.token, made.name, made.bytes) == ("0" * 31 + "1", "site.warc.gz", 4)
    assert incoming.path(made.token).read_bytes() == b"data"
    assert incoming.all() == [incoming.get(made.token)]
    incoming.discard(made.token)
    incoming.discard(made.token)
    with pytest.raises(NotFound):
        incoming.get(made.token)
    assert incoming.all() == []


def test_a_file_on_the_same_disk_is_not_copied(incoming: Incoming, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"data")
    made = incoming.adopt("a.wacz", path)
    assert incoming.path(made.token).samefile(path)


def test_nothing_is_kept_of_what_breaks_off_or_is_empty(incoming: Incoming) -> None:
    class Broken(RawIOBase):
        parts: Iterator[bytes] = iter([b"one"])

        def read(self, _size: int = -1) -> bytes:
            try:
                return next(self.parts)
            except StopIteration:
                raise ConnectionResetError from None

    for stream, error in ((cast(BinaryIO, Broken()), Exception), (BytesIO(), UsageError)):
        with pytest.raises(error):
            incoming.receive("a.warc", stream)
    assert list(incoming.folder.iterdir()) == []


def test_what_nobody_takes_in_goes_after_a_week(incoming: Incoming) -> None:
    old, new = (incoming.receive(name, BytesIO(b"x")) for name in ("old", "new"))
    for token, age in ((old.token, 8), (new.token, 6)):
        moment = (NOW - timedelta(days=age)).timestamp()
        os.utime(incoming.folder / token, (moment, moment))
    incoming.clear()
    assert [item.name for item in incoming.all()] == ["new"]


def test_what_is_about_to_be_taken_in_is_not_cleared_nor_given_up(incoming: Incoming) -> None:
    used, free = (incoming.receive(name, BytesIO(b"x")) for name in ("used", "free"))
    shared = Incoming(incoming.folder.parent, lambda: NOW + timedelta(days=400), str, lambda: {used.token})
    assert [item.name for item in shared.free()] == ["free"]
    with pytest.raises(Conflict):
        shared.give_up(used.token)
    shared.clear()
    assert [item.name for item in shared.all()] == ["used"]
    shared.give_up(free.token)


def test_half_of_a_file_is_nobodys_yet(incoming: Incoming) -> None:
    seen = []

    class Slow(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            seen.append(incoming.all())
            return super().read(size)

    incoming.receive("slow.warc", Slow(b"data"))
    assert seen and not any(seen) and [item.name for item in incoming.all()] == ["slow.warc"]


def test_a_disk_without_second_names_keeps_a_copy(incoming: Incoming, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert incoming.path(incoming.receive("a.warc", BytesIO(b"data")).token).read_bytes() == b"data"


@pytest.mark.parametrize("token", ["", "..", "../..", "0" * 31, "A" * 32, "0" * 32, "/etc"])
def test_what_is_no_token_names_nothing(incoming: Incoming, token: str) -> None:
    with pytest.raises(NotFound):
        incoming.path(token)
    incoming.discard(token)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.warc.gz", "a.warc.gz"),
        ("C:\\files\\a.warc", "a.warc"),
        ("/etc/passwd", "passwd"),
        ("..", "upload"),
        ("", "upload"),
        (".hidden", "hidden"),
        ("a\x00\n\u202eb", "a_b"),
        ("日本.warc", "日本.warc"),
        ("\ud800.warc", "_.warc"),
        ("x" * 500 + ".warc.gz", "x" * 142 + ".warc.gz"),
        ("字" * 100 + ".warc.gz", "字" * 47 + ".warc.gz"),
        ("x." + "y" * 500, "x." + "y" * 148),
    ],
)
def test_names_are_made_fit_for_a_disk(name: str, safe: str) -> None:
    assert safe_name(name) == safe
