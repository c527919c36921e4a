"""Collections in the workbench: made, described, filled with seeds, by forms and by lists, and what is refused is said."""

from __future__ import annotations

import html
import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from archiver.accounts import Role
from archiver.collections.descriptions import DescriptionRegistry, Statement
from archiver.collections.images import ImageRegistry
from archiver.collections.options import options_from_json
from archiver.collections.seeds import SeedFilter, SeedRegistry
from archiver.collections.seedvalues import SeedDraft
from archiver.collections.spreadsheets import SheetKind, read_table, write_table
from archiver.crawl.plan import ScopeKind
from archiver.holdings import Holdings
from archiver.index.database import writing
from archiver.model import Capture
from archiver.urls import urlkey
from replay.workbench.app import create_workbench
from tests.apichecks import ApiClient
from tests.archiver.crawlrows import CrawlRows, plan_for
from tests.conftest import OpenHoldings
from tests.workbench import HOME, PORT, QUICK, form_token, logged_in

A, B = "https://a.example/", "https://b.example/"


@pytest.fixture
def holdings(holdings_with: OpenHoldings) -> Holdings:
    return holdings_with(workbench_port=PORT)


@pytest.fixture
def app(holdings: Holdings) -> Flask:
    return create_workbench(holdings.settings, holdings, hasher=QUICK)


@pytest.fixture
def seeds(holdings: Holdings) -> SeedRegistry:
    return SeedRegistry(holdings.engine, holdings.collections.now)


