"""WACZ packages as they come: right ones of both versions, lists of them, signed ones, and those that lie or are traps."""

from __future__ import annotations

import base64
import gzip
import json
import os
import struct
import subprocess
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from archiver.collections.access import Action, Matching, Rule
from archiver.collections.exchange import to_json
from archiver.holdings import Holdings
from archiver.model import Visibility
from archiver.wacz.package import PackageDigest, hash_of
from archiver.wacz.signature import check_signature
from tests.archiver.exporting import as_wacz
from tests.archiver.importing import MOMENT, Import, body_of, page, pages_list, wacz
from tests.archiver.test_segments import message, parts_of
from tests.peers import wacz_programs
from tests.servers.postgresql import PostgreSQL

OpenHoldings = Callable[..., Holdings]

PAGES = {"pages/pages.jsonl": pages_list({"url": "http://example.org/1", "ts": "2020-01-02T03:04:05Z", "title": "One"})}
FILES = {"archive/a.warc.gz": page(1) + page(2), "archive/b.warc.gz": page(3), **PAGES}


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(
    "manifest",
    [
        {
            "title": "Pages of mine",
            "description": "About them",
            "created": "2020-02-03T00:00:00Z",
            "mainPageUrl": "http://example.org/1",
        },
        {
            "profile": "wacz",
            "title": "Pages of mine",
            "description": "About them",
            "created": "2020-02-03T00:00:00Z",
            "home": {"url": "http://example.org/1", "ts": "2020-01-02T03:04:05Z"},
        },
    ],
    ids=["1.1.1", "1.2.0"],
)
def test_captures_pages_and_metadata_come_in_once(
    tmp_path: Path, holdings_with: OpenHoldings, manifest: dict[str, Any], in_place: bool
) -> None:
    path = tmp_path / "x.wacz"
    wacz(path, FILES, manifest=manifest)
    holdings = holdings_with()
    for _ in range(2):
        done = Import(holdings, path, in_place=in_place)
        assert done.captures == 3
    assert holdings.index.summary("default").captures == 3
    assert [body_of(holdings, f"http://example.org/{number}") for number in (1, 2, 3)] == [
        f"<title>{number}</title>".encode() for number in (1, 2, 3)
    ]
    (found,) = holdings.crawls.pages("default")
    assert (found.url, found.timestamp, found.title) == ("http://example.org/1", "20200102030405", "One")
    collection = holdings.collections.get("default")
    assert (collection.title, collection.description) == ("Pages of mine", "About them")
    assert any(holdings.store.names()) is not in_place


def test_captures_pages_and_parts_come_into_postgresql_once(
    tmp_path: Path, holdings_with: OpenHoldings, postgresql: PostgreSQL
) -> None:
    lists = {"pages/pages.jsonl": PAGES["pages/pages.jsonl"] + b'{"url": "http://missing.example/"}\n'}
    parts = b"".join(parts_of(message(), 600, 3000))
    wacz(tmp_path / "x.wacz", {**FILES, **lists, "archive/parts.warc.gz": parts}, manifest={"title": "T\u0000 \u2019"})
    holdings = holdings_with(database=postgresql.new_archive())
    for _ in range(2):
        assert Import(holdings, tmp_path / "x.wacz").captures == 4
    assert holdings.index.summary("default").captures == 4
    assert holdings.crawls.page_count("default") == 1
    assert len(holdings.segments.find("<urn:x:1>")) == 2


