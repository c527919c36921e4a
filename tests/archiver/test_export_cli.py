"""`muniment export` as a user runs it."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archiver.cli.export import export
from archiver.collections.exchange import to_json
from archiver.errors import Conflict, MunimentError, NotFound, StorageFailed, UsageError
from archiver.export.output import FolderBundle, whole_file, whole_folder
from archiver.imports.context import Context
from archiver.imports.intake import take_in as take_in_all
from archiver.model import Visibility
from tests.archiver.exporting import MOMENT, NOW, SITE, odd_files, opened, rows, take_in
from tests.servers.warcs import response_record


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cli")
    with opened(folder / "home") as holdings:
        holdings.collections.create("kept", title="Kept")
        holdings.collections.create("shut", visibility=Visibility.PRIVATE)
        take_in(holdings, "kept", odd_files(folder))
    yield folder / "home"


def run(home: Path, *arguments: object) -> Result:
    return CliRunner().invoke(
        export, ["--archive", str(home), *map(str, arguments)], catch_exceptions=True, standalone_mode=False
    )


def refused(result: Result) -> MunimentError:
    assert isinstance(result.exception, MunimentError), result
    return result.exception


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("k.warc.gz", b"\x1f\x8b"), ("k.wacz", b"PK"), ("k.cdxj", b"example,site)/"), ("k.cdx", b" CDX N b"), ("k.json", b"{"),
    ],
)  # fmt: skip
def test_the_name_says_the_form(home: Path, tmp_path: Path, name: str, begins: bytes) -> None:
    result = run(home, "-c", "kept", tmp_path / name)
    assert result.exit_code == 0 and result.return_value == 0
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]  # nothing else is left


def test_a_folder_takes_warc_files(home: Path, tmp_path: Path) -> None:
    result = run(home, "-c", "kept", tmp_path / "out", "--json")
    said = json.loads(result.stdout)
    assert said["captures"] == 7 and said["format"] == "warc" and said["missing"] == []
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {item["name"] for item in said["files"]} | {"collection.json"} == names


@pytest.mark.parametrize("options", [("--page", f"{SITE}/first"), ("--to", "2025"), ("--public-only",), ("--no-description",)])
def test_plans_rules_and_notes_go_only_with_the_whole_collection(home: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    for name in ("k.wacz", "out"):
        assert run(home, "-c", "kept", tmp_path / name, *options).return_value == 0
    with zipfile.ZipFile(tmp_path / "k.wacz") as package:
        assert "muniment/collection.json" not in package.namelist()
    assert not (tmp_path / "out" / "collection.json").exists()


def test_the_standard_output_takes_everything_but_reports(home: Path) -> None:
    for form, begins in (("warc", b"\x1f\x8b"), ("wacz", b"PK"), ("cdxj", b"example"), ("json", b"{")):
        result = run(home, "-c", "kept", "-", "--format", form)
        assert result.stdout_bytes.startswith(begins)
    assert isinstance(refused(run(home, "-c", "kept", "-", "--json")), UsageError)


def test_a_wacz_on_the_standard_output_is_a_whole_one(home: Path, tmp_path: Path) -> None:
    (tmp_path / "k.wacz").write_bytes(run(home, "-c", "kept", "-", "--format", "wacz").stdout_bytes)
    with zipfile.ZipFile(tmp_path / "k.wacz") as package:
        assert package.testzip() is None and "datapackage-digest.json" in package.namelist()


def test_an_earlier_export_is_replaced_only_when_asked(home: Path, tmp_path: Path) -> None:
    (tmp_path / "k.cdxj").write_text("mine")
    assert isinstance(refused(run(home, "-c", "kept", tmp_path / "k.cdxj")), Conflict)
    assert (tmp_path / "k.cdxj").read_text() == "mine"
    assert run(home, "-c", "kept", tmp_path / "k.cdxj", "--force").return_value == 0
    assert (tmp_path / "k.cdxj").read_text() != "mine"


def test_the_folder_where_one_is_takes_an_export_when_it_is_empty(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert run(home, "-c", "kept", ".").return_value == 0
    assert (tmp_path / "here" / "collection.json").exists() and [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_folder_with_more_than_an_export_is_never_replaced(home: Path, tmp_path: Path) -> None:
    assert run(home, "-c", "kept", tmp_path / "out").return_value == 0
    assert isinstance(refused(run(home, "-c", "kept", tmp_path / "out")), Conflict)
    assert run(home, "-c", "kept", tmp_path / "out", "--force").return_value == 0
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    assert isinstance(refused(run(home, "-c", "kept", tmp_path / "out", "--force")), UsageError)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    "wrong",
    [
        ("k.zip", "--format", "wacz"), ("k.warc",), ("k.warc.gz", "--sign", "key.pem"), ("k.json", "--crawl", "1"),
        ("k.cdxj", "--no-originals"), ("k.warc.gz", "--max-size", "5M"), ("k.cdx", "--wacz-version", "1.2.0"), ("-", "--force"),
        ("k.json", "--no-description"), ("k.cdxj", "--page", SITE, "--crawl", "1"), ("k.cdxj", "--from", "soon"),
        ("missing/k.cdxj",), ("/", "--force"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(refused(run(home, "-c", "kept", *wrong)), UsageError)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_said_not_to_be(home: Path, tmp_path: Path) -> None:
    assert isinstance(refused(run(home, "-c", "nothing", tmp_path / "k.cdxj")), NotFound)
    assert isinstance(refused(run(home, "-c", "kept", "--crawl", "7", tmp_path / "k.cdxj")), NotFound)
    assert isinstance(refused(run(home, "-c", "kept", "--page", "nowhere.example", tmp_path / "k.wacz")), NotFound)
    assert isinstance(refused(run(home, "-c", "shut", "--public-only", tmp_path / "k.wacz")), NotFound)
    assert list(tmp_path.iterdir()) == []


def test_captures_that_cannot_be_read_make_it_fail_and_are_named(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as holdings:
        (tmp_path / "a.warc.gz").write_bytes(response_record(f"{SITE}/", MOMENT, b"x"))
        take_in(holdings, "default", [tmp_path / "a.warc.gz"])
        holdings.store.remove("a.warc.gz")
    result = run(tmp_path / "home", tmp_path / "k.wacz")
    assert result.return_value == 1
    assert f"missing: {SITE}/ (a.warc.gz, byte 0)" in result.stderr and (tmp_path / "k.wacz").exists()


# -- whole or not at all -----------------------------------------------------------------------------------------------


def test_what_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    with pytest.raises(StorageFailed, match="No space left"), whole_file(tmp_path / "old", replace=True) as stream:
        stream.write(b"half")
        raise OSError(28, "No space left on device")
    assert (tmp_path / "old").read_bytes() == b"old"
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "new", replace=False) as folder:
        bundle = FolderBundle(folder)
        bundle.begin("a.warc.gz").write(b"half")
        bundle.abandon()
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_what_is_killed_is_not_left_as_done_and_can_be_begun_again(home: Path, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\nfrom archiver.cli.export import export\nfrom archiver.export import copying\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\ncopying.Copier._copy_warcinfo = die\n"
        "export(sys.argv[1:])"
    )
    for output in (tmp_path / "k.wacz", tmp_path / "folder"):
        command = [sys.executable, "-c", script, "--archive", home, "-c", "kept", output]
        killed = subprocess.run(command, check=False, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, timeout=60)
        assert killed.returncode == -signal.SIGKILL
        assert not output.exists()
        assert run(home, "-c", "kept", output).return_value == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "k.wacz"]
    assert all(gzip.decompress(path.read_bytes()) for path in (tmp_path / "folder").glob("*.warc.gz"))


def test_what_went_out_comes_in_again(home: Path, tmp_path: Path) -> None:
    with opened(home) as holdings:
        before, known = rows(holdings, "kept"), to_json(holdings, "kept")
    for name in ("k.wacz", "out", "k.warc.gz"):
        assert run(home, "-c", "kept", tmp_path / name).return_value == 0
        with opened(tmp_path / f"home-{name}") as other:
            other.collections.create("kept")
            context = Context(other, "kept", lambda: NOW, False, "", lambda *_: None, lambda *_: None)
            list(take_in_all([str(tmp_path / name)], context))
            assert rows(other, "kept") == before
            if name == "k.warc.gz":  # the description by itself
                assert run(home, "-c", "kept", tmp_path / "k.json").return_value == 0
                (taken,) = take_in_all([str(tmp_path / "k.json")], context)
                assert not taken.refused
            again = to_json(other, "kept")
            parts = ("collection", "organisation", "seeds", "access_rules")
            assert [again[part] for part in parts] == [known[part] for part in parts]


def test_every_option_is_told_in_the_documentation() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "export.md").read_text("utf-8")
    options = {option for parameter in export.params for option in parameter.opts if option.startswith("--")}
    assert {option for option in options if option not in page} == {"--archive", "--collection"}
