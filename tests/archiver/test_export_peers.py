"""Exports as other people's programs see them: py-wacz, cdxj-indexer, warcio, pywb."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from archiver.errors import UsageError
from archiver.export import lines
from archiver.holdings import Holdings
from archiver.wacz.package import parse_digest
from archiver.wacz.sign import read_key
from archiver.wacz.signature import check_signature
from archiver.warc.reader import StoredRecord, iter_records
from tests.archiver.exporting import (
    MOMENT,
    SITE,
    as_file,
    as_lines,
    as_wacz,
    capture_site,
    inside,
    into_folder,
    manifest,
    odd_files,
    opened,
    take_in,
    unpacked,
)
from tests.browser.conftest import free_port, wait_for
from tests.peers import pywb_programs, wacz_programs
from tests.servers.warcs import request_record, response_record


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Holdings]:
    home = tmp_path_factory.mktemp("kept")
    with opened(home / "home") as holdings:
        holdings.collections.create("kept", title="Kept", description="What was *kept*.")
        capture_site(holdings, "kept")
        take_in(holdings, "kept", odd_files(home))
        yield holdings


def told(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# -- py-wacz -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_lines", [1024, 5])
def test_py_wacz_finds_a_package_valid(
    kept: Holdings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_lines: int
) -> None:
    monkeypatch.setattr("archiver.export.run.BLOCK_LINES", block_lines)
    monkeypatch.setattr(lines, "BLOCK_LINES", block_lines)
    path = tmp_path / "kept.wacz"
    as_wacz(kept, "kept", path)
    names = {item["path"] for item in manifest(path)["resources"]}
    index = {"indexes/index.cdx"} if block_lines == 1024 else {"indexes/index.cdx.gz", "indexes/index.idx"}
    assert {name for name in names if name.startswith("indexes/")} == index
    assert "valid" in told(wacz_programs() / "wacz", "validate", "-f", path)


def test_py_wacz_finds_a_changed_package_invalid(kept: Holdings, tmp_path: Path) -> None:
    path = tmp_path / "kept.wacz"
    as_wacz(kept, "kept", path)
    with zipfile.ZipFile(path) as good, zipfile.ZipFile(tmp_path / "bad.wacz", "w") as bad:
        for name in good.namelist():
            data = good.read(name)
            bad.writestr(name, data[:-1] + b"?" if name.endswith(".warc.gz") else data)
    command = [wacz_programs() / "wacz", "validate", "-f", tmp_path / "bad.wacz"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode and "invalid" in done.stdout


def test_a_manifest_of_each_version_says_what_it_must(kept: Holdings, tmp_path: Path) -> None:
    for version in ("1.1.1", "1.2.0"):
        as_wacz(kept, "kept", tmp_path / f"{version}.wacz", wacz_version=version)
    old, new = manifest(tmp_path / "1.1.1.wacz"), manifest(tmp_path / "1.2.0.wacz")
    assert (old["profile"], old["wacz_version"], old["title"]) == ("data-package", "1.1.1", "Kept")
    assert new["profile"] == "wacz" and "wacz_version" not in new and "mainPageUrl" not in new
    assert new["home"] == {"url": old["mainPageUrl"], "ts": old["mainPageDate"]}
    page = json.loads(inside(tmp_path / "1.1.1.wacz", "pages/pages.jsonl").splitlines()[1])
    assert (page["url"], page["ts"], page["title"]) == (old["mainPageUrl"], old["mainPageDate"], "Harbour & light")


def test_a_signature_is_right_for_who_checks_it(kept: Holdings, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    path = tmp_path / "signed.wacz"
    as_wacz(kept, "kept", path, key=read_key(tmp_path / "key.pem"), selection={"url_prefix": f"{SITE}/page"})
    assert "Has signature" in told(wacz_programs() / "wacz", "validate", "-f", path)
    digest = parse_digest(inside(path, "datapackage-digest.json"))
    found = check_signature(digest, digest.hash, {})
    assert found.is_valid and found.kind == "anonymous", found.findings
    assert set(digest.signed or {}) == {"hash", "created", "software", "version", "signature", "publicKey"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"nothing", "no private key"),
        (ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "P-384"),
        (None, "cannot be read"),
    ],
)
def test_keys_that_do_not_do_are_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "key.pem").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_key(tmp_path / "key.pem")


# -- indexers ----------------------------------------------------------------------------------------------------------


def indexed(folder: Path, *options: str) -> list[str]:
    """What cdxj-indexer says of captures."""
    wanted = ("-s", "--records", "response,revisit,resource", *options)
    return told(wacz_programs() / "cdxj-indexer", *wanted, *sorted(folder.iterdir())).splitlines()


def both(kept: Holdings, folder: Path, *options: str) -> tuple[list[str], list[str]]:
    """The same files, as an archive of ours and cdxj-indexer see them."""
    into_folder(kept, "kept", folder / "out")
    with opened(folder / "again") as again:
        again.collections.create("kept")
        take_in(again, "kept", sorted((folder / "out").iterdir()))
        return as_lines(again, "kept", as_cdx="-11" in options), indexed(folder / "out", *options)


def test_lines_are_those_of_cdxj_indexer(kept: Holdings, tmp_path: Path) -> None:
    """But for answers to requests with a body: our keys say the body, those of cdxj-indexer only when it is asked to."""
    ours, theirs = both(kept, tmp_path)
    assert ours == sorted(ours, key=str.encode)
    assert [line for line in ours if "__wb_method" not in line] == [line for line in theirs if "/api " not in line]
    assert len(ours) == len(theirs) == 21


def test_lines_of_cdx_are_those_of_cdxj_indexer(kept: Holdings, tmp_path: Path) -> None:
    ours, theirs = both(kept, tmp_path, "-11")
    assert ours[0] == theirs[0] == " CDX N b a m s k r M S V g"
    assert sorted(line for line in ours if "__wb_method" not in line) == sorted(line for line in theirs if "/api " not in line)


def test_keys_of_requests_with_a_body_are_those_of_cdxj_indexer(tmp_path: Path) -> None:
    answer = response_record(f"{SITE}/api", MOMENT, b"{}", headers="Content-Type: application/json\r\n")
    number = next(iter_records(io.BytesIO(answer)))
    assert isinstance(number, StoredRecord)
    form = ("application/x-www-form-urlencoded", b"b=2&A=one+word")
    for name, (mime, body) in {"json": ("application/json", b'{"Query": "Sea"}'), "form": form}.items():
        (tmp_path / name).mkdir()
        asked = request_record(f"{SITE}/api", MOMENT, "POST", mime, body, concurrent=number.record_id)
        (tmp_path / name / "post.warc.gz").write_bytes(answer + asked)
        with opened(tmp_path / name / "home") as holdings:
            take_in(holdings, "default", [tmp_path / name / "post.warc.gz"])
            (ours,) = as_lines(holdings, "default")
        theirs = told(wacz_programs() / "cdxj-indexer", "-p", tmp_path / name / "post.warc.gz").splitlines()[0]
        assert ours.split(" ")[:2] == theirs.split(" ")[:2]


def test_the_index_of_a_package_finds_its_records(kept: Holdings, tmp_path: Path) -> None:
    as_wacz(kept, "kept", tmp_path / "kept.wacz")
    files = {path.name: path.read_bytes() for path in unpacked(tmp_path / "kept.wacz", tmp_path)}
    found = inside(tmp_path / "kept.wacz", "indexes/index.cdx").decode().splitlines()
    assert len(found) == 21
    for line in found:
        fields = json.loads(line.split(" ", 2)[2])
        start, length = int(fields["offset"]), int(fields["length"])
        member = files[fields["filename"]][start : start + length]
        assert fields["recordDigest"] == f"sha256:{hashlib.sha256(member).hexdigest()}"
        assert fields["url"].encode() in gzip.decompress(member)


def test_warcio_reads_exports_without_complaint(kept: Holdings, tmp_path: Path) -> None:
    data, _ = as_file(kept, "kept", selection={"url_prefix": SITE})
    (tmp_path / "one.warc.gz").write_bytes(data)
    told(wacz_programs() / "warcio", "check", tmp_path / "one.warc.gz")


# -- pywb --------------------------------------------------------------------------------------------------------------


@contextmanager
def pywb(home: Path, index: list[str], warcs: Path) -> Iterator[str]:
    """pywb with an index and WARC files as they are, none of them touched by its own programs."""
    programs = pywb_programs()
    collection = home / "collections" / "kept"
    for name in ("archive", "indexes"):
        (collection / name).mkdir(parents=True)
    for path in warcs.iterdir():
        (collection / "archive" / path.name).symlink_to(path)
    (collection / "indexes" / "index.cdxj").write_text("\n".join(index) + "\n")
    port = free_port()
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([programs / "wayback", "-b", "127.0.0.1", "-p", str(port)], cwd=home, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}/"
        wait_for(address, process)
        yield f"{address}kept/"
    finally:
        process.terminate()
        process.wait(20)


def fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return bytes(answer.read())


def test_pywb_serves_our_index_and_our_files(kept: Holdings, tmp_path: Path) -> None:
    folder = Path(kept.store.address)
    (tmp_path / "pywb").mkdir()
    with pywb(tmp_path / "pywb", as_lines(kept, "kept"), folder) as address:
        assert fetched(f"{address}20160810204623id_/{SITE}/first") == b"<title>First</title>"
        assert fetched(f"{address}20160811204623id_/{SITE}/page") == b"<p>the same</p>"  # a revisit
        assert fetched(f"{address}20160810204623id_/{SITE}/plain") == b"<p>plain</p>" * 50
        rows = fetched(f"{address}cdx?url={SITE}/&matchType=prefix&output=json").splitlines()
        assert len(rows) == 7
