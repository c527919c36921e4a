"""The public pages of organisations and collections, and search in what is said of them."""

from __future__ import annotations

import html
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from PIL import Image

from archiver.collections.access import Action
from archiver.collections.accesswords import make_rule
from archiver.collections.catalogue import Catalogue, SeedChoice
from archiver.collections.descriptions import DescriptionRegistry, Field, Statement
from archiver.collections.images import ImageRegistry
from archiver.collections.seedgroups import SeedGroups
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import SeedDraft
from archiver.fixity import Fixity
from archiver.holdings import Holdings, utc_now
from archiver.index import bounded
from archiver.index.files import Part
from archiver.model import Visibility
from archiver.search.build import read_texts
from archiver.warc.importer import import_file
from replay.app import create_reader
from replay.i18n import LANGUAGES
from tests.conftest import OpenHoldings
from tests.replay.conftest import ClosingClient
from tests.servers.postgresql import PostgreSQL
from tests.servers.warcs import response_record

ONE, TWO, THREE = "http://one.example/", "http://two.example/", "http://three.example/"
ATOM = "{http://www.w3.org/2005/Atom}"
OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"


class Portal:
    """A reader over a collection "c" of an organisation "Keepers" that is made as tests say."""

    def __init__(self, holdings: Holdings, folder: Path) -> None:
        self.holdings = holdings
        self._folder = folder
        holdings.collections.create("c", title="Rivers & lakes", organisation="Keepers", description="Water <everywhere>.")
        self.client = self.reader()
        self._records = 0

    def reader(self) -> FlaskClient:
        app = create_reader(self.holdings.settings, self.holdings)
        app.test_client_class = ClosingClient
        return app.test_client()

    def captured(self, captures: dict[str, list[int]], slug: str = "c") -> None:
        """Import captures: URL → years, each on the 5th of March."""
        records = [
            response_record(
                url, datetime(year, 3, 5, 12 + years[:place].count(year), tzinfo=UTC), b"<title>%d</title><p>stream" % year
            )
            for url, years in captures.items()
            for place, year in enumerate(years)
        ]
        self._records += 1
        path = self._folder / f"records{self._records}.warc.gz"
        path.write_bytes(b"".join(records))
        assert not import_file(path, collection=slug, store=self.holdings.store, index=self.holdings.index).bad

    def seeds(self, *drafts: SeedDraft, slug: str = "c", public: tuple[str, ...] = ()) -> None:
        report = SeedRegistry(self.holdings.engine, utc_now).add(slug, drafts)
        assert not report.refused
        groups = SeedGroups(self.holdings.engine)
        for group in groups.all(slug):
            groups.set(slug, group.name, is_public=group.name in public)

    def say(self, subject: str, *said: tuple[str, str] | tuple[str, str, bool], level: str = "seed", slug: str = "c") -> None:
        DescriptionRegistry(self.holdings.engine).replace(slug, level, subject, [Statement(*one) for one in said])

    def get(self, address: str, status: int = 200, *, language: str = "en") -> str:
        answer = self.client.get(address, headers={"Accept-Language": language})
        assert answer.status_code == status, address
        assert "Set-Cookie" not in answer.headers
        return answer.get_data(as_text=True)


@pytest.fixture
def portal(holdings_with: OpenHoldings, tmp_path: Path) -> Portal:
    return Portal(holdings_with(), tmp_path)


def titles(page: str) -> list[str]:
    """What the items of a list are called."""
    found = re.findall(r'<li[^>]*>(?:<p class="kind">[^<]*</p>|<img [^>]*>)?<h[23]>(?:<a [^>]*>)?<bdi[^>]*>(.*?)</bdi>', page)
    return [html.unescape(title) for title in found]


def links(page: str) -> dict[str, str]:
    """Text of each link, and where it leads."""
    found = re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', page, re.DOTALL)
    return {html.unescape(re.sub(r"<[^>]+>", "", text)).strip(): html.unescape(address) for address, text in reversed(found)}


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "#336699").save(made, "PNG")
    return made.getvalue()


# -- collections -----------------------------------------------------------------------------------------------------