def test_what_people_wrote_of_a_collection_is_not_replaced(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    holdings.collections.update("default", title="Ours", description="Also ours")
    wacz(tmp_path / "x.wacz", FILES, manifest={"title": "Theirs", "description": "Theirs too"})
    Import(holdings, tmp_path / "x.wacz")
    assert holdings.collections.get("default").title == "Ours"
    assert holdings.collections.get("default").description == "Also ours"


@pytest.mark.parametrize("in_place", [False, True])
def test_compressed_warcs_in_a_package_are_read_and_said(tmp_path: Path, holdings_with: OpenHoldings, in_place: bool) -> None:
    path = tmp_path / "x.wacz"
    wacz(path, FILES, deflated=("archive/a.warc.gz",))
    holdings = holdings_with()
    done = Import(holdings, path, in_place=in_place)
    assert done.captures == 3
    assert "compressed once more inside the package" in done.notes
    assert body_of(holdings, "http://example.org/2") == b"<title>2</title>"


@pytest.mark.parametrize("in_place", [False, True])
def test_warcs_compressed_as_a_whole_are_read(tmp_path: Path, holdings_with: OpenHoldings, in_place: bool) -> None:
    whole = gzip.compress(gzip.decompress(page(1)) + gzip.decompress(page(2)))
    wacz(tmp_path / "x.wacz", {"archive/a.warc.gz": whole, **PAGES})
    holdings = holdings_with()
    assert Import(holdings, tmp_path / "x.wacz", in_place=in_place).captures == 2
    assert body_of(holdings, "http://example.org/2") == b"<title>2</title>"


def test_lies_of_the_manifest_are_told_and_nothing_is_lost(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = tmp_path / "x.wacz"
    wacz(path, FILES, lies={"archive/a.warc.gz": "sha256:" + "0" * 64, "archive/b.warc.gz": "sha3:00"})
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("archive/unlisted.warc.gz", page(9))
        package.writestr("logs/crawl.log", b"a log")
    done = Import(holdings_with(), path)
    assert done.captures == 4
    assert "archive/a.warc.gz is not the file that the manifest lists: its SHA256 is another." in done.notes
    assert "cannot be computed here" in done.notes
    assert "archive/unlisted.warc.gz is in the package and not listed in the manifest." in done.notes
    assert any(item.url == "logs/crawl.log" for item in done.told)


def test_of_many_lies_some_are_said_and_all_are_told(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = tmp_path / "x.wacz"
    wacz(path, FILES)
    with zipfile.ZipFile(path, "a") as package:
        for number in range(50):
            package.writestr(f"logs/{number}.log", b"x")
    done = Import(holdings_with(), path)
    assert done.notes.count("not listed in the manifest") == 20
    assert "30 more things are not as its manifest says" in done.notes
    assert sum(item.record_type == "package" for item in done.told) == 50


def test_a_manifest_that_was_changed_is_told(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = tmp_path / "x.wacz"
    raw = wacz(path, FILES)
    data = path.read_bytes()
    with zipfile.ZipFile(path) as package:
        digest = package.read("datapackage-digest.json").replace(hash_of([raw])[-64:].encode(), b"1" * 64)
        others = {info.filename: package.read(info) for info in package.infolist()}
    assert data
    with zipfile.ZipFile(path, "w") as package:
        for name, content in {**others, "datapackage-digest.json": digest}.items():
            package.writestr(name, content)
    assert "not the one that datapackage-digest.json gives the hash of" in Import(holdings_with(), path).notes


def test_pages_without_a_capture_and_damaged_lines_are_told(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    lists = {
        "pages/pages.jsonl": PAGES["pages/pages.jsonl"]
        + b'{"url": "http://missing.example/", "ts": "2020-01-02T03:04:05Z"}\nno json\n',
        "pages/extraPages.jsonl": pages_list({"url": "http://example.org/2", "ts": "2020-01-02T03:04:06Z", "seed": True}),
    }
    wacz(tmp_path / "x.wacz", {**FILES, **lists})
    holdings = holdings_with()
    done = Import(holdings, tmp_path / "x.wacz")
    assert {found.url for found in holdings.crawls.pages("default")} == {"http://example.org/1", "http://example.org/2"}
    assert ("page", "http://missing.example/") in {(item.record_type, item.url) for item in done.told}
    assert any("cannot be read" in reason for reason in done.reasons)


def test_a_package_does_not_say_who_may_see_a_collection_that_is_in_use(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    described = to_json(holdings, "default")
    rule = Rule(Action.EXCLUDE, Matching.PREFIX, "org,example)/", collection="other", url="http://example.org/*")
    holdings.collections.create("other", title="Other")
    holdings.access.add([rule], actor="test")
    described["access_rules"] = to_json(holdings, "other")["access_rules"]
    assert isinstance(described["collection"], dict) and described["access_rules"]
    described["collection"]["visibility"] = "private"
    wacz(tmp_path / "x.wacz", {**FILES, "muniment/collection.json": json.dumps(described).encode()})
    wacz(tmp_path / "first.wacz", FILES)
    Import(holdings, tmp_path / "first.wacz")
    done = Import(holdings, tmp_path / "x.wacz")
    assert "access rules were left out" in done.notes
    assert holdings.collections.get("default").visibility is Visibility.PUBLIC
    assert to_json(holdings, "default")["access_rules"] == []


# -- lists of packages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_place", [False, True])
def test_lists_of_packages(tmp_path: Path, holdings_with: OpenHoldings, in_place: bool) -> None:
    folder = tmp_path / "list"
    folder.mkdir()
    wacz(folder / "one.wacz", {"archive/a.warc.gz": page(1)})
    wacz(folder / "two.wacz", {"archive/a.warc.gz": page(2)})
    (tmp_path / "secret.wacz").write_bytes((folder / "one.wacz").read_bytes())
    resources = [
        {"name": "one.wacz", "path": "one.wacz", "hash": "sha256:" + "0" * 64},
        {"name": "two.wacz", "path": "two.wacz"},
        {"name": "gone.wacz", "path": "gone.wacz"},
        {"name": "secret.wacz", "path": "../secret.wacz"},
    ]
    (folder / "list.json").write_text(json.dumps({"profile": "multi-wacz-package", "resources": resources}))
    holdings = holdings_with()
    done = Import(holdings, folder / "list.json", in_place=in_place)
    assert done.captures == 2
    assert "one.wacz is not the file that the list names" in done.notes
    assert done.reasons >= {"it is not there", "its path leads out of the list's folder"}
    assert body_of(holdings, "http://example.org/2") == b"<title>2</title>"


@pytest.mark.parametrize("deflated", [(), ("inner.wacz",)])
@pytest.mark.parametrize("in_place", [False, True])
def test_packages_in_packages(tmp_path: Path, holdings_with: OpenHoldings, in_place: bool, deflated: tuple[str, ...]) -> None:
    wacz(tmp_path / "inner.wacz", {"archive/a.warc.gz": page(1), **PAGES})
    inner = (tmp_path / "inner.wacz").read_bytes()
    wacz(tmp_path / "outer.wacz", {"inner.wacz": inner}, manifest={"profile": "multi-wacz-package"}, deflated=deflated)
    holdings = holdings_with()
    assert Import(holdings, tmp_path / "outer.wacz", in_place=in_place).captures == 1
    assert body_of(holdings, "http://example.org/1") == b"<title>1</title>"
    assert holdings.crawls.page_count("default") == 1


# -- signatures -------------------------------------------------------------------------------------------------------


def signed_by_key(raw: bytes, *, der: bool) -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP384R1())
    signature = key.sign(hash_of([raw]).encode(), ec.ECDSA(hashes.SHA256()))
    if not der:
        signature = b"".join(number.to_bytes(48, "big") for number in decode_dss_signature(signature))
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {
        "signature": base64.b64encode(signature).decode(),
        "publicKey": base64.b64encode(public).decode(),
        "created": "2020-02-03T00:00:00Z",
        "software": "ArchiveWeb.page 1.0",
    }


@pytest.mark.parametrize("der", [False, True])
def test_signatures_of_nobody_are_checked(tmp_path: Path, holdings_with: OpenHoldings, der: bool) -> None:
    path = tmp_path / "x.wacz"
    raw = wacz(path, FILES)
    signed = signed_by_key(raw, der=der)
    wacz(path, FILES, signed=signed)
    good = Import(holdings_with(), path).notes
    assert "the signature is right" in good
    assert "cannot prove whose key that is" in good
    wacz(path, {**FILES, "archive/b.warc.gz": page(4)}, signed=signed)
    assert "The signature is wrong" in Import(holdings_with(), path).notes


def test_our_own_signatures_are_right(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    (tmp_path / "a.warc.gz").write_bytes(page(1))
    Import(holdings, tmp_path / "a.warc.gz")
    as_wacz(holdings, "default", tmp_path / "x.wacz", key=ec.generate_private_key(ec.SECP384R1()))
    holdings.collections.create("other")
    assert "the signature is right" in Import(holdings, tmp_path / "x.wacz", slug="other").notes


def certificate(name: str, issuer: Any = None, *, ca: bool = False) -> tuple[Any, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(MOMENT - timedelta(days=1))
        .not_valid_after(MOMENT + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(issuer[0] if issuer else key, hashes.SHA256())
    )
    return key, made


def pem(*certificates: x509.Certificate) -> str:
    return b"".join(item.public_bytes(serialization.Encoding.PEM) for item in certificates).decode()


def test_signatures_with_the_certificate_of_a_domain_are_checked() -> None:
    root = certificate("Root", ca=True)
    key, leaf = certificate("archive.example", root)
    digest = "sha256:" + "a" * 64
    signed = {
        "hash": digest,
        "created": "2020-01-02T03:04:05Z",
        "signature": base64.b64encode(key.sign(digest.encode(), ec.ECDSA(hashes.SHA256()))).decode(),
        "domain": "archive.example",
        "domainCert": pem(leaf, root[1]),
    }
    roots = {root[1].subject.public_bytes(): root[1]}

    def check(roots: Any = roots, of: str = digest, **changes: str) -> Any:
        return check_signature(PackageDigest("datapackage.json", digest, {**signed, **changes}), of, roots)

    good = check()
    assert (good.kind, good.is_valid, good.is_trusted, good.domain) == ("domain", True, True, "archive.example")
    assert "It has no time stamp." in good.findings
    assert not check(roots={}).is_trusted
    assert check(domain="other.example").domain == ""
    assert not check(of="sha256:" + "b" * 64).is_valid
    assert not check(domainCert=pem(leaf, certificate("Root", ca=True)[1])).is_trusted
    assert not check(domainCert=pem(leaf, certificate("archive.example", root)[1])).is_trusted  # that is no authority
    assert "not valid at the time" in " ".join(check(created="2030-01-01T00:00:00Z").findings)
    assert not check(signature="AAAA").is_valid
    for garbage in ("", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        assert not check(domainCert=garbage, publicKey=garbage).is_valid
    assert any("cannot be read" in finding for finding in check(timeSignature="AAAA", timestampCert="x").findings)


def test_time_stamps_are_checked(tmp_path: Path) -> None:
    """Against what OpenSSL writes."""
    key, leaf = certificate("archive.example")
    digest = "sha256:" + "a" * 64
    signature = base64.b64encode(key.sign(digest.encode(), ec.ECDSA(hashes.SHA256()))).decode()
    stamp, authority = time_stamp(tmp_path, signature.encode())

    def check(signature: str = signature, stamp: bytes = stamp, authority: str = authority) -> Any:
        said = {
            "hash": digest,
            "created": "2020-01-02T03:04:05Z",
            "signature": signature,
            "domain": "archive.example",
            "domainCert": pem(leaf),
            "timeSignature": base64.b64encode(stamp).decode(),
            "timestampCert": authority,
        }
        return check_signature(PackageDigest("datapackage.json", digest, said), digest, {})

    good = check()
    assert good.stamped_at is not None
    assert any("A time stamp by Clock is right" in finding for finding in good.findings)
    assert any("more than ten minutes" in finding for finding in good.findings)
    assert check(authority=pem(certificate("Clock")[1])).stamped_at is None
    other = base64.b64encode(key.sign(digest.encode(), ec.ECDSA(hashes.SHA256()))).decode()
    assert check(signature=other).stamped_at is None
    for place in range(0, len(stamp), 7):
        check(stamp=stamp[:place])
        check(stamp=stamp[:place] + b"\xff" + stamp[place + 1 :])


def time_stamp(folder: Path, data: bytes) -> tuple[bytes, str]:
    """A time stamp of some bytes by OpenSSL, and the certificate of its authority."""
    (folder / "data").write_bytes(data)
    (folder / "conf").write_text(
        "[req]\ndistinguished_name=dn\nx509_extensions=tsa\nprompt=no\n[dn]\nCN=Clock\n[tsa]\n"
        "extendedKeyUsage=critical,timeStamping\n[ts]\nserial=serial\nsigner_digest=sha256\ndefault_policy=1.2.3\n"
        "digests=sha256\n"
    )
    for command in (
        "req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -config conf -days 30",
        "ts -query -data data -sha256 -cert -out query",
        "ts -reply -queryfile query -signer cert -inkey key -config conf -section ts -out reply",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True, timeout=60)
    return (folder / "reply").read_bytes(), (folder / "cert").read_text()


# -- traps ------------------------------------------------------------------------------------------------------------


def test_names_that_lead_out_of_the_package_are_refused(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = tmp_path / "x.wacz"
    hostile = ["../../evil.warc.gz", "/etc/evil.warc.gz", "archive/../../e.warc.gz", "archive\\..\\e.warc.gz", "C:/e.warc.gz"]
    wacz(path, {**FILES, **dict.fromkeys(hostile, page(7))})
    done = Import(holdings_with(), path)
    assert done.captures == 3
    assert {item.url for item in done.told if item.reason == "Its name leads out of the package."} >= set(hostile[:3])
    assert not list(tmp_path.parent.rglob("*evil*"))


def test_bombs_are_refused_before_they_are_unpacked(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = tmp_path / "x.wacz"
    wacz(path, {**FILES, "archive/bomb.warc": b"WARC/1.0\r\n" + b"\0" * 3_000_000}, deflated=("archive/bomb.warc",))
    data = bytearray(path.read_bytes())
    place = data.rfind(b"archive/bomb.warc") - 46  # the directory says that it is much larger
    assert data[place : place + 4] == b"PK\x01\x02"
    struct.pack_into("<L", data, place + 24, 0xF0000000)
    path.write_bytes(data)
    done = Import(holdings_with(), path)
    assert done.captures == 3
    assert any("decompression bomb" in reason for reason in done.reasons)


def test_files_that_lie_one_over_the_other_are_refused(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = tmp_path / "x.wacz"
    wacz(path, {f"archive/{number}.warc.gz": page(1, b"x" * 500) for number in range(50)})
    data = bytearray(path.read_bytes())
    place = data.find(b"PK\x01\x02")
    while place >= 0:  # the directory gives all of them the place of the first
        struct.pack_into("<L", data, place + 42, 0)
        place = data.find(b"PK\x01\x02", place + 4)
    start = data.find(b"PK\x03\x04", 10)
    end = data.find(b"PK\x01\x02")
    shorter = data[:start] + data[end:]
    directory = shorter.rfind(b"PK\x05\x06")
    struct.pack_into("<L", shorter, directory + 16, start)
    path.write_bytes(shorter)
    done = Import(holdings_with(), path)
    assert done.captures == 0
    assert "lie one over the other" in done.notes


def test_what_killed_imports_left_is_swept_away(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    home = holdings.settings.archive
    for name, age in (("old", 100_000), ("new", 10)):
        left = home / f".import-{name}"
        left.mkdir()
        (left / "x.warc.gz").write_bytes(b"x")
        for path in (left / "x.warc.gz", left):
            os.utime(path, (path.stat().st_mtime - age,) * 2)
    wacz(tmp_path / "x.wacz", FILES)
    Import(holdings, tmp_path / "x.wacz")
    assert {path.name for path in home.glob(".import-*")} == {".import-new"}


def test_encrypted_files_are_named(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = tmp_path / "x.wacz"
    wacz(path, FILES)
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + at] |= 1  # of the first file
    path.write_bytes(data)
    done = Import(holdings_with(), path)
    assert done.captures == 1
    assert ("archive/a.warc.gz", "It is encrypted.") in {(item.url, item.reason) for item in done.told}


def test_damaged_packages_never_crash(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = tmp_path / "x.wacz"
    wacz(path, FILES, deflated=("archive/a.warc.gz",), signed={"publicKey": "x", "signature": "y"})
    good = path.read_bytes()
    holdings = holdings_with()
    for place in range(0, len(good), 229):
        for broken in (good[:place], good[:place] + b"\xff\xff\xff" + good[place + 3 :]):
            path.write_bytes(broken)
            Import(holdings, path)
            Import(holdings, path, in_place=True)
    # Its last field but one says where the directory begins: too far behind, and the files seem to lie before the package.
    path.write_bytes(good[:-6] + (len(good) * 2).to_bytes(4, "little") + good[-2:])
    assert not Import(holdings, path, in_place=True).captures


def test_a_package_without_a_directory_is_refused_with_the_reason(tmp_path: Path, holdings_with: OpenHoldings) -> None:
    path = tmp_path / "x.wacz"
    wacz(path, FILES)
    path.write_bytes(path.read_bytes()[:-100])
    assert "its directory, at its end, is missing or damaged" in Import(holdings_with(), path).notes


# -- packages by others ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_place", [False, True])
def test_large_headers_and_other_compressions(tmp_path: Path, holdings_with: OpenHoldings, in_place: bool) -> None:
    path = tmp_path / "x.wacz"
    with zipfile.ZipFile(path, "w") as package:
        with package.open("archive/a.warc.gz", "w", force_zip64=True) as entry:
            entry.write(page(1))
        package.writestr("archive/b.warc.gz", page(2), zipfile.ZIP_BZIP2)
        package.writestr("archive/c.warc.gz", page(3), zipfile.ZIP_LZMA)
    holdings = holdings_with()
    assert Import(holdings, path, in_place=in_place).captures == 3
    assert [body_of(holdings, f"http://example.org/{number}") for number in (1, 2, 3)] == [
        f"<title>{number}</title>".encode() for number in (1, 2, 3)
    ]


@pytest.mark.parametrize("in_place", [False, True])
def test_packages_by_py_wacz(tmp_path: Path, holdings_with: OpenHoldings, in_place: bool) -> None:
    (tmp_path / "a.warc.gz").write_bytes(page(1) + page(2))
    (tmp_path / "pages.jsonl").write_bytes(PAGES["pages/pages.jsonl"])
    subprocess.run(
        [wacz_programs() / "wacz", "create", "-o", "x.wacz", "-p", "pages.jsonl", "--title", "By py-wacz", "a.warc.gz"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=120,
    )
    holdings = holdings_with()
    done = Import(holdings, tmp_path / "x.wacz", in_place=in_place)
    assert done.captures == 2
    assert holdings.collections.get("default").title == "By py-wacz"
    assert {found.title for found in holdings.crawls.pages("default")} == {"One"}
    assert "manifest" not in done.notes
