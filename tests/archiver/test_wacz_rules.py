"""Every rule of WACZ packages, with a package that breaks it and nothing else of weight."""

from __future__ import annotations

import gzip
import json
import random

import pytest

from archiver.warc.rules import RULES, Severity
from tests.archiver.waczs_by_hand import PAGES, WARC, cdxj_line, files, package, rules_of, sha256
from tests.archiver.warcs_by_hand import member, response, sha1, warcinfo

GOOD = files()


def without(path: str) -> dict[str, bytes]:
    return {name: data for name, data in GOOD.items() if name != path}


def changed(path: str) -> bytes:
    """A package whose file is not what it was when it was listed."""
    return package({**GOOD, path: GOOD[path] + b"\n"}, listed=GOOD)


def secondary(offset: int = 0, key: str = "org,example)/a") -> bytes:
    block = gzip.compress(cdxj_line(), mtime=0)
    place = {"offset": offset, "length": len(block), "filename": "index.cdx.gz"}
    idx = f'!meta 0 {{"format": "cdxj-gzip-1.0"}}\n{key} 20160810204623 {json.dumps(place)}\n'.encode()
    return package({**without("indexes/index.cdx"), "indexes/index.cdx.gz": block, "indexes/index.idx": idx})


def bomb() -> bytes:
    line = gzip.compress(bytes(200_000_000), 9)
    return package({**without("indexes/index.cdx"), "indexes/index.cdx.gz": line})


def changed_inside() -> bytes:
    """A deflated entry whose checksum in the ZIP is wrong."""
    data = bytearray(package(packed=True))
    place = data.index(b"pages/pages.jsonl") + len(b"pages/pages.jsonl") + 20
    data[place] ^= 0xFF
    return bytes(data)


def signed(**put: str) -> bytes:
    said = {"hash": "", "signature": "", "publicKey": "", "created": "2016-08-10T20:46:23Z", "software": "hand", **put}
    raw = json.dumps({"path": "datapackage.json", "hash": sha256(b""), "signedData": said}).encode()
    return package(digest=raw)


BROKEN = {
    "wacz-zip": lambda: package()[:-30],
    "wacz-zip-entry": changed_inside,
    "wacz-zip-name": lambda: package({**GOOD, "../evil.txt": b"x"}),
    "wacz-zip-twice": lambda: package(twice="pages/pages.jsonl"),
    "wacz-zip-bomb": bomb,
    "wacz-zip-stored": lambda: package(packed=True),
    "wacz-datapackage-missing": lambda: package().replace(b"datapackage.json", b"datapackage.josn"),
    "wacz-archive-empty": lambda: package(without("archive/data.warc.gz")),
    "wacz-indexes-empty": lambda: package(without("indexes/index.cdx")),
    "wacz-pages-missing": lambda: package(without("pages/pages.jsonl")),
    "wacz-layout-foreign": lambda: package({**GOOD, "archive/notes.txt": b"x"}),
    "wacz-datapackage-profile": lambda: package(manifest={"profile": "tabular"}),
    "wacz-datapackage-version": lambda: package(manifest={"wacz_version": "9.9"}),
    "wacz-datapackage-resources": lambda: package(manifest={"resources": []}),
    "wacz-datapackage-unlisted": lambda: package({**GOOD, "logs/a.log": b"x"}, listed=GOOD),
    "wacz-datapackage-absent": lambda: package(listed={**GOOD, "logs/a.log": b"x"}),
    "wacz-datapackage-listed-twice": lambda: package(
        manifest={"resources": [{"name": "a", "path": path, "hash": sha256(data), "bytes": len(data)}
                                for path, data in (*GOOD.items(), ("pages/pages.jsonl", PAGES))]}
    ),
    "wacz-datapackage-resource": lambda: package(
        manifest={"resources": [{"path": path, "hash": sha256(data), "bytes": len(data)} for path, data in GOOD.items()]}
    ),
    "wacz-datapackage-hash": lambda: changed("pages/pages.jsonl"),
    "wacz-datapackage-bytes": lambda: changed("pages/pages.jsonl"),
    "wacz-datapackage-algorithm": lambda: package(
        manifest={"resources": [{"name": "a", "path": path, "hash": "crc:1", "bytes": len(GOOD[path])} for path in GOOD]}
    ),
    "wacz-datapackage-date": lambda: package(manifest={"created": "yesterday"}),
    "wacz-indexes-cdxj": lambda: package(files(cdxj_line() + b"org,example)/z 20160810204623 {nothing}\n")),
    "wacz-indexes-order": lambda: package(files(cdxj_line() + cdxj_line("http://aaa.org/"))),
    "wacz-indexes-idx": lambda: secondary(offset=5),
    "wacz-indexes-file": lambda: package(files(cdxj_line() + cdxj_line("http://x.org/", filename="other.warc.gz"))),
    "wacz-indexes-record": lambda: package(files(cdxj_line(offset="3"))),
    "wacz-indexes-unindexed": lambda: package(files(warc=WARC + member(response(3)))),
    "wacz-pages-header": lambda: package(files(pages=PAGES.partition(b"\n")[2])),
    "wacz-pages-page": lambda: package(files(pages=PAGES + b'\n{"title": "no url"}')),
    "wacz-pages-unheld": lambda: package(files(pages=PAGES + b'\n{"url": "http://x.org/", "ts": "2016-08-10T20:46:23Z"}')),
    "wacz-digest-digest": lambda: package(digest=json.dumps({"path": "datapackage.json", "hash": sha256(b"")}).encode()),
    "wacz-digest-missing": lambda: package(digest=b""),
    "wacz-digest-form": lambda: package(digest=b"{"),
    "wacz-digest-signature": lambda: signed(),
}  # fmt: skip


