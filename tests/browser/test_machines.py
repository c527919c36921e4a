"""Several machines that share a bucket and a database: what one captures all of them show."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from playwright.sync_api import Page

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.urls import urlkey
from tests.browser.conftest import serving
from tests.servers.postgresql import PostgreSQL
from tests.servers.routes import Answer, RouteServer
from tests.servers.weed import KEY, SECRET, ObjectServer

PAGES = 12
FILM = Random(6).randbytes(3_000_000)
PICTURE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="40" height="30" fill="red"/></svg>'
    + b" " * 500
)


def site() -> dict[str, Answer]:
    pages = {
        f"/{number}.html": Answer(f"<title>{number}</title><a href=/{number + 1}.html>on</a><img src=/picture.svg>".encode())
        for number in range(PAGES)
    }
    return {
        "/": Answer(
            b"<title>Home</title><h1>Here</h1><img src=/picture.svg><a href=/0.html>on</a><video src=/film.mp4></video>"
        ),
        "/picture.svg": Answer(PICTURE, "image/svg+xml"),
        "/film.mp4": Answer(FILM, "video/mp4"),
        **pages,
    }


def run(home: Path, *arguments: str) -> None:
    program = str(Path(sys.executable).with_name("muniment"))
    done = subprocess.run([program, "--archive", str(home), *arguments], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert b"object storage" not in done.stderr


def urls_of(home: str) -> list[str]:
    return [home.rstrip("/") + path for path in site()]


def get(url: str, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
        return bytes(answer.read())


def test_what_two_machines_captured_a_third_shows(
    s3: ObjectServer, postgresql: PostgreSQL, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = f"machines-{uuid4()}"
    monkeypatch.setenv("MUNIMENT_DATABASE", postgresql.new_database())
    monkeypatch.setenv("MUNIMENT_STORE", f"s3://archive/{prefix}/")
    monkeypatch.setenv("MUNIMENT_S3_ENDPOINT", s3.endpoint)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    with RouteServer(site()) as server:
        run(first, "capture", server.url("/"), "--allow-private")
        run(second, "crawl", server.url("/"), "--allow-private", "--workers", "2", "--delay", "0")
        home = server.url("/")
    for machine in (first, second):
        assert list((machine / "spool").iterdir()) == []
        assert not (machine / "archive").exists()
    objects = {key: size for key, size in s3.objects("archive").items() if key.startswith(f"{prefix}/")}
    assert len(objects) >= 2
    for key in objects:
        data = gzip.decompress(s3.call("get_object", Bucket="archive", Key=key)["Body"].read())
        assert not any(secret.encode() in data for secret in (KEY, SECRET, s3.endpoint, prefix))
    with open_holdings(load_settings({"archive": third}, environ=os.environ)) as holdings:
        held = {key: len(list(holdings.index.versions(("default",), key))) for key in map(urlkey, urls_of(home))}
        assert min(held.values()) == 1
        assert held[urlkey(home)] == held[urlkey(f"{home}film.mp4")] == 2
    with serving(third, "--workers", "2") as (reader, _):
        page.goto(f"{reader}default/{home}")
        frame = page.main_frame
        assert frame.locator("h1").inner_text() == "Here"
        assert frame.evaluate("document.images[0].naturalWidth") == 40
        page.close()
        urls = [f"{reader}default/2id_/{home}{number}.html" for number in range(PAGES)]
        with ThreadPoolExecutor(8) as pool:
            bodies = list(pool.map(get, urls * 2))
        assert bodies == [site()[f"/{number}.html"].body for number in range(PAGES)] * 2
        film = f"{reader}default/2id_/{home}film.mp4"
        assert get(film, Range="bytes=2000000-2000099") == FILM[2_000_000:2_000_100]
        assert get(film) == FILM
        assert b'"ok"' in get(f"{reader}-/health")
    assert not (third / "archive").exists()