def test_seeds_say_how_often_they_were_captured(portal: Portal) -> None:
    portal.captured({ONE: [2012, 2015, 2018], TWO: [2016]})
    portal.seeds(SeedDraft(ONE, title="The one"), SeedDraft(TWO), SeedDraft(THREE, title="Not yet"))
    page = portal.get("/c/")
    assert titles(page) == ["The one", TWO, "Not yet"]
    assert links(page)["Captured 3 times between 5 Mar 2012 and 5 Mar 2018"] == f"/c/*/{ONE}"
    assert links(page)["Captured once, on 5 Mar 2016"] == f"/c/*/{TWO}"
    assert page.count("No capture to show") == 1 and f'href="/c/{THREE}"' not in page
    portal.holdings.collections.create("day")
    portal.captured({ONE: [2016, 2016]}, "day")
    portal.seeds(SeedDraft(ONE), slug="day")
    assert links(portal.get("/day/"))["Captured 2 times on 5 Mar 2016"] == f"/day/*/{ONE}"
    assert "Water &lt;everywhere&gt;." in page
    facts = dict(re.findall(r"<dt>([^<]+)</dt><dd>(?:<a [^>]+>)?([^<]+)<", page))
    assert facts["Captures"] == "4" and facts["Sites and pages"] == "3"
    assert '<b>Archived since</b><span class="hidden">:</span> Mar 2012<' in page and facts["Last capture"] == "5 Mar 2018"
    assert portal.client.get(links(page)["The one"]).headers["Location"].startswith("/c/20180305120000/")


def test_a_collection_without_anything_says_so(portal: Portal) -> None:
    assert "There is no public content available" in portal.get("/c/")


def test_seeds_are_chosen_by_what_is_said_of_them(portal: Portal) -> None:
    in_north = [SeedDraft(ONE, title="B", group="North"), SeedDraft(TWO, title="á", group="North")]
    portal.seeds(*in_north, SeedDraft(THREE, title="C"), public=("North",))
    portal.say(ONE, ("subject", "Water: a history"), ("Colour", "blue"))
    portal.say(TWO, ("subject", "Water: a history"), ("subject", "Fish"), ("Colour", "red"), ("language", "fr"))
    page = portal.get("/c/")
    assert titles(page) == ["B", "á", "C"]
    water = portal.get(links(page)["Water: a history"])
    assert titles(water) == ["B", "á"] and "2 of 3" in water
    assert titles(portal.get(links(water)["Fish"])) == ["á"]
    assert titles(portal.get(links(page)["North"])) == ["B", "á"]
    assert titles(portal.get(links(water)["title, Z–A"])) == ["B", "á"]
    assert titles(portal.get(links(page)["title, A–Z"])) == ["á", "B", "C"]  # accents do not matter to the order
    assert titles(portal.get(links(page)["address, Z–A"])) == ["á", "C", "B"]
    assert links(water)["Water: a history ×"] == "/c/"
    assert "French" in page and "fr</a>" not in page
    assert titles(portal.get("/c/?f=subject:Nobody+said+so")) == []
    assert titles(portal.get("/c/?f=nonsense&sort=nonsense&page=nonsense&group=")) == ["B", "á", "C"]


def test_many_seeds_have_pages(portal: Portal) -> None:
    portal.seeds(*(SeedDraft(f"http://h{n:02d}.example/", title=f"Seed {n:02d}") for n in range(45)))
    first = portal.get("/c/")
    assert len(titles(first)) == 20 and "Page 1 of 3" in first
    third = portal.get(links(portal.get(links(first)["Next"]))["Next"])
    assert titles(third) == [f"Seed {n}" for n in range(40, 45)] and "Next" not in links(third)
    assert titles(portal.get("/c/?page=999")) == titles(third)