@pytest.mark.parametrize("rule", BROKEN)
def test_what_breaks_a_rule_is_told(rule: str) -> None:
    found = rules_of(BROKEN[rule]())
    assert found.counts[rule] >= 1, dict(found.counts)
    if RULES[rule].severity is not Severity.ERROR:
        assert found.has(Severity.ERROR) == 0, found.listed


def test_every_rule_of_packages_has_one_that_breaks_it() -> None:
    known = {rule for rule in RULES if rule.startswith("wacz-")}
    assert known - BROKEN.keys() == {"wacz-digest-unverified"}  # test_a_signature_that_nobody_vouches_for…


@pytest.mark.parametrize("version", ["1.1.1", "1.2.0"])
def test_good_packages_are_left_in_peace(version: str) -> None:
    found = rules_of(package(version=version))
    assert not found.counts, found.listed
    assert not rules_of(secondary()).counts


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("URL", cdxj_line("http://example.org/b")),
        ("date", cdxj_line(stamp="20170101000000")),
        ("status", cdxj_line(status="404")),
        ("digest", cdxj_line(digest=sha1(b"other"))),
        ("length", cdxj_line(length="7")),
    ],
)
def test_a_line_of_the_index_that_lies_is_told_by_what_it_lies_about(what: str, line: bytes) -> None:
    found = rules_of(package(files(line)))
    (told,) = [finding for finding in found.listed if finding.rule == "wacz-indexes-record"]
    assert what in told.detail


def test_damage_of_a_record_inside_is_told_with_the_entry() -> None:
    warc = member(warcinfo()) + member(response(put=(("WARC-Payload-Digest", sha1(b"other")),)))
    found = rules_of(package(files(warc=warc)))
    (told,) = [finding for finding in found.listed if finding.rule == "warc-5.9-mismatch"]
    assert told.subject.startswith("archive/data.warc.gz ")


def test_a_signature_that_nobody_vouches_for_is_right_and_said_to_prove_nothing() -> None:
    import base64

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP384R1())
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    made = package(digest=b"")
    raw = made[made.index(b"{\n") : made.rindex(b"\n}") + 2]
    own = sha256(raw)
    said = {
        "hash": own,
        "signature": base64.b64encode(key.sign(own.encode(), ec.ECDSA(hashes.SHA256()))).decode(),
        "publicKey": base64.b64encode(public).decode(),
        "created": "2016-08-10T20:46:23Z",
        "software": "hand",
    }
    digest = json.dumps({"path": "datapackage.json", "hash": own, "signedData": said}).encode()
    found = rules_of(package(digest=digest))
    assert dict(found.counts) == {"wacz-digest-unverified": 1}, found.listed


@pytest.mark.parametrize("seed", range(25))
def test_damage_of_any_kind_is_survived_and_found(seed: int) -> None:
    choose = random.Random(seed)
    data = bytearray(package(packed=bool(seed % 2)))
    place = choose.randrange(len(data))
    if seed % 3:
        data[place] ^= 1 << choose.randrange(8)
    else:
        del data[place : place + choose.randrange(1, 100)]
    found = rules_of(bytes(data))
    assert "warc-4-unsure" not in found.counts
