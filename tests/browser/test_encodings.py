"""Pages that name no encoding, in a browser: their text and the banner's are both what they should be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from tests.browser.conftest import serving
from tests.replay.test_charsets import NAMES, UNDECLARED, page
from tests.servers.warcs import response_record

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("encodings")
    with open_holdings(load_settings({"archive": folder / "warcs"}, environ={})) as holdings:
        holdings.collections.create("c", title="Collection é 日")
        plain = {"headers": "Content-Type: text/html\r\n"}
        path = folder / "records.warc.gz"
        pages = [(f"http://e.org/{label}", page(text).encode(codec)) for codec, text, label in UNDECLARED]
        records = [response_record(url, MOMENT, body, **plain) for url, body in pages]
        path.write_bytes(b"".join(records))
        import_file(path, collection="c", store=holdings.store, index=holdings.index)
    with serving(folder / "warcs") as (reader, _):
        yield reader


@pytest.mark.parametrize(("codec", "text", "label"), UNDECLARED, ids=NAMES)
def test_both_texts_are_right(browser: Browser, site: str, codec: str, text: str, label: str) -> None:
    context = browser.new_context(locale="fr")
    try:
        shown = context.new_page()
        shown.goto(f"{site}c/20160810204623/http://e.org/{label}")
        assert shown.evaluate("document.characterSet").lower() == label
        assert shown.evaluate("document.querySelector('p[title]').title") == text
        assert shown.evaluate("a") == text
        sentence = shown.evaluate("document.querySelector('muniment-banner').shadowRoot.querySelector('dialog p').textContent")
        assert "10 août 2016" in sentence and "Collection é 日" in sentence
    finally:
        context.close()