def test_what_is_private_is_nowhere(portal: Portal) -> None:
    portal.captured({ONE: [2012], TWO: [2013]})
    portal.seeds(SeedDraft(ONE, title="Shown", group="Secret group"), SeedDraft(TWO, title="Hidden", is_public=False))
    portal.say(ONE, ("subject", "Open"), ("subject", "Sealed", True), ("Shelf", "Locked"), ("title", "Closed title", True))
    portal.say(TWO, ("subject", "Concealed"))
    portal.say(TWO, ("subject", "Concealed"), level="document")
    portal.say("", ("subject", "Public subject"), ("subject", "Sealed", True), ("Shelf", "Locked"), level="collection")
    DescriptionRegistry(portal.holdings.engine).set_fields("c", [Field("Shelf", is_private=True)])
    read_texts(portal.holdings)
    private = ("Hidden", "Sealed", "Locked", "Shelf", "Concealed", "Secret group", "Closed title", "two.example")
    for address in ("/c/", "/", "/all/", "/c/?feed=atom", "/-/organisations/keepers", "/c/?sort=title", "/-/opensearch/c.xml"):
        page = portal.get(address)
        assert [word for word in private if word in page] == [], address
    for word in private[:-1]:
        for slug in ("c", "all"):
            page = portal.get(f"/{slug}/?q={word.replace(' ', '+')}&in=descriptions")
            assert "No description has" in page, word
    for choice in ("f=subject:Sealed", "f=Shelf:Locked", "group=Secret+group"):
        assert titles(portal.get(f"/c/?{choice}")) == []
        assert "no-match" not in portal.get(f"/?{choice}")
    assert "Open" in links(portal.get("/c/")) and "Public subject" in links(portal.get("/c/"))


def test_a_private_collection_has_no_page_feed_or_picture(portal: Portal) -> None:
    holdings = portal.holdings
    hidden = holdings.collections.create("p", title="P", organisation="Nobody knows", visibility=Visibility.PRIVATE)
    unlisted = holdings.collections.create("u", title="U", organisation="Nobody knows", visibility=Visibility.UNLISTED)
    pictures = ImageRegistry(holdings.engine, utc_now)
    for collection in (hidden, unlisted):
        pictures.put("collection", collection.number, picture())
    assert hidden.organisation is not None
    pictures.put("organisation", hidden.organisation.number, picture())
    portal.say("", ("subject", "Of p"), level="collection", slug="p")
    of_p = ("/p/", "/p/?feed=atom", "/p/?q=x&in=descriptions", "/-/images/collection/p", "/-/opensearch/p.xml")
    for address in (*of_p, "/-/organisations/nobody-knows", "/-/images/organisation/nobody-knows", "/-/organisations/none"):
        portal.get(address, 404)
    assert portal.client.get("/-/images/collection/u").status_code == 200  # who knows its name may see it
    assert "Nobody knows" in portal.get("/u/") and "/-/organisations/" not in portal.get("/u/")
    assert "Of p" not in portal.get("/") and "Nobody knows" not in portal.get("/")


