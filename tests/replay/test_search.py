"""The search page as a reader meets it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from archiver.collections.access import Action, Matching, Rule
from archiver.holdings import Holdings
from archiver.model import Visibility
from archiver.search.build import read_texts
from archiver.warc.importer import import_file
from replay.app import create_reader
from tests.conftest import OpenHoldings
from tests.servers.warcs import response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
OpenReader = Callable[..., tuple[FlaskClient, Holdings]]


@pytest.fixture
def searched(holdings_with: OpenHoldings, tmp_path: Path) -> OpenReader:
    """Opens a reader whose collection "c" holds pages: URL → document, or documents of one day after the other."""

    def make(pages: dict[str, str | list[str]], visibility: Visibility = Visibility.PUBLIC) -> tuple[FlaskClient, Holdings]:
        holdings = holdings_with()
        holdings.collections.create("c", title="Collected & kept", visibility=visibility)
        records = [
            response_record(url, MOMENT + timedelta(days=day), page.encode())
            for url, versions in pages.items()
            for day, page in enumerate([versions] if isinstance(versions, str) else versions)
        ]
        path = tmp_path / "records.warc.gz"
        path.write_bytes(b"".join(records))
        import_file(path, collection="c", store=holdings.store, index=holdings.index)
        read_texts(holdings)
        return create_reader(holdings.settings, holdings).test_client(), holdings

    return make


def results(page: str) -> list[str]:
    return [html.unescape(address) for address in re.findall(r'<li><h2><a href="([^"]+)"', page)]


def ask(client: FlaskClient, question: str, slug: str = "c", **more: str) -> str:
    answer = client.get(f"/{slug}/", query_string={"q": question, **more})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_a_reader_finds_a_page_and_its_versions(searched: OpenReader) -> None:
    client, _ = searched({"http://a.example/": ["<title>One</title><p>penguin old", "<title>Two</title><p>penguin new"]})
    page = ask(client, "penguin")
    assert results(page) == ["/c/20160811204623/http://a.example/"]
    assert "<mark>penguin</mark> new" in page
    assert 'href="/c/20160810204623/http://a.example/"' in page  # the other version with this word
    assert 'value="penguin"' in page
    assert results(ask(client, "old")) == ["/c/20160810204623/http://a.example/"]
    assert results(ask(client, "penguin", "all")) == ["/c/20160811204623/http://a.example/"]


def test_what_is_not_found_is_said(searched: OpenReader) -> None:
    client, _ = searched({"http://a.example/": "<p>x"})
    page = ask(client, "walrus <b>")
    assert results(page) == [] and "walrus &lt;b&gt;" in page


def test_an_address_in_the_field_leads_to_its_versions(searched: OpenReader) -> None:
    client, _ = searched({"http://a.example/": "<p>x"})
    assert 'href="/c/*/a.example/"' in ask(client, "a.example/")


def test_results_are_paged_and_narrowed_down(searched: OpenReader) -> None:
    pages: dict[str, str | list[str]] = {
        f"http://h{number % 3}.example/{number}": f"<p>penguin {number}" for number in range(25)
    }
    client, _ = searched(pages)
    first, last = ask(client, "penguin"), ask(client, "penguin", page="3")
    assert len(results(first)) == 10 and len(results(last)) == 5 and not set(results(first)) & set(results(last))
    assert 'href="/c/?q=penguin&amp;page=2"' in first and 'rel="prev"' not in first and 'rel="next"' not in last
    assert results(ask(client, "penguin", page="99999")) == results(last)
    assert results(ask(client, "penguin", page="x")) == results(first)
    assert 'href="/c/?q=penguin+site%3Ah1.example"' in first
    narrowed = ask(client, "penguin site:h1.example")
    assert len(results(narrowed)) == 8 and 'href="/c/?q=penguin"' in narrowed


def test_what_pages_say_of_themselves_stays_text(searched: OpenReader) -> None:
    page = "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title><p>penguin &lt;img src=x onerror=alert(1)&gt; {{7*7}}"
    client, _ = searched({"http://a.example/": page})
    shown = ask(client, "penguin")
    assert "<script>alert" not in shown and "<img src=x" not in shown and "{{7*7}}" in shown


def test_private_collections_are_searched_by_nobody(searched: OpenReader) -> None:
    client, _ = searched({"http://a.example/": "<p>penguin"}, Visibility.PRIVATE)
    assert client.get("/c/?q=penguin").status_code == 404
    assert results(ask(client, "penguin", "all")) == []


@pytest.mark.parametrize("action", [Action.BLOCK, Action.EXCLUDE])
def test_what_may_not_be_seen_is_not_found(searched: OpenReader, action: Action) -> None:
    client, holdings = searched({"http://a.example/x": "<p>penguin secret", "http://b.example/": "<p>penguin"})
    holdings.access.add([Rule(action, Matching.PREFIX, "example,a)/")])
    page = ask(client, "penguin")
    assert results(page) == ["/c/20160810204623/http://b.example/"]
    assert "secret" not in page and "a.example" not in page


def test_of_a_page_only_what_may_be_seen_is_found(searched: OpenReader) -> None:
    client, holdings = searched({"http://a.example/": ["<p>penguin one", "<p>penguin two", "<p>penguin one"]})
    holdings.access.add([Rule(Action.BLOCK, Matching.PREFIX, "example,a)/", since=20160811000000)])
    assert results(ask(client, "one")) == ["/c/20160810204623/http://a.example/"]
    page = ask(client, "penguin")
    assert "two" not in page and results(ask(client, "two")) == []
