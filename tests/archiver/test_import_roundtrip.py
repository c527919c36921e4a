"""What Muniment gives out it takes in again as the same; interrupted imports go on."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.collections.exchange import to_json
from archiver.collections.exchangeformat import FILE_NAME
from archiver.export.run import description_of
from archiver.holdings import Holdings
from archiver.warc.importer import import_file
from tests.archiver.exporting import as_lines, as_wacz, capture_site, into_folder, odd_files, opened, rows, take_in
from tests.archiver.importing import Import
from tests.archiver.test_frames import RECORDS


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Holdings]:
    """An archive with a page captured twice, and files of other programs."""
    home = tmp_path_factory.mktemp("full")
    with opened(home / "home") as holdings:
        holdings.collections.create("kept", title="Kept", organisation="Org", description="What was kept.")
        capture_site(holdings, "kept")
        take_in(holdings, "kept", odd_files(home))
        yield holdings


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("form", ["wacz", "folder"])
def test_exports_come_back_as_the_same_collection(full: Holdings, tmp_path: Path, form: str, in_place: bool) -> None:
    out = tmp_path / ("kept.wacz" if form == "wacz" else "kept")
    if form == "wacz":
        as_wacz(full, "kept", out)
    else:
        into_folder(full, "kept", out)
        (out / FILE_NAME).write_bytes(description_of(full, "kept"))
    with opened(tmp_path / "other") as other:
        other.collections.create("kept")
        for _ in range(2):
            done = Import(other, out, slug="kept", in_place=in_place)
            assert not any(item.damaged or item.refused for item in done.reports)
            assert "description of a collection says" in done.notes, done.notes
        assert rows(other, "kept") == rows(full, "kept")
        ours, theirs = to_json(other, "kept"), to_json(full, "kept")
        for said in (ours, theirs):
            collection = said["collection"]
            assert isinstance(collection, dict)
            collection.pop("created_at", None)
        assert ours == theirs


def test_exported_indexes_lead_to_the_same_captures(full: Holdings, tmp_path: Path) -> None:
    store = Path(full.store.address)
    for form in (False, True):
        path = tmp_path / f"x{form}.cdx"
        path.write_text("\n".join(as_lines(full, "kept", as_cdx=form)) + "\n")
        with opened(tmp_path / f"other-{form}") as other:
            done = Import(other, path, warcs=str(store))
            assert done.captures == len(rows(full, "kept")), done.told
            assert [row[:3] for row in rows(other, "default")] == [row[:3] for row in rows(full, "kept")]


def test_an_import_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "x.warc.gz"
    path.write_bytes(
        b"".join(gzip.compress(RECORDS[number % 20].replace(b"org/", b"org/%d-" % number)) for number in range(3000))
    )
    calls = 0

    def stop(position: int) -> None:
        nonlocal calls
        calls += 1
        if position > path.stat().st_size // 2:
            raise KeyboardInterrupt

    with opened(tmp_path / "home") as holdings:
        with pytest.raises(KeyboardInterrupt):
            import_file(path, collection="default", store=holdings.store, index=holdings.index, progress=stop)
            raise KeyboardInterrupt  # all of it was read before it could be stopped
        import_file(path, collection="default", store=holdings.store, index=holdings.index)
        assert holdings.index.summary("default").captures == 3000
        assert list(holdings.store.names()) == ["x.warc.gz"]
    assert calls