def test_a_collection_tells_programs_what_it_is(portal: Portal) -> None:
    portal.captured({ONE: [2012, 2018]})
    portal.say("", ("subject", "Water"), ("creator", "A </script><script>alert(1)"), ("language", "en"), ("Own", "x"),
               level="collection")  # fmt: skip
    page = portal.get("/c/")
    meta = [(name, html.unescape(value)) for name, value in re.findall(r'<meta name="(DC\.[^"]*)" content="([^"]*)"', page)]
    assert ("DC.title", "Rivers & lakes") in meta and ("DC.subject", "Water") in meta
    assert [value for name, value in meta if name == "DC.creator"] == ["Keepers", "A </script><script>alert(1)"]
    assert ("DC.date", "2012-03-05/2018-03-05") in meta and ("DC.identifier", "http://localhost/c/") in meta
    assert not any("Own" in name for name, _ in meta)
    (script,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    told = json.loads(script)
    assert told["@type"] == "Collection" and told["keywords"] == ["Water"] and told["collectionSize"] == 2
    assert [one["name"] for one in told["creator"]] == ["Keepers", "A </script><script>alert(1)"]
    assert "<script>" not in page


# -- the list of collections, and organisations ----------------------------------------------------------------------


def test_collections_are_chosen_and_sorted(portal: Portal) -> None:
    make = portal.holdings.collections.create
    make("a", title="Àrles", organisation="Town")
    make("b", title="beta", organisation="Town")
    portal.say("", ("topic", "Politics"), level="collection", slug="a")
    portal.say("", ("topic", "Politics"), ("topic", "Water"), level="collection")
    portal.captured({ONE: [2012]})
    portal.captured({ONE: [2019], TWO: [2020]}, "b")
    page = portal.get("/")
    assert titles(page)[:2] == ["beta", "Rivers & lakes"]  # those with captures first
    assert titles(portal.get(links(page)["title, Z–A"])) == ["Rivers & lakes", "beta", "Àrles"]
    assert titles(portal.get(links(page)["last capture"]))[0] == "beta"
    assert titles(portal.get("/?f=topic:Politics")) == ["Rivers & lakes", "Àrles"]
    assert titles(portal.get("/?f=topic:Politics&f=topic:Water")) == ["Rivers & lakes"]
    assert titles(portal.get("/?organisation=town")) == ["beta", "Àrles"]
    assert "No collection is like that." in portal.get("/?f=topic:Nothing")
    town = portal.get("/-/organisations/town")
    assert titles(town) == ["beta", "Àrles"] and "<h1><bdi>Town</bdi></h1>" in town
    assert titles(portal.get("/-/organisations/town?f=topic:Politics")) == ["Àrles"]


def test_many_collections_have_pages(portal: Portal) -> None:
    for number in range(30):
        portal.holdings.collections.create(f"n{number:02d}", title=f"N{number:02d}")
    page = portal.get("/")
    assert len(titles(page)) == 24 and len(titles(portal.get(links(page)["Next"]))) == 7


def test_an_organisation_says_who_it_is(portal: Portal) -> None:
    portal.holdings.collections.update_organisation("keepers", address="Lake Road 1\nArles", description="We keep <water>.",
                                                    url="https://keepers.example/")  # fmt: skip
    page = portal.get(links(portal.get("/c/"))["Keepers"])
    assert "Lake Road 1\nArles" in page and "We keep &lt;water&gt;." in page
    assert links(page)["https://keepers.example/"] == "https://keepers.example/"
    assert titles(page) == ["Rivers & lakes"]


def test_pictures_are_served_as_pictures(portal: Portal) -> None:
    number = portal.holdings.collections.get("c").number
    ImageRegistry(portal.holdings.engine, utc_now).put("collection", number, picture())
    (address,) = re.findall(r'<img class="picture" src="([^"]*)"', portal.get("/c/"))
    assert address in portal.get("/")
    answer = portal.client.get(html.unescape(address))
    assert answer.mimetype == "image/png" and answer.data.startswith(b"\x89PNG")
    assert answer.headers["Content-Security-Policy"].endswith("sandbox") and "private" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert portal.client.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    portal.get("/-/images/collection/none", 404)
    portal.get("/-/images/organisation/keepers", 404)
    portal.get("/-/images/files/c", 404)


def test_a_collection_that_rules_hide_is_not_listed(portal: Portal) -> None:
    rules = portal.holdings.access.add([make_rule(Action.EXCLUDE, is_everything=True, collection="c")])
    portal.holdings.access.add([make_rule(Action.EXCLUDE, url=ONE)])
    portal.seeds(SeedDraft(TWO, title="Unseen"))
    for address in ("/", "/all/", "/all/?q=unseen&in=descriptions", "/all/?q=rivers&in=descriptions"):
        assert "Rivers" not in portal.get(address) and "Unseen" not in portal.get(address)
    portal.get("/-/organisations/keepers", 404)
    portal.holdings.access.remove(rules[0].number)
    assert "Rivers" in portal.get("/")


def test_seeds_whose_captures_are_hidden_are_not_listed(portal: Portal) -> None:
    portal.captured({ONE: [2012, 2016], TWO: [2013]})
    portal.seeds(SeedDraft(ONE, title="First"), SeedDraft(TWO, title="Second"), SeedDraft(THREE, title="Third"))
    portal.say(TWO, ("subject", "Second subject"))
    portal.holdings.access.add([
        make_rule(Action.EXCLUDE, url=TWO, collection="c"),
        make_rule(Action.EXCLUDE, url=ONE, until="2013", collection="c"),
        make_rule(Action.BLOCK, url=THREE, collection="c"),
    ])  # fmt: skip
    page = portal.get("/c/")
    assert titles(page) == ["First", "Third"]
    assert "Captured once, on 5 Mar 2016" in page and "2012" not in page
    assert "Second" not in page and "Second" not in portal.get("/c/?q=second&in=descriptions").replace("“second”", "")
    assert dict(re.findall(r"<dt>([^<]+)</dt><dd>(?:<a [^>]+>)?([^<]+)<", page))["Sites and pages"] == "2"


# -- numbers of what is large ----------------------------------------------------------------------------------------


def test_large_collections_are_known_by_their_files(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (bounded, __import__("replay.portal.numbers", fromlist=["x"])):
        monkeypatch.setattr(module, "MOST_COUNTED", 3)
    portal.client = portal.reader()
    portal.captured({f"http://h{n}.example/": [2012, 2014] for n in range(4)})

    def told(key: str) -> str | None:
        return dict(re.findall(r"<dt>([^<]+)</dt><dd>(?:<a [^>]+>)?([^<]+)<", portal.get("/c/"))).get(key)

    (name,) = {row.file for row in portal.holdings.index.versions(("c",), "example,h0)/")}
    portal.holdings.files.note(name, Fixity(1, "", "", "x"), [Part("c")])
    assert told("Captures") is None  # nobody counted its files: no number is better than a wrong one
    part = Part("c", 8, "20120305120000", "20140305120000")
    portal.holdings.files.note(name, Fixity(1, "", "", "x"), [part])
    assert (told("Captures"), told("Addresses"), told("Last capture")) == ("8", None, "5 Mar 2014")
    rules = portal.holdings.access.add([make_rule(Action.EXCLUDE, url="http://h1.example/", since="2014", collection="c")])
    assert told("Captures") == "7" and told("Last capture") is None  # whether another is the last would take long to say
    portal.holdings.access.remove(rules[0].number)
    rules = portal.holdings.access.add([make_rule(Action.EXCLUDE, host="h1.example", collection="c"),
                                        make_rule(Action.EXCLUDE, host="h2.example", collection="c")])  # fmt: skip
    assert told("Captures") is None
    for rule in rules:
        portal.holdings.access.remove(rule.number)
    portal.holdings.access.add([make_rule(Action.EXCLUDE, is_everything=True, collection="c")])
    assert told("Captures") is None and told("Last capture") is None


# -- search ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def described(portal: Portal) -> Portal:
    portal.captured({ONE: [2012], TWO: [2013], f"{TWO}letter": [2014]})
    portal.seeds(SeedDraft(ONE, title="Éducation pour tous"), SeedDraft(TWO, title="世界遗产中心"))
    portal.say(ONE, ("description", "About schools and teachers."), ("subject", "Youth"))
    portal.say(TWO, ("description", "Sites of the world, and schools."))
    portal.say(f"{TWO}letter", ("title", "A letter"), ("description", "To the teachers."), level="document")
    portal.say("", ("subject", "Hydrology"), level="collection")
    return portal


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("education", ["Éducation pour tous"]),
        ("schools", ["Éducation pour tous", "世界遗产中心"]),
        ("teachers", ["Éducation pour tous", "A letter"]),
        ("teachers -letter", ["Éducation pour tous"]),
        ('"about schools"', ["Éducation pour tous"]),
        ('"teachers youth"', []),  # what is said apart is no phrase
        ("hydro*", []),  # the collection itself, within itself
        ("school", []),
        ("遗产", ["世界遗产中心"]),
        ("schools site:two.example", ["世界遗产中心"]),
        ("title:letter OR youth", ["Éducation pour tous", "A letter"]),
        ("url:two", ["世界遗产中心", "A letter"]),
        ("schools year:2012", ["Éducation pour tous", "世界遗产中心"]),  # descriptions have no year: that is not asked
    ],
)
def test_descriptions_are_found(described: Portal, question: str, found: list[str]) -> None:
    answer = described.client.get("/c/", query_string={"q": question, "in": "descriptions"})
    assert titles(answer.get_data(as_text=True)) == found