class Desk:
    """Somebody at the workbench."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self._token = form_token(client)

    def see(self, path: str, status: int = 200) -> str:
        answer = self._client.get(path, base_url=HOME)
        assert answer.status_code == status, path
        return html.unescape(answer.get_data(as_text=True))

    def send(self, path: str, status: int = 303, **form: Any) -> TestResponse:
        data = {"csrf_token": self._token, **form}
        answer = self._client.post(path, data=data, base_url=HOME, headers={"Origin": HOME})
        assert answer.status_code == status, answer.get_data(as_text=True)
        answer.request.environ["wsgi.input"].close()  # a file, where much is sent
        return answer

    def fetch(self, path: str) -> TestResponse:
        return self._client.get(path, base_url=HOME)


@pytest.fixture
def desk(app: Flask, holdings: Holdings) -> Desk:
    return Desk(logged_in(app, holdings, Role.ARCHIVIST))


def picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (30, 20), (1, 2, 3)).save(written, "PNG")
    return written.getvalue()


NEW = {
    "title": "Ministries & Co", "visibility": "private", "scope": "host", "robots": "obey", "sitemaps": "1", "is_active": "1",
    "organisation": "UNESCO", "organisation_url": "unesco.org", "topics": "Law\n Art ", "budget": "2.5",
    "limit_documents": "500", "limit_seconds": "1.5", "limit_bytes": "10", "description": "مجموعة",
}  # fmt: skip


def test_a_collection_is_made_and_changed(desk: Desk, holdings: Holdings) -> None:
    made = desk.send("/new-collection", **NEW, image=(io.BytesIO(picture()), "x.png"))
    assert made.headers["Location"] == "/collections/ministries-co"
    item = holdings.collections.get("ministries-co")
    plan = options_from_json(item.options)
    assert (item.visibility.value, item.budget_bytes, plan.scope) == ("private", 2_500_000_000, ScopeKind.HOST)
    assert (plan.limits.documents, plan.limits.seconds, plan.limits.bytes) == (500, 5400, 10_000_000)
    page = desk.see("/collections/ministries-co")
    assert "Ministries & Co" in page and "UNESCO" in page and "2.5 GB" in page and "/collections/ministries-co/image" in page
    served = desk.fetch("/collections/ministries-co/image")
    assert served.mimetype == "image/png" and served.headers["X-Content-Type-Options"] == "nosniff"
    form = desk.see("/collections/ministries-co/settings")
    assert "Law\nArt" in form and 'value="1.5"' in form and 'value="2.5"' in form
    holdings.collections.update(
        "ministries-co", options='{"scope":"host","rules":[{"action":"block","match":"text","pattern":"/p/"}],"guesses":false}'
    )
    desk.send(
        "/collections/ministries-co/settings", **NEW | {"title": "New", "topics": "Law", "no_image": "1", "is_active": ""}
    )
    item = holdings.collections.get("ministries-co")
    kept = options_from_json(item.options)
    assert (item.title, item.is_active) == ("New", False)
    assert kept.rules[0].pattern == "/p/" and not kept.guesses and kept.limits.documents == 500  # what the form does not show
    assert desk.fetch("/collections/ministries-co/image").status_code == 404
    actions = [(entry.actor, entry.action) for entry in holdings.audit.entries()]
    assert {"collection.create", "collection.set", "description.change", "image.put", "image.remove"} <= {a for _, a in actions}
    assert {actor for actor, _ in actions} == {"archivist"}


def test_a_collection_is_removed_by_its_name(app: Flask, holdings: Holdings, desk: Desk) -> None:
    for slug in ("news", "old"):
        holdings.collections.create(slug, title=f"The {slug}")
    holdings.index.add([Capture("news", urlkey(A), "20200101000000", A, "text/html", 200, "", "x.warc.gz", 1, 9)])
    admin = Desk(logged_in(app, holdings))
    api = ApiClient(app, holdings)
    assert "/collections/news/removal" in admin.see("/collections/news/settings")
    assert "/removal" not in desk.see("/collections/news/settings")
    desk.see("/collections/news/removal", 403)
    page = admin.see("/collections/news/removal")
    assert "holds 1 capture in files" in page and "/deletions?collection=news&sort=is_everything" in page
    assert 'name="reason"' not in page
    told = api("GET", "/collections/news/removal").get_json()
    assert told["contents"]["captures"] == 1 and [item["kind"] for item in told["obstacles"]] == ["captures"]
    gone = {"name": "news", "reason": "closed"}
    assert "Evidence does not vanish" in api("POST", "/collections/news/removal", gone).get_json()["detail"]
    admin.send("/collections/news/removal", 400, **gone)
    assert 'name="reason"' in admin.see("/collections/old/removal")
    refused = admin.send("/collections/old/removal", 400, name="The old", reason="closed")
    assert "not the name" in refused.get_data(as_text=True) and 'value="closed"' in refused.get_data(as_text=True)
    assert admin.send("/collections/old/removal", name="old", reason="closed").headers["Location"] == "/collections"
    assert "“The old” was removed" in admin.see("/collections")
    admin.see("/collections/old", 404)
    assert api("POST", "/collections", {"slug": "old"}).status_code == 409
    assert api("POST", "/collections/default/removal", {"name": "default", "reason": "x"}).status_code == 409
    assert api("GET", "/tombstones?collection=old").get_json()["items"] == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": " "}, "needs a title"),
        ({"slug": "all"}, "cannot be the name"),
        ({"slug": "default"}, "already a collection"),
        ({"visibility": "secret"}, "no such visibility"),
        ({"budget": "much"}, "no number"),
        ({"limit_documents": "-1"}, "cannot be a limit"),
        ({"limit_seconds": "soon"}, "is no number"),
        ({"scope": "galaxy"}, "no such scope"),
        ({"extra_hops": "-1"}, "no number"),
        ({"organisation": "", "organisation_url": "x.example"}, "needs its organisation"),
    ],
)
def test_what_cannot_be_is_told_and_what_was_typed_is_kept(
    desk: Desk, holdings: Holdings, wrong: dict[str, str], said: str
) -> None:
    answer = html.unescape(desk.send("/new-collection", 400, **NEW | wrong).get_data(as_text=True))
    assert said in answer and "مجموعة" in answer
    assert [item.slug for item in holdings.collections.all()] == ["default"]


def test_pictures_that_are_none_are_refused(desk: Desk, holdings: Holdings) -> None:
    form = NEW | {"slug": "x"}
    svg = (io.BytesIO(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"), "logo.png", "image/png")
    answer = desk.send("/new-collection", 400, **form, image=svg).get_data(as_text=True)
    assert "no picture" in answer and "The collection is made" in answer
    owner = holdings.collections.get("x").organisation
    assert owner is not None
    too_large = (io.BytesIO(picture() + bytes(5_000_001)), "x.png")
    answer = desk.send(f"/organisations/{owner.slug}", 400, name="UNESCO", image=too_large).get_data(as_text=True)
    assert "larger than 5 MB" in answer
    desk.send(f"/organisations/{owner.slug}", 400, name="Mine", seen="what it was before")
    desk.send(f"/organisations/{owner.slug}", name="U.N.", address="Paris", image=(io.BytesIO(picture()), "x.png"))
    assert desk.fetch(f"/organisations/{owner.slug}/logo").status_code == 200
    assert holdings.collections.get("x").organisation.name == "U.N."  # type: ignore[union-attr]
    assert ImageRegistry(holdings.engine).get("collection", holdings.collections.get("x").number) is None


def test_a_form_too_large_is_refused(desk: Desk) -> None:
    desk.send("/new-collection", 413, title="x", image=(io.BytesIO(bytes(13_000_000)), "x.png"))
    desk.send("/collections/default/groups", 413, name="x" * 5_000_000)


# -- seeds -----------------------------------------------------------------------------------------------------------


def test_seeds_are_looked_at_before_they_are_added(desk: Desk, seeds: SeedRegistry, holdings: Holdings) -> None:
    seeds.add("default", [SeedDraft(A)])
    form = {
        "urls": "https://a.example/\nb.example/news/ scope=prefix\nnot a url\n",
        "schedule": "weekly",
        "group": "News",
        "public": "1",
    }
    preview = html.unescape(desk.send("/collections/default/seeds/add", 200, **form).get_data(as_text=True))
    assert "everything under b.example/news/" in preview and "duplicate" in preview and "Add 1 seed" in preview
    assert seeds.count("default") == 1
    table = re.search(r'<textarea name="table"[^>]*>(.*?)</textarea>', preview, re.DOTALL)
    assert table is not None
    again = desk.send("/collections/default/seeds/add", 200, do="edit", table=table.group(1), **form).get_data(as_text=True)
    assert "scope=prefix\nnot a url" in again and 'value="News"' in again  # what was typed is there still
    desk.send("/collections/default/seeds/add", do="add", table=table.group(1), **form)
    new = seeds.find("default", "http://b.example/news/")
    assert new is not None and (new.scope, new.schedule, new.group) == ("prefix", "weekly", "News")
    assert (new.is_active, new.is_public) == (False, True)
    assert next(iter(holdings.audit.entries())).actor == "archivist"
    empty = desk.send("/collections/default/seeds/add", 400, urls=" \n").get_data(as_text=True)
    assert "no seeds" in empty
    garbage = desk.send("/collections/default/seeds/add", 400, file=(io.BytesIO(b"\x89PNG\0\0\0"), "x.ods"), urls="")
    assert "neither text nor a spreadsheet" in garbage.get_data(as_text=True)


@pytest.mark.parametrize("kind", list(SheetKind))
def test_seeds_go_out_and_come_back_changed(desk: Desk, seeds: SeedRegistry, kind: SheetKind) -> None:
    seeds.add("default", [SeedDraft(A, title="=cmd()"), SeedDraft(B, group="G")])
    out = desk.fetch(f"/collections/default/seeds.{kind}?group=G")
    assert out.headers["Content-Disposition"] == f'attachment; filename="default-seeds.{kind}"'
    table = read_table(out.data)
    assert [row[0] for row in table] == ["url", B]
    table[1][1] = "Named"
    file = (io.BytesIO(write_table(table, kind)), f"x.{kind}")
    preview = html.unescape(desk.send("/collections/default/seeds/add", 200, file=file, update="1").get_data(as_text=True))
    assert "Change 1" in preview
    back = re.search(r'<textarea name="table"[^>]*>(.*?)</textarea>', preview, re.DOTALL)
    assert back is not None
    desk.send("/collections/default/seeds/add", do="add", table=back.group(1), update="1")
    changed = seeds.find("default", B)
    assert changed is not None and (changed.title, changed.group) == ("Named", "G")
    desk.see("/collections/default/seeds.exe", 404)


def test_the_table_of_seeds_is_filtered_sorted_and_paged(desk: Desk, seeds: SeedRegistry) -> None:
    seeds.add(
        "default", [SeedDraft(f"https://s{number:03}.example/", group="G" if number % 2 else "") for number in range(120)]
    )
    first = desk.see("/collections/default/seeds")
    assert first.count('name="seed"') == 50 and "120 seeds, 1 to 50" in first and "page=2" in first
    assert "s119.example" in desk.see("/collections/default/seeds?page=3")
    assert desk.see("/collections/default/seeds?order=url&down=1").index("s119") > 0
    found = desk.see("/collections/default/seeds?text=s11&group=G&order=nonsense&page=-1")
    assert "5 of 120 seeds" in found and "s110" not in found
    assert "No seed is like that" in desk.see("/collections/default/seeds?text=%3Cscript%3E")
    desk.see("/collections/nothing/seeds", 404)


def test_a_seed_says_what_became_of_it(desk: Desk, seeds: SeedRegistry, holdings: Holdings) -> None:
    seeds.add("default", [SeedDraft(A), SeedDraft(B), SeedDraft("https://c.example/")])
    rows = CrawlRows(holdings, plan_for(A, B), state="finished")
    rows.url(A, seed=A)
    rows.url(B, seed=B, status=404)
    number = rows.finish()
    holdings.index.add(
        Capture("default", urlkey(A), f"20{year}0101000000", A, "text/html", 200, "", "x.warc.gz", year, 9)
        for year in range(10, 23)
    )
    page = desk.see("/collections/default/seeds")
    assert "13 times" in page and "2010-01-01" in page and "2022-01-01" in page
    assert "Crawled (Error 404)" in page and "not yet" in page
    one = desk.see(f"/collections/default/seeds/{seeds.list('default')[0].number}")
    assert f"Crawl {number}" in one and f"/default/*/{A}" in one


def test_a_seed_is_changed_and_its_scope_shown_before(desk: Desk, seeds: SeedRegistry, holdings: Holdings) -> None:
    seeds.add("default", [SeedDraft("https://a.example/news/x", limits={"host_documents": 7})])
    number = seeds.list("default")[0].number
    path = f"/collections/default/seeds/{number}"
    assert "everything under a.example/news/".capitalize() in desk.see(path)
    form = {
        "url": "https://a.example/news/x",
        "scope": "domain",
        "limit_documents": "9",
        "rules": "off block text /p/",
        "public": "1",
    }
    looked = html.unescape(desk.send(path, 200, do="look", **form).get_data(as_text=True))
    assert "Everything on a.example and on all hosts below" in looked and "not saved yet" in looked
    assert seeds.get(number).scope is None
    desk.send(path, do="save", **form)
    seed = seeds.get(number)
    assert (seed.scope, seed.limits, seed.is_active) == ("domain", {"host_documents": 7, "documents": 9}, False)
    assert (seed.rules[0].pattern, seed.rules[0].enabled) == ("/p/", False)
    for wrong in ({"url": "x y"}, {"rules": "block"}, {"rules": "block regex ("}, {"schedule": "hourly"}):
        answer = desk.send(path, 400, do="save", **form | wrong).get_data(as_text=True)
        assert 'role="alert"' in answer
    holdings.collections.create("other")
    desk.see(f"/collections/other/seeds/{number}", 404)
    desk.send(f"/collections/other/seeds/{number}", 404, **form)


def test_chosen_seeds_are_changed_and_removed(desk: Desk, seeds: SeedRegistry, holdings: Holdings) -> None:
    seeds.add("default", [SeedDraft(f"https://s{number:03}.example/", group="G") for number in range(60)])
    some = [seed.number for seed in seeds.list("default")][:2]
    change = "/collections/default/seeds/change"
    assert "No seed is chosen" in desk.send(change, 400, do="change", new_schedule="daily").get_data(as_text=True)
    assert "Nothing is to be changed" in desk.send(change, 400, do="change", seed=some).get_data(as_text=True)
    desk.send(change, 400, do="change", seed=some, new_schedule="hourly")
    desk.send(change, do="change", seed=some, new_schedule="daily", new_group="-", new_active="no")
    assert seeds.count("default", SeedFilter(group="-", schedule="daily", is_active=False)) == 2
    desk.send(change, do="change", all="1", was_group="G", new_public="no", new_scope="page")
    assert seeds.count("default", SeedFilter(scope="page", is_public=False)) == 58
    crawl = desk.send(change, do="crawl", seed=some).headers["Location"]
    form = desk.see(crawl)
    assert crawl.startswith("/crawls/new?") and "https://s000.example/\nhttps://s001.example/" in form
    desk.send(change, 400, do="crawl", all="1")
    asked = desk.send(change, 200, do="remove", seed=some).get_data(as_text=True)
    assert "Remove 2 seeds?" in asked and seeds.count("default") == 60
    rows = [Capture("default", urlkey(A), "20200101000000", A, "text/html", 200, "", "x.warc.gz", 1, 9)]
    holdings.index.add(rows)
    desk.send("/collections/default/seeds/remove", seed=some)
    assert seeds.count("default") == 58 and len(list(holdings.index.versions(["default"], urlkey(A)))) == 1


def test_a_crawl_begins_as_its_collection_says(desk: Desk, seeds: SeedRegistry, holdings: Holdings) -> None:
    holdings.collections.update("default", options='{"scope": "host", "limits": {"documents": 77}}')
    seeds.add("default", [SeedDraft(A, limits={"documents": 5})])
    form = desk.see("/crawls/new?collection=default&seeds=collection")
    assert A in form and 'value="77"' in form and re.search(r'value="host"[^>]* (selected|checked)', form)
    shown = desk.send("/crawls/new", 200, do="preview", collection="default", seeds=A, scope="host").get_data(as_text=True)
    assert f"{A} has limits or rules of its own" in shown


def test_groups_are_made_opened_and_removed(desk: Desk, seeds: SeedRegistry) -> None:
    seeds.add("default", [SeedDraft(A, group="One")])
    desk.send("/collections/default/groups", name="Two", public="1")
    desk.send("/collections/default/groups", 400, name=" ")
    desk.send("/collections/default/groups", 400, name="Two", new_name="One")
    desk.send("/collections/default/groups", name="One", new_name="<b>1</b>")
    assert "<b>1</b>" not in desk.fetch("/collections/default/groups").get_data(as_text=True)
    desk.send("/collections/default/groups", name="<b>1</b>", do="remove")
    assert [(group.name, group.is_public) for group in seeds.groups("default")] == [("Two", True)]
    assert seeds.list("default")[0].group == ""


# -- metadata --------------------------------------------------------------------------------------------------------


def test_a_collection_is_described(desk: Desk, holdings: Holdings) -> None:
    said = DescriptionRegistry(holdings.engine)
    path = "/collections/default/metadata"
    form = {
        "rows": "4",
        "field_0": "creator",
        "value_0": "Ada",
        "field_1": "DC.Title",
        "value_1": "מ",
        "private_1": "1",
        "field_3": "x",
    }
    desk.send(path, do="save", **form)
    assert said.of("default", "collection") == [Statement("creator", "Ada"), Statement("title", "מ", True)]
    moved = desk.send(path, 200, up="1", **form).get_data(as_text=True)
    assert 'name="field_0" list="fields" value="DC.Title"' in moved and "Not saved yet" in moved
    assert said.of("default", "collection")[0].field == "creator"
    more = desk.send(path, 200, do="more", **form).get_data(as_text=True)
    assert 'name="value_11"' in more
    lost = desk.send(path, 400, do="save", rows="1", value_0="Precious").get_data(as_text=True)
    assert "is said in no field" in lost and "Precious</textarea>" in lost
    desk.send(path, 303, rows="x")
    assert said.of("default", "collection") == []


def test_seeds_and_documents_are_described(desk: Desk, seeds: SeedRegistry, holdings: Holdings) -> None:
    seeds.add("default", [SeedDraft(A), SeedDraft(B)])
    form = {"rows": "1", "field_0": "title", "value_0": "Needle"}
    desk.send(f"/collections/default/metadata?about=seed&url={A}", **form)
    desk.send("/collections/default/metadata?about=document&url=c.example/x.pdf", **form)
    assert "Needle" in desk.see("/collections/default/described") and "1 seed yet" in desk.see("/collections/default/described")
    assert "http://c.example/x.pdf" in desk.see("/collections/default/described?about=document&text=needle")
    assert "Nothing is like that" in desk.see("/collections/default/described?about=document&text=haystack")
    for wrong in ("about=seed&url=https://nowhere.example/", "about=galaxy", "about=document&url=x%20y", "about=document"):
        desk.see(f"/collections/default/metadata?{wrong}", 400)


def test_fields_are_private_in_the_whole_collection(desk: Desk, holdings: Holdings) -> None:
    said = DescriptionRegistry(holdings.engine)
    said.replace("default", "collection", "", [Statement("rights", "mine")])
    own = {"name_1": "Shelf", "order_1": "9", "name_2": "Box", "order_2": "2", "private_2": "1", "name_3": ""}
    where = desk.send("/collections/default/fields", rows="4", name_0="rights", private_0="1", **own)
    assert "Saved." in desk.fetch(where.headers["Location"]).get_data(as_text=True)
    assert said.of("default", "collection", public_only=True) == []
    assert [(field.name, field.is_private) for field in said.fields("default")[15:]] == [("Box", True), ("Shelf", False)]
    desk.send("/collections/default/fields", 400, rows="1", name_0="x" * 101)
    overtaken = desk.send("/collections/default/fields", 400, rows="1", name_0="Folder", seen="before Box and Shelf")
    assert "Somebody has changed this" in overtaken.get_data(as_text=True) and "Folder" in overtaken.get_data(as_text=True)
    assert len(said.fields("default")) == 17


def test_who_was_overtaken_does_not_undo_what_others_did(desk: Desk, holdings: Holdings, seeds: SeedRegistry) -> None:
    seeds.add("default", [SeedDraft("http://a.example/")])
    [seed] = seeds.list("default")
    said = {"rows": "1", "field_0": "creator", "do": "save"}
    for page, mine, theirs, wanted in (
        ("settings", {"title": "Mine"}, {"title": "Theirs"}, lambda: holdings.collections.get("default").title),
        ("metadata", {**said, "value_0": "Mine"}, {**said, "value_0": "Theirs"},
         lambda: DescriptionRegistry(holdings.engine).of("default", "collection")[0].value),
        (f"seeds/{seed.number}", {"url": seed.url, "title": "Mine"}, {"url": seed.url, "title": "Theirs"},
         lambda: seeds.get(seed.number).title),
    ):  # fmt: skip
        path = f"/collections/default/{page}"
        mark = marked(desk.fetch(path))
        extra = (
            {"seen": mark, "scope": "host", "visibility": "public", "robots": "obey"} if page == "settings" else {"seen": mark}
        )
        desk.send(path, **theirs, **extra)
        answer = desk.send(path, 400, **mine, **extra)
        assert "Somebody has changed this since you opened it" in answer.get_data(as_text=True) and wanted() == "Theirs"
        assert "Mine" in answer.get_data(as_text=True)  # what was typed stays
        desk.send(path, **mine, **{**extra, "seen": marked(answer)})
        assert wanted() == "Mine"


def marked(page: TestResponse) -> str:
    """What a form says of the state that it was filled with."""
    return page.get_data(as_text=True).partition('name="seen" value="')[2].partition('"')[0]


@pytest.mark.parametrize("kind", list(SheetKind))
def test_a_spreadsheet_changes_what_is_said_once_it_is_confirmed(
    desk: Desk, seeds: SeedRegistry, holdings: Holdings, kind: SheetKind
) -> None:
    said = DescriptionRegistry(holdings.engine)
    seeds.add("default", [SeedDraft(A), SeedDraft(B)])
    said.replace("default", "seed", A, [Statement("subject", "Law"), Statement("subject", "=Art")])
    table = read_table(desk.fetch(f"/collections/default/metadata.{kind}").data)
    assert [row[1:2] for row in table[2:]] == [[A], [B]]
    table[3] = ["seed", B, "New", "", ""]
    table.append(["seed", "https://nowhere.example/", "x"])
    file = (io.BytesIO(write_table(table, kind)), f"x.{kind}")
    preview = html.unescape(desk.send("/collections/default/sheet", 200, file=file, mode="replace").get_data(as_text=True))
    assert "Make 1 change" in preview and "no seed of this collection" in preview and said.of("default", "seed", B) == []
    back = re.search(r'<textarea name="table"[^>]*>(.*?)</textarea>', preview, re.DOTALL)
    assert back is not None
    desk.send("/collections/default/sheet", do="make", mode="replace", table=back.group(1))
    assert said.of("default", "seed", B) == [Statement("subject", "New")]
    assert said.of("default", "seed", A) == [Statement("subject", "Law"), Statement("subject", "=Art")]
    for wrong in (b"", b"\x89PNG\0", b"title\nx\n", b"PK\x03\x04nonsense"):
        answer = desk.send("/collections/default/sheet", 400, file=(io.BytesIO(wrong), "x.ods")).get_data(as_text=True)
        assert 'role="alert"' in answer


def test_a_viewer_sees_all_and_changes_nothing(app: Flask, holdings: Holdings, seeds: SeedRegistry) -> None:
    seeds.add("default", [SeedDraft(A)])
    desk = Desk(logged_in(app, holdings, Role.VIEWER))
    number = seeds.list("default")[0].number
    for path in (
        "/collections", "/collections/default", "/collections/default/seeds", f"/collections/default/seeds/{number}",
        "/collections/default/groups", "/collections/default/metadata", "/collections/default/described",
        "/collections/default/fields", "/collections/default/sheet", "/collections/default/seeds.csv",
    ):  # fmt: skip
        desk.see(path)
    for path in ("/new-collection", "/collections/default/settings", "/collections/default/seeds/add"):
        desk.see(path, 403)
    for path in ("change", "remove", "add", str(number)):
        desk.send(f"/collections/default/seeds/{path}", 403, seed=number)
    for path in ("groups", "metadata", "fields", "sheet", "settings"):
        desk.send(f"/collections/default/{path}", 403, name="x")
    assert seeds.count("default") == 1


def test_what_an_old_row_says_badly_breaks_no_page(desk: Desk, seeds: SeedRegistry, holdings: Holdings) -> None:
    """Only the exchange and forms write seeds, and both look; a row written behind their back is told, not a crash."""
    from archiver.index.worktables import seeds as table

    seeds.add("default", [SeedDraft(A)])
    with writing(holdings.engine) as connection:
        connection.execute(table.update().values(limits="{"))
    assert "no JSON" in desk.see("/collections/default/seeds", 400)


def test_messages_come_from_the_workbench_alone(desk: Desk, seeds: SeedRegistry) -> None:
    seeds.add("default", [SeedDraft(A)])
    number = seeds.list("default")[0].number
    desk.send(f"/collections/default/seeds/{number}", do="save", url=A, title="<i>T</i>", active="1", public="1")
    page = desk.fetch("/collections/default/seeds?told=Send+us+your+password").get_data(as_text=True)
    assert "&lt;i&gt;T&lt;/i&gt; is saved." in page and "password" not in page
    assert "is saved" not in desk.see("/collections/default/seeds")
