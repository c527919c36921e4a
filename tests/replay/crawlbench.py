"""A workbench whose crawls run in threads of the test's process, and a small site to crawl."""

from __future__ import annotations

import csv
import io
from threading import Thread

from flask import Flask
from flask.testing import FlaskClient

from archiver.crawl.control import CrawlControl
from archiver.crawl.supervise import run
from archiver.holdings import Holdings, utc_now
from replay.workbench.app import create_workbench
from tests.archiver.crawling import page, plan, text
from tests.servers.routes import Route
from tests.workbench import HOME, QUICK, form_token, logged_in

ORIGIN = {"Origin": HOME}


class Bench:
    """The workbench of an archive, with crawls in threads of this process."""

    def __init__(self, holdings: Holdings) -> None:
        self.holdings = holdings
        self.app: Flask = create_workbench(holdings.settings, holdings, hasher=QUICK)
        self.app.extensions["muniment.launch"] = self._launch
        self.client = logged_in(self.app, holdings)
        self.threads: list[Thread] = []

    def _launch(self, crawl: int, workers: int) -> None:
        thread = Thread(target=run, args=(self.holdings, crawl), kwargs={"software": "muniment/test"}, daemon=True)
        self.threads.append(thread)
        thread.start()

    def wait(self) -> None:
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()

    def get(self, path: str, status: int = 200, client: FlaskClient | None = None) -> str:
        answer = (client or self.client).get(path, base_url=HOME)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_data(as_text=True)

    def post(self, path: str, status: int = 303, client: FlaskClient | None = None, **form: object) -> str:
        """Where it leads to; the page when it leads nowhere."""
        by = client or self.client
        data = {"csrf_token": form_token(by), **form}
        answer = by.post(path, data=data, base_url=HOME, headers=ORIGIN)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.headers["Location"] if status == 303 else answer.get_data(as_text=True)

    def rows(self, path: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.get(path))))

    def actions(self) -> list[tuple[str, str, str]]:
        return [(entry.action, entry.subject, entry.actor) for entry in self.holdings.audit.entries()]

    def crawled(self, *seeds: str, **values: object) -> int:
        """The number of a crawl that has run to its end."""
        number = CrawlControl(self.holdings.engine, utc_now).create("default", plan(*seeds, **values))
        run(self.holdings, number, software="muniment/test")
        return number


def site(**more: Route) -> dict[str, Route]:
    """A small site with something of every kind."""
    return {
        "/": page("/a.html", "/b.html", "/gone.html", "/no/x.html", "http://elsewhere.localhost:9/", embeds=["/i.png"]),
        "/a.html": page("/c.html", title="A"),
        "/b.html": page("/a.html", title="B"),
        "/c.html": page(title="C"),
        "/i.png": text(b"\x89PNG" + bytes(500), "image/png"),
        "/robots.txt": text("User-agent: *\nDisallow: /no/\n"),
        **more,
    }