def test_search_of_everything_finds_collections(described: Portal) -> None:
    page = described.get("/all/?q=hydrology&in=descriptions")
    assert titles(page) == ["Rivers & lakes"] and "<mark>Hydrology</mark>" in page
    assert titles(described.get("/all/?q=keepers&in=descriptions")) == ["Rivers & lakes"]
    assert titles(described.get("/all/?q=water+everywhere&in=descriptions")) == ["Rivers & lakes"]
    assert links(described.get("/all/?q=letter&in=descriptions"))["Rivers & lakes"] == "/c/"


def test_descriptions_found_say_when_they_were_captured(described: Portal) -> None:
    page = described.get("/c/?q=letter&in=descriptions")
    assert links(page)["A letter"] == f"/c/{TWO}letter" and "Captured once, on 5 Mar 2014" in page
    described.holdings.access.add([make_rule(Action.EXCLUDE, prefix=f"{TWO}letter", collection="c")])
    assert "No description has “letter”" in described.get("/c/?q=letter&in=descriptions")


def test_places_to_search_are_tabs_that_keep_the_question(described: Portal) -> None:
    page = described.get("/c/?q=schools+year:2012")
    assert links(page)["Descriptions"] == "/c/?q=schools&in=descriptions"
    assert links(page)["Addresses"] == "/c/?q=schools+year%3A2012&in=addresses"
    assert re.search(r'aria-current="page">Text of pages<', page)
    assert links(page)["Descriptions: 2"] == "/c/?q=schools&in=descriptions"  # texts have nothing: it is said what has
    here = described.get("/c/?q=schools&in=descriptions")
    assert '<input type="hidden" name="in" value="descriptions">' in here and 'value="schools"' in here
    assert titles(described.get("/c/?q=schools&in=elsewhere")) == []


