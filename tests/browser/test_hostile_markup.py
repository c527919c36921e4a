"""Whatever a page writes, the work of the runtime grows as it does, not as its square: in real Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.archive import SITE, STAMP

#: What a page does with a text. What the browser itself makes of it is cheap.
WORK = {
    "markup": "document.createElement('textarea').innerHTML = text",
    "after a tag": "document.createElement('textarea').innerHTML = `<textarea ${text}`",
    "styles": "document.createElement('textarea').innerHTML = `<style>${text}</style>`",
    "an attribute": "document.createElement('textarea').innerHTML = `<p style='${text}'>`",
    "srcset": "document.createElement('textarea').innerHTML = `<img srcset='${text}'>`",
    "refresh": "document.createElement('textarea').innerHTML = `<meta http-equiv=refresh content='${text}'>`",
    "a document": "URL.createObjectURL(new Blob([`${text}<script>`], {type: 'text/html'}))",
    "a document of XML": "URL.createObjectURL(new Blob([`<!${text}<script/>`], {type: 'image/svg+xml'}))",
    "written": "box.open(); box.write(`<plaintext>${text}`)",
    "a cookie": "document.cookie = `a=b;${text}`",
}
BOMBS = [
    "<", "a", ">", " ", "\n", "=", '"', "\\", "/", "-", ",", "(", "1", ".", "<a ", "<a '", '<a "', "a=", "a= ", 'a="',
    "<a ='\"", "url(", 'url("', "url( ", "@import ", "image-set(", "image-set( ", "<!--", "<!-- -", "<!-- -->", "--", "<!-->",
    "<?a?>", "<textarea", "<textarea ", "<textarea\n", "<textarea>", "<script>", "</script>", "<script></script>", "<style ",
    "  =", " ,", ", ", "a,", "1 ;", "'", "' ", "url =", "\\\"",
]  # fmt: skip

#: Names the texts for which eight times as much takes more than forty times as long, however often it is tried.
MEASURE = """([source, bombs]) => {
  const box = document.body.appendChild(document.createElement("iframe")).contentDocument;
  const work = new Function("text", "box", source);
  const spent = (text) => { const start = performance.now(); work(text, box); return performance.now() - start };
  const grows = (bomb) => {
    const [once, often] = [3000, 24000].map((size) => bomb.repeat(size).slice(0, size) + "x\\ny");
    for (let tries = 0; tries < 6; tries++) if (spent(often) < 40 * Math.max(spent(once), 2)) return false;
    return true;
  };
  setTimeout(() => { window.grown = bombs.filter(grows) });
}"""


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """One for all: a browser takes longer to open one than to do what is tested."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def page(tab: Page, reader: str) -> Page:
    tab.goto(f"{reader}/unesco/{STAMP}/{SITE}/plain")
    return tab


@pytest.mark.parametrize("name", WORK)
def test_work_grows_as_what_is_written(page: Page, name: str) -> None:
    page.evaluate(MEASURE, [WORK[name], BOMBS])
    page.wait_for_function("() => window.grown", timeout=60_000)
    assert page.evaluate("() => window.grown") == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("<a id=a title=it's href=/x>", "/x"),
        ("<p title=it's></p><a id=a href='/x'>it's</a>", "/x"),
        ("<a title='>' id=a href=/it's>", "/it's"),
        ("<textarea title=it's></textarea><a id=a href=/x>", "/x"),
        ("<svg><style/><a id=a href=/x /></svg>", "/x"),
        ("<textarea title='>'><a href=/y></textarea><a id=a href=/x>", "/x"),
    ],
)
def test_quotes_count_where_browsers_count_them(page: Page, written: str, shown: str) -> None:
    found = page.evaluate(
        "(text) => { document.body.innerHTML = text; "
        "return new XMLSerializer().serializeToString(document.getElementById('a')) }",
        written,
    )
    assert f"/unesco/{STAMP}/{SITE}" in found and f'{shown}"' in found


WRITTEN = """(pieces) => {
  const box = document.body.appendChild(document.createElement("iframe")).contentDocument;
  box.open();
  for (const piece of pieces) box.write(piece);
  box.close();
  const shown = [...box.images].map((image) => new XMLSerializer().serializeToString(image));
  return [shown.length, ...shown, box.querySelector("style")?.textContent];
}"""


@pytest.mark.parametrize(
    "pieces",
    [
        ["<im", "g src=/x", ".png>"],
        ["<p title=it's>", "<img src=/x.png>"],
        ["<!-- it's <script> -->", "<img src=/x.png>"],
        ["<script>1", "<", "/script", "><img src='/x.png'>"],
        ["<img src=/x.png><style>p { color: red }"],
    ],
)
def test_what_is_written_in_pieces_is_put_together(page: Page, pieces: list[str]) -> None:
    count, *images, _ = page.evaluate(WRITTEN, pieces)
    assert count == 1 and f"/unesco/{STAMP}im_/{SITE}/" in images[0] and "x.png" in images[0]


def test_code_without_an_end_is_written_at_the_end(page: Page) -> None:
    *_, style = page.evaluate(WRITTEN, ["<p>x</p><style>p { color: red }"])
    assert style == "p { color: red }"
