"""The certificate authority of proxy mode."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.errors import StorageFailed
from archiver.holdings import utc_now
from replay.proxy.authority import open_authority


def test_the_authority_is_made_once_and_its_key_is_ones_own(tmp_path: Path) -> None:
    first = open_authority(tmp_path, utc_now)
    assert open_authority(tmp_path, utc_now).der == first.der
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "proxy").iterdir()} == {
        "ca.key": 0o600,
        "ca.pem": 0o644,
    }
    assert (tmp_path / "proxy").stat().st_mode & 0o777 == 0o700
    assert first.fingerprint.count(":") == 31


def test_many_hosts_are_not_all_remembered(tmp_path: Path) -> None:
    authority = open_authority(tmp_path, utc_now)
    first = authority.context("h0.example")
    assert authority.context("H0.example.") is first
    for number in range(1, 300):
        authority.context(f"h{number}.example")
    assert authority.context("h0.example") is not first


@pytest.mark.parametrize("file", ["ca.key", "ca.pem"])
@pytest.mark.parametrize("damage", [b"", b"garbage", "of another"])
def test_a_damaged_authority_is_told_in_a_sentence(tmp_path: Path, file: str, damage: bytes | str) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        open_authority(tmp_path / name, utc_now)
    found = (tmp_path / "b" / "proxy" / file).read_bytes() if isinstance(damage, str) else damage
    (tmp_path / "a" / "proxy" / file).write_bytes(found)
    with pytest.raises(StorageFailed, match="Remove the folder"):
        open_authority(tmp_path / "a", utc_now)


def test_an_authority_whose_time_is_over_is_told(tmp_path: Path) -> None:
    open_authority(tmp_path, lambda: datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(StorageFailed, match="time"):
        open_authority(tmp_path, utc_now)