def test_many_descriptions_have_pages(portal: Portal) -> None:
    portal.seeds(*(SeedDraft(f"http://h{n:02d}.example/", title=f"Seed {n:02d}") for n in range(25)))
    first = portal.get("/c/?q=seed&in=descriptions")
    assert len(titles(first)) == 10
    assert titles(portal.get(links(portal.get(links(first)["Next"]))["Next"])) == [f"Seed {n}" for n in range(20, 25)]


def test_addresses_are_found_by_beginning_and_by_word(described: Portal) -> None:
    assert links(described.get("/c/?q=two.example/"))["Addresses: 2"] == "/c/?q=two.example%2F&in=addresses"
    read_texts(described.holdings)
    page = described.get("/c/?q=two.example&in=addresses")
    assert links(page)[f"{TWO}letter"] == f"/c/20140305120000/{TWO}letter" and TWO in links(page) and ONE not in links(page)
    assert links(page)["All addresses under two.example"] == "/c/*/two.example*"
    assert f"{TWO}letter" in links(described.get("/c/?q=letter&in=addresses"))
    assert "No archived address is like “nowhere.example”" in described.get("/c/?q=nowhere.example&in=addresses")
    assert titles(described.get("/c/?q=stream&in=addresses")) == []  # a word of the text


# -- for programs ----------------------------------------------------------------------------------------------------


def test_the_feed_has_the_newest_captures(portal: Portal) -> None:
    portal.captured({ONE: [2012, 2018], TWO: [2016], f"{TWO}a?b=1&c=<": [2017]})
    portal.seeds(SeedDraft(ONE, title="One & only"), SeedDraft(TWO), SeedDraft(THREE))
    answer = portal.client.get("/c/?feed=atom")
    assert answer.content_type.startswith("application/atom+xml")
    feed = ElementTree.fromstring(answer.data)
    assert feed.findtext(f"{ATOM}title") == "Rivers & lakes · Muniment"
    entries = feed.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == ["One & only", TWO]
    assert entries[0].findtext(f"{ATOM}id") == f"http://localhost/c/20180305120000/{ONE}"
    assert entries[0].findtext(f"{ATOM}updated") == "2018-03-05T12:00:00Z"
    assert 'type="application/atom+xml"' in portal.get("/c/")
    everything = ElementTree.fromstring(portal.client.get("/all/?feed=atom").data)
    assert len(everything.findall(f"{ATOM}entry")) == 2


