"""Documents with a script: searches, slides, pages of a book."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.applications.actions import click, fill, press, shows, write
from tests.applications.model import Application
from tests.applications.packages import Package, tool


def _mkdocs(target: Path, _: Path) -> None:
    """The handbook, by the tool itself."""
    programs = tool("mkdocs==1.6.1", "mkdocs-material==9.6.23")
    source = Path(__file__).parent / "pages" / "mkdocs" / "mkdocs.yml"
    subprocess.run([programs / "mkdocs", "build", "--quiet", "--config-file", source, "--site-dir", target], check=True)


_SPHINX = ("python-flask-doc", "libjs-sphinxdoc", "libjs-jquery", "libjs-underscore")
_HANDBOOK = "The house"

DOCUMENTS = (
    Application(
        "sphinx",
        "Flask's documentation (Sphinx)",
        tuple(Package("debian", name) for name in _SPHINX),
        "a search in an index that is a script; results and excerpts written by scripts; highlighting by the query",
        "usr/share/doc/python-flask-doc/html/index.html",
        (
            fill("searched for “cookie”", "input[name=q]", "cookie", shows("#search-results", "Search finished"), enter=True),
            click("opened a result", "#search-results li a", shows(".highlighted", "ookie")),
            click("went to the contents", ".sphinxsidebar a[href*='index.html']", shows("h1", "Welcome to Flask")),
        ),
        ready=shows("h1", "Welcome to Flask"),
    ),
    Application(
        "javadoc",
        "jsoup's documentation (javadoc)",
        (Package("debian", "libjsoup-java-doc"),),
        "search as one types, its index loaded by scripts; jQuery UI; errors that are part of the page",
        "usr/share/doc/libjsoup-java/api/index.html",
        (
            write("searched for “select”", "#search", "select", shows(".ui-autocomplete", "Selector")),
            press("left the search", "Escape"),
            click("opened a package", "main a >> text='org.jsoup.select'", shows("h1", "org.jsoup.select")),
            click("opened a class", "main a >> text='Collector'", shows("h2", "Collector")),
            click("showed the tree", "a[href$='package-tree.html']", shows("h1", "Hierarchy")),
        ),
        ready=shows("h1", "jsoup"),
    ),
    Application(
        "rustdoc",
        "Documentation of Rust's syn (rustdoc)",
        (Package("debian", "cargo-doc"),),
        "a search whose index is loaded when it is used; results kept in the history; themes kept in localStorage",
        "usr/share/doc/cargo/doc/syn/index.html",
        (
            click("went to the search", ".search-input", "document.querySelector('.search-input').oninput"),
            write("searched for “lifetime”", ".search-input", "lifetime", "document.querySelector('#search .result-struct')"),
            click("opened a result", "#search .result-struct .result-name", shows("h1", "ifetime")),
            click("opened the source", "a.srclink", shows("pre.rust", "Lifetime")),
        ),
        ready=shows("h1", "syn"),
    ),
    Application(
        "reveal",
        "reveal.js",
        (Package("npm", "reveal.js", "5.2.1"),),
        "its own demonstration: slides with plugins, Markdown, syntax colours, frames; places in the history",
        "demo.html",
        (
            press("turned two slides", "ArrowRight ArrowRight", "location.hash === '#/2'"),
            press("went down", "ArrowRight ArrowDown", "location.hash === '#/3/1'"),
            press("saw all of them", "Escape", "Reveal.isOverview()"),
            press("came back", "Escape", "!Reveal.isOverview()"),
        ),
        ready="window.Reveal?.isReady()",
    ),
    Application(
        "docsify",
        "docsify",
        (Package("npm", "docsify", "4.13.1"),),
        "a single page that fetches Markdown, with routes in the fragment and a search kept in localStorage",
        "",
        (
            click("opened a page", ".sidebar-nav a[href*='lamp']", shows("h1", "The lamp")),
            fill("searched for “shutters”", ".search input", "shutters", shows(".search .matching-post", "Storms")),
            click("opened the result", ".search .matching-post a", shows("h1", "Storms")),
        ),
        ready=shows("h1", _HANDBOOK),
        folder="lib",
        is_whole=False,
    ),
    Application(
        "pdfjs",
        "PDF.js viewer",
        (Package("debian", "libjs-pdf"), Package("debian", "pdf.js-common")),
        "a worker that fetches and reads a file; canvas; text over pictures",
        "usr/share/javascript/pdf/web/viewer.html?file=/letter.pdf",
        (
            press("opened the search", "Control+f", shows("#findbar")),
            fill("searched for “storm”", "#findInput", "storm", shows("#findResultsCount", "1"), enter=True),
            click("opened the sidebar", "#sidebarToggle", shows("#thumbnailView")),
            click("turned the page back", "#previous", "document.querySelector('#pageNumber').value === '1'"),
        ),
        ready=shows(".textLayer", "keeper"),
    ),
    Application(
        "mkdocs",
        "MkDocs Material",
        (Package("pypi", "mkdocs-material", "9.6.23"),),
        "a site whose pages are fetched and put in place; search in a worker; the palette kept in localStorage",
        "index.html",
        (
            click("opened a page", ".md-tabs__link >> nth=1", shows("h1", "The lamp")),
            click("opened the search", ".md-search__input", shows(".md-search-result__meta", "Type to start")),
            write("searched for “shutters”", ".md-search__input", "shutters", shows(".md-search-result__item", "Storms")),
            click("opened the result", ".md-search-result__link", shows("h1", "Storms")),
            click("made it dark", "label[title=Dark]", "document.body.dataset.mdColorScheme === 'slate'"),
        ),
        ready=shows("h1", _HANDBOOK),
        build=_mkdocs,
    ),
)
