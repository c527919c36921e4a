"""What BeautifulSoup finds in a page, as the judge of the scanners: on html5lib it reads pages as browsers do."""

from __future__ import annotations

import random
import warnings

from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning

from archiver.errors import InvalidURL
from archiver.extract.links import find_links
from archiver.markup.srcset import scan_refresh, scan_srcset
from archiver.urls import parse_url, resolve

URL = "http://site.example/docs/library/page.html"

#: attribute → elements on which it is an address that is loaded, or followed.
LOADED = {
    "src": ["img", "iframe", "frame", "script", "embed", "video", "audio", "source", "track"],
    "data": ["object"],
    "poster": ["video"],
    "background": ["body", "table", "td", "th"],
}
FOLLOWED = {"href": ["a", "area"], "longdesc": ["img"], "cite": ["blockquote", "q", "del", "ins"], "action": ["form"]}


def _values(soup: BeautifulSoup, table: dict[str, list[str]]) -> set[str]:
    found = set()
    for attribute, names in table.items():
        for element in soup.find_all(names, attrs={attribute: True}):
            if isinstance(element, Tag) and not (
                attribute == "action" and str(element.get("method")).strip().lower() == "post"
            ):
                found.add(str(element[attribute]))
    return found


def judged(text: str, parser: str) -> tuple[set[str], set[str], str]:
    """What BeautifulSoup finds: what is loaded, what is followed, as written, and the base."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        soup = BeautifulSoup(text, parser)
    loaded, followed = _values(soup, LOADED), _values(soup, FOLLOWED)
    for element in soup.find_all(["img", "source"], attrs={"srcset": True}):
        if isinstance(element, Tag):
            loaded.update(value for _, _, value in scan_srcset(str(element["srcset"])))
    for element in soup.find_all("link", attrs={"href": True}):
        if isinstance(element, Tag) and not {"preconnect", "dns-prefetch"} & set(str(element.get("rel")).lower().split()):
            followed.add(str(element["href"]))
    for element in soup.find_all("meta", attrs={"content": True}):
        if isinstance(element, Tag) and str(element.get("http-equiv")).lower() == "refresh":
            span = scan_refresh(str(element["content"]))
            followed.update([span[2]] if span else [])
    base = soup.find("base", href=True)
    return loaded, followed, resolve(URL, str(base["href"])) or URL if isinstance(base, Tag) else URL


def address(value: str, base: str) -> str | None:
    """The URL that a crawl fetches for a reference; None when it is none."""
    value = value.strip(" \t\n\f\r")
    if not value or value.startswith("#") or len(value) > 10_000:
        return None
    try:
        return parse_url(value, base=base)
    except InvalidURL:
        return None


def differences(text: str, parser: str = "html5lib") -> tuple[set[str], set[str]]:
    """References that the judge finds and `find_links` does not, and URLs of plain links that only `find_links` finds."""
    loaded, followed, base = judged(text, parser)
    data = text.encode("utf-8", "replace")
    pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)]
    links = find_links(pieces, url=URL, mime="text/html", http_charset="utf-8")
    found = {link.url for link in (*links.requisites, *links.links, *links.guesses)}
    missing = {value for value in followed if (url := address(value, base)) and url not in found}
    for value in loaded:  # joined with the base as far as it was known
        urls = {address(value, base), address(value, URL)}
        if None not in urls and not urls & found:
            missing.add(value)
    invented = {link.url for link in links.links if link.place == "a href"} - {address(value, base) for value in followed}
    # To browsers that run scripts, the text of a noscript element ends at its end tag, wherever that stands.
    return {value for value in missing if "noscript" not in value}, invented - {base.partition("#")[0]}


_PIECES = (
    '<a href="{}">x</a>', "<a href='{}' rel=nofollow>x</a>", "<a class=b href={}>x</a>", '<A HREF = "{}" title="a > b">x</A>',
    '<img src="{}" alt="">', "<img alt='a' src={}>", '<img srcset="{} 2x, {} 3x">', '<area shape=rect href="{}">',
    '<iframe src="{}"></iframe>', '<script src="{}"></script>', '<link rel=next href="{}">', '<form action="{}"><p>',
    '<p title="x" data-x=\'{{"a": 1}}\'>text &amp; more</p>', "<!-- <a href='{}'> -->",
    "<script>if (a < b) '<a href=\"{}\">'</script>",
    '<style>a{{b:c}}</style>', '<table background="{}"><tr><td>', '</td></tr></table>', '<ul><li><b>', '</b></li></ul>',
    '<blockquote cite="{}">', '<video poster="{}"><source src="{}"></video>', '<svg><g><a href="{}"></a></g></svg>',
    '<textarea><a href="{}"></textarea>', '<title><a href="{}"></title>', '<noscript><img src="{}"></noscript>',
    '<a href="{}?a=1&amp;b=2&copy=3">', '<a\nhref\n=\n"{}"\n>', '<br/><hr />', '<object data="{}"></object>',
    '<![CDATA[ <a href="{}"> ]]>', '<?php echo "<a href=x>" ?>', '<!doctype html>',
    '<svg><title>x</title><![CDATA[<a href="{}">]]></svg>',
    '<math><mi>x</mi></math>', '<template><img src="{}"></template>', '<p onclick="f(1)" style="a:b">',
)  # fmt: skip
_CUTS = (
    '"',
    "'",
    "<",
    ">",
    "=",
    "/",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<p",
    '""',
    "''",
    "&",
    "\0",
    " ",
    "</",
    "<a ",
    "é",
    "\t\n",
)


def broken_page(number: int) -> str:
    """A page that something went wrong with, always the same for a number."""
    rng = random.Random(number)
    pieces = rng.choices(_PIECES, k=rng.randrange(4, 30))
    count = 0
    out = []
    for piece in pieces:
        count += 2
        out.append(piece.format(f"u{count}.html", f"u{count + 1}.html"))
    text = rng.choice(("", "\n", " text ")).join(out)
    for _ in range(rng.randrange(6)):
        at = rng.randrange(len(text) + 1)
        change = rng.randrange(4)
        if change == 0:
            text = text[:at] + rng.choice(_CUTS) + text[at:]
        elif change == 1:
            text = text[:at] + text[at + rng.randrange(1, 12) :]
        elif change == 2:
            text = text[:at] + text[max(0, at - 20) :]
        elif rng.random() < 0.2:
            text = text[:at]
    return text
