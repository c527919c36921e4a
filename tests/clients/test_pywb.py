"""pywb beside this archive, and on top of it: the same answers from the same records, and our index as its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote

import pytest

from tests.browser.conftest import free_port, wait_for
from tests.clients.conftest import SITE, Archive
from tests.peers import pywb_programs


@pytest.fixture(scope="module")
def pywb(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """pywb with three collections: `own` has the records and its own index, `remote` asks us for all, `files` for the index."""
    programs, home = pywb_programs(), tmp_path_factory.mktemp("pywb")
    for arguments in (["init", "own"], ["add", "own", str(archive.warc)]):
        command = [programs / "wb-manager", *arguments]
        subprocess.run(command, cwd=home, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ours = f"{archive.address}c/"
    held = shutil.copytree(archive.warcs, home / "held")
    (home / "config.yaml").write_text(
        f"collections:\n"
        f"  remote: cdx+{ours}cdx\n"
        f"  gate: memento+{ours}\n"
        f"  files:\n    index:\n      type: cdx\n      api_url: '{ours}cdx?url={{url}}&closest={{closest}}&sort=closest'\n"
        f"      replay_url: ''\n    archive_paths: {held}/\n"
    )
    with running(programs, home) as address:
        yield address


@contextmanager
def running(programs: Path, home: Path) -> Iterator[str]:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "wayback", "-b", "127.0.0.1", "-p", str(port)], cwd=home, stdout=log, stderr=log, env=environment
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/", process)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(timeout=20)


def get(address: str) -> tuple[int, str, bytes]:
    """Status, media type and body."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=20) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read()


#: What pywb says of where it found a line, which is nobody's business.
_ITS_OWN = re.compile(
    r', "source": "[^"]*", "source-coll": "[^"]*"|, "access": "allow"| own/indexes/index\.cdxj own| allow$', re.MULTILINE
)

QUERIES = [
    "url=example.org", "url=example.org&output=json", "url=example.org&limit=2", "url=example.org&limit=0",
    "url=example.org/*", "url=*.example.org", "url=example.org&matchType=host", "url=example.org&matchType=domain",
    "url=example.org&matchType=prefix&output=json", "url=org&matchType=domain", "url=http://www.example.org:80/",
    "url=example.org/a?x=1%26y=2", "url=example.org&fl=url,timestamp,nosuch",
    "url=example.org&output=json&fields=timestamp,status",
    "url=example.org&output=text&fl=url,nosuch,mime,status,digest,length", "url=nothing.example",
    "url=nothing.example&output=json", "url=example.org&sort=reverse", "url=example.org&reverse=true&limit=1",
    "url=example.org&closest=20210201000000", "url=example.org&closest=20210201000000&limit=2",
    "url=example.org&closest=2021", "url=example.org&closest=20210201000000&sort=closest",
    "url=example.org&from=2021&to=2022", "url=example.org&from=20210101000001", "url=example.org&to=2020",
    "url=example.org/*&filter=status:40", "url=example.org/*&filter==status:404", "url=example.org/*&filter=!status:200",
    "url=example.org/*&filter=!=status:200", "url=example.org/*&filter=~status:[34]", "url=example.org/*&filter=!~status:2",
    "url=example.org/*&filter=mime:image", "url=example.org/*&filter=~url:.*/many/0[1-3]",
    "url=example.org/*&filter=status:200&filter=mime:png", "url=example.org/*&filter=statuscode:302",
    "url=example.org/*&filter=m:png", "url=example.org/*&filter=gone", "url=example.org/*&filter=!nosuch:x&limit=3",
    "url=example.org&collapseTime=2", "url=example.org&collapseTime=4", "url=sub.example.org/*",
    "url=sub.example.org/*&output=json", "url=example.org&sort=regular&limit=1",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_answers_are_pywbs_own(archive: Archive, pywb: str, query: str) -> None:
    theirs, ours = get(f"{pywb}own/cdx?{query}"), get(f"{archive.address}c/cdx?{query}")
    assert ours[:2] == theirs[:2]
    assert ours[2].decode() == _ITS_OWN.sub("", theirs[2].decode())


def test_resolved_revisits_say_their_status_too(archive: Archive, pywb: str) -> None:
    query = "url=example.org&resolveRevisits=true&output=json"
    theirs, ours = get(f"{pywb}own/cdx?{query}")[2], get(f"{archive.address}c/cdx?{query}")[2]
    lines = [json.loads(_ITS_OWN.sub("", line)) for line in theirs.decode().splitlines()]
    assert [json.loads(line) for line in ours.splitlines()] == [{**line, "status": "200"} for line in lines]


@pytest.mark.parametrize(
    ("query", "theirs"),
    [
        # They answer what is wrong with an error of the server's, with all captures, or with none.
        ("url=example.org&limit=many", 500), ("url=example.org/*&filter=~status:[", 500), ("url=example.org&limit=-1", 200),
        ("url=example.org&closest=soon", 200), ("url=example.org&sort=random", 200), ("url=example.org&page=x", 200),
        ("", 400), ("url=example.org&output=xml", 400), ("url=example.org&matchType=near", 400),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_said(archive: Archive, pywb: str, query: str, theirs: int) -> None:
    assert get(f"{pywb}own/cdx?{query}")[0] == theirs
    status, kind, body = get(f"{archive.address}c/cdx?{query}")
    assert (status, kind) == (400, "application/json")
    assert json.loads(body)["message"]


@pytest.mark.parametrize("collection", ["remote", "files", "gate"])
@pytest.mark.parametrize(
    ("timestamp", "path", "body"),
    [
        ("20200101000000", "/", b"<p>one</p>"),
        ("20230101000000", "/", b"<p>three</p>"),
        ("20200105000000", "/pic.png", b"\x89PNG"),
    ],
)
def test_pywb_replays_what_we_hold(pywb: str, collection: str, timestamp: str, path: str, body: bytes) -> None:
    status, _, shown = get(f"{pywb}{collection}/{timestamp}id_/{quote(SITE + path, safe=':/')}")
    assert (status, shown) == (200, body)


@pytest.mark.parametrize("collection", ["remote", "files"])
def test_pywb_finds_the_nearest_capture_through_our_index(pywb: str, collection: str) -> None:
    status, kind, body = get(f"{pywb}{collection}/cdx?url=example.org&closest=20230201000000&limit=1&output=json")
    assert (status, kind) == (200, "text/x-ndjson")
    assert json.loads(body)["timestamp"] == "20230101000000"
    assert get(f"{pywb}{collection}/20210101000000id_/http://nothing.example/")[0] == 404