def test_browsers_are_told_how_to_search(portal: Portal) -> None:
    for slug in ("c", "all"):
        assert f'href="/-/opensearch/{slug}.xml"' in portal.get(f"/{slug}/")
        told = ElementTree.fromstring(portal.client.get(f"/-/opensearch/{slug}.xml").data)
        url = told.find(f"{OPENSEARCH}Url")
        assert url is not None
        asked = url.attrib["template"].replace("{searchTerms}", "x").replace("{startPage?}", "1")
        assert portal.client.get(asked).status_code == 200
    portal.get("/-/opensearch/none.xml", 404)


# -- everywhere ------------------------------------------------------------------------------------------------------

PAGES = (
    "/", "/all/", "/c/", "/-/organisations/keepers", "/c/?q=schools", "/all/?q=schools&in=descriptions", "/c/?q=nothing",
    "/c/?q=two.example&in=addresses", "/c/?q=nothing&in=descriptions", "/c/?q=nothing&in=addresses",
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_speak_the_language_of_the_reader(described: Portal, language: str) -> None:
    english = {address: described.get(address) for address in PAGES}
    for address in PAGES:
        page = described.get(address, language=language)
        assert f'<html lang="{language}"' in page
        assert language == "en" or page != english[address]
        for text in ("Narrow down", "Sort by", "Captured once", "Text of pages", "Descriptions found", "Sites and pages"):
            assert language == "en" or text not in page, (address, text)


def test_days_are_written_as_the_language_writes_them(described: Portal) -> None:
    assert "采集一次，2014年3月5日" in described.get("/c/?q=letter&in=descriptions", language="zh")
    assert "5 марта 2014" in described.get("/c/?q=letter&in=descriptions", language="ru").replace("мар.", "марта")


def test_pages_are_for_looking_only(described: Portal) -> None:
    for address in PAGES:
        assert described.client.post(address.partition("?")[0]).status_code in (404, 405)


def test_what_pages_bring_along_is_small(described: Portal) -> None:
    for address in PAGES:
        page = described.get(address)
        assets = set(re.findall(r'(?:href|src)="(/-/static/[^"]*)"', page))
        assert any(asset.endswith("portal.css") for asset in assets)
        assert sum(len(described.client.get(asset).data) for asset in assets) < 40_000
        assert "<script>" not in page and "<style" not in page and "onclick" not in page


def test_postgresql_knows_the_same(tmp_path: Path, holdings_with: OpenHoldings, postgresql: PostgreSQL) -> None:
    portal = Portal(holdings_with(database=postgresql.new_archive()), tmp_path)
    portal.captured({ONE: [2012, 2014]})
    portal.seeds(SeedDraft(ONE, title="One", group="G"), SeedDraft(TWO, title="Two"), public=("G",))
    portal.say(ONE, ("subject", "Water"), ("subject", "Sealed", True), ("description", "Fish."))
    page = portal.get("/c/?f=subject:Water&sort=title")
    assert titles(page) == ["One"] and "Captured 2 times" in page and "Sealed" not in page
    assert titles(portal.get("/all/?q=fish&in=descriptions")) == ["One"]
    assert titles(portal.get("/c/?sort=-title")) == ["Two", "One"]
    catalogue = Catalogue(portal.holdings.engine)
    assert [seed.title for seed in catalogue.seeds("c", SeedChoice(without={1}), offset=0, limit=5)] == ["Two"]
    assert "Rivers" in portal.get("/")


def test_choices_of_thousands_of_hidden_seeds_can_be_asked(portal: Portal) -> None:
    """More than a statement can have parameters."""
    portal.seeds(SeedDraft(ONE), SeedDraft(TWO))
    choice = SeedChoice(without=range(2, 40_000))
    assert Catalogue(portal.holdings.engine).seed_count("c", choice) == 1
