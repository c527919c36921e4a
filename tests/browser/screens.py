"""Every screen of reader and workbench with something on it, the servers that show them, and what each is the screen of."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

from flask import Flask, template_rendered
from flask.testing import FlaskClient
from werkzeug.exceptions import NotFound
from werkzeug.serving import make_server

from archiver import deletionlook, testcrawls
from archiver.accounts import Role
from archiver.collections.access import Action, Matching, Rule
from archiver.collections.descriptions import DescriptionRegistry, Statement
from archiver.collections.images import ImageRegistry
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import Schedule, SeedDraft
from archiver.crawl.control import CrawlControl
from archiver.crawl.plan import RobotsMode
from archiver.crawl.supervise import run
from archiver.engine import StopSignal
from archiver.errors import UsageError
from archiver.holdings import Holdings, open_holdings, utc_now
from archiver.jobs import JobRegistry
from archiver.keeping import work_off
from archiver.missing import MissingParts, MissNotes
from archiver.search.build import read_texts
from archiver.settings import load_settings
from archiver.urls import urlkey
from replay.app import create_reader
from replay.counting import Counts
from replay.proxy.choice import Choice
from replay.proxy.exchange import Answer as ProxyAnswer
from replay.proxy.exchange import Asked
from replay.proxy.pages import HOME, Pages
from replay.workbench.app import create_workbench
from replay.workbench.session import COOKIE
from tests.archiver.crawling import plan
from tests.browser.archive import SITE, STAMP, make_archive
from tests.browser.conftest import free_port
from tests.replay.crawlbench import site
from tests.replay.test_portal import picture
from tests.servers.routes import Answer, RouteServer
from tests.workbench import PASSWORD, QUICK, accounts_of

SERVERS = ("reader", "slow", "workbench", "fresh")
OFTEN = f"{SITE}/often?page=1"
QUOTED = f"{SITE}/often%3Fpage=1"

#: Endpoints that answer with no page of their own: data, files, streams, and ways to somewhere else.
NO_PAGES = {
    "reader": {
        "static", "picture", "search_description", "health", "runtime", "worker_runtime", "worklet_runtime", "net", "reports",
        "collection_short", "earlier", "later", "download", "sparkline", "available", "timegate", "timemap",
        "elsewhere_timegate", "elsewhere_timemap", "around_feed", "around_sparkline", "around_calendarcaptures",
        "around_difference", "page_picture",
    },
    "workbench": {
        "static", "save.captures", "collections.image", "collections.logo", "collections.export_metadata",
        "collections.export_seeds", "crawls.live", "jobs.file", "jobs.stream", "save.save_now", "save.status",
        "save.status_of_none", "save.arrived", "save.of_system", "save.of_user", "save.web", "api_reference.openapi",
        "deletions.tombstones",
    },
}  # fmt: skip
#: The proxy's own pages, and their status.
PROXIED = {"/home": 200, "/direct": 200, "/missing": 404, "/refused": 451, "/problem": 400}
#: Whole families of them: the API, and what harvesters ask.
NO_PAGES_UNDER = ("/api/v1/", "/wasapi/v1/")


@dataclass(frozen=True)
class Screen:
    """A page, and what is done to see it.

    Attributes:
        server: "reader"; "slow", one that has not counted yet; "workbench"; "fresh", one that nobody has begun to use; "proxy".
        path: address on that server.
        status: of the answer.
        form: what is sent to `path`, for pages that only a form leads to.
        press: a selector of what opens before one looks.
        is_alone: nobody is logged in.
        within: what is ours of the page, where the rest is archived; a selector.
        needs_scripts: for more than looking.
    """

    server: str
    path: str
    status: int = 200
    form: Mapping[str, str] | None = field(default=None, hash=False)
    press: str = ""
    is_alone: bool = False
    within: str = ""
    needs_scripts: bool = False

    def __str__(self) -> str:
        return (
            f"{self.server} {self.path}"
            + (" (form)" if self.form is not None else "")
            + (f" {self.press}" if self.press else "")
        )


class Uncounted(Counts):
    """Counts that take for ever."""

    def get(self, name: Hashable, make: Callable[[], Any], wait: float = 0) -> Any:
        """Not yet."""


def proxied(holdings: Holdings, path: str, language: str) -> ProxyAnswer:
    """What the proxy says of itself.

    Args:
        holdings: the archive.
        path: one of `PROXIED`.
        language: of the reader.
    """
    pages = Pages(holdings, "AB:CD:EF")
    asked = Asked("GET", f"{SITE}{path}", {"accept-language": language}, "127.0.0.1")
    choice = Choice("unesco", "2016")
    if path == "/home":
        return pages.home(asked, choice, [("unesco", "UNESCO"), ("plans", "Plans")], is_direct=False)
    if path == "/direct":
        return pages.home(asked, None, [("unesco", "UNESCO")], is_direct=True)
    if path == "/missing":
        return pages.missing(asked, choice)
    if path == "/refused":
        return pages.refused(asked, Rule(Action.BLOCK, message="On request."))
    return pages.problem(asked, 400, UsageError("That is no time.", "Write it like 2016."))


@dataclass
class Screens:
    """All of them, on running servers.

    Attributes:
        origins: of each server, without a slash at the end.
        session: cookie of an administrator.
        apps: of each server.
        all: the screens.
        holdings: the archive that reader and workbench show.
        waiting: path of a job that waits.
        seen: templates that were filled.
    """

    origins: dict[str, str]
    session: str
    apps: dict[str, Flask]
    all: list[Screen]
    holdings: Holdings
    waiting: str
    seen: set[str] = field(default_factory=set)

    def address(self, screen: Screen) -> str:
        """Where a screen is."""
        origin = self.origins[screen.server]
        return (origin.replace("127.0.0.1", "localhost") if screen.is_alone else origin) + screen.path

    def of(self, server: str) -> list[Screen]:
        """The screens of a server and of the others of its kind."""
        kinds = {"reader": ("reader", "slow"), "workbench": ("workbench", "fresh")}.get(server, (server,))
        return [screen for screen in self.all if screen.server in kinds]

    def unseen(self, server: str) -> set[str]:
        """Templates of whole pages that no screen has been filled from."""
        if server not in self.apps:
            return set()
        environment = self.apps[server].jinja_env
        assert environment.loader is not None
        names = environment.list_templates()
        texts = {name: environment.loader.get_source(environment, name)[0] for name in names}
        used = {
            name for text in texts.values() for name in re.findall(r'{%-? *(?:extends|include|from|import) "([^"]+)"', text)
        }
        whole = {name for name in names if "{% extends" in texts[name] or "<!doctype" in texts[name]}
        whole -= {name for name in whole if 'http-equiv="refresh" content="0' in texts[name]}  # nobody stays there
        return {name for name in whole - used - self.seen if not name.startswith("proxy")}

    def endpoints(self, server: str) -> set[str]:
        """Endpoints that the screens are of."""
        adapter = self.apps[server].url_map.bind("127.0.0.1")
        found = set()
        for screen in self.all:
            if screen.server == server:
                with suppress(NotFound):  # what is not there has a screen, too
                    method = "GET" if screen.form is None else "POST"
                    found.add(str(adapter.match(screen.path.partition("?")[0], method)[0]))
        return found


def page_endpoints(app: Flask, name: str) -> set[str]:
    """Endpoints of an application that answer GET with a page, as far as nobody has said that they do not."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith(NO_PAGES_UNDER) and rule.endpoint not in NO_PAGES[name]
    }


@contextmanager
def screens(folder: Path) -> Iterator[Screens]:
    """An archive in which something is on every page, and its servers.

    Args:
        folder: where it is made.
    """
    with ExitStack() as stack:
        ports = {name: free_port() for name in SERVERS}
        home = make_archive(folder)
        routes = site() | {"/new.html": Answer(b"<title>New</title>")}
        live = stack.enter_context(RouteServer(routes))
        common: dict[str, object] = {"allow_private": True, "port": ports["reader"], "record_missing": True}
        common["other_archives"] = f"Another archive {live.url('/gate/')}"
        lit = load_settings(common | {"archive": home, "workbench_port": ports["workbench"]}, environ={})
        unlit = load_settings(common | {"archive": folder / "fresh", "workbench_port": ports["fresh"]}, environ={})
        holdings, empty = (stack.enter_context(open_holdings(settings)) for settings in (lit, unlit))
        apps = {
            "reader": create_reader(lit, holdings),
            "workbench": create_workbench(lit, holdings, hasher=QUICK),
            "fresh": create_workbench(unlit, empty, hasher=QUICK),
            "slow": create_reader(lit, holdings),
        }
        apps["reader"].extensions["muniment.counts"] = Counts(time.monotonic, wait=30)
        apps["slow"].extensions["muniment.counts"] = Uncounted(time.monotonic)
        seen: set[str] = set()

        def note(_: object, template: object, **__: object) -> None:
            seen.add(str(getattr(template, "name", "")))

        for name, app in apps.items():
            template_rendered.connect(note, app)
            server = make_server("127.0.0.1", ports[name], app, threaded=True)
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            if "muniment.saves" in app.extensions:
                stack.callback(app.extensions["muniment.saves"].close)
        accounts = accounts_of(holdings)
        accounts.create("ada", PASSWORD, Role.ADMINISTRATOR)
        accounts.create("grace", PASSWORD, Role.VIEWER)
        session = accounts.log_in("ada", PASSWORD)
        _describe(holdings)
        desk = _Desk(apps["workbench"], session, f"http://127.0.0.1:{ports['workbench']}")
        shown = _reader_screens() + _workbench_screens(holdings, desk, live)
        shown.append(Screen("fresh", f"/begin?key={accounts_of(empty).begin()}", is_alone=True))
        shown.append(Screen("fresh", "/begin?key=wrong", 403, is_alone=True))
        shown.append(Screen("fresh", "/login", is_alone=True))
        shown.append(Screen("slow", f"/unesco/-/changes?url={QUOTED}", 202))
        shown += [Screen("proxy", path, status) for path, status in PROXIED.items()]
        _miss(apps["reader"].test_client(), holdings)
        read_texts(holdings)
        origins = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()} | {"proxy": HOME.rstrip("/")}
        yield Screens(origins, session, apps, shown, holdings, desk.waiting, seen)


def _describe(holdings: Holdings) -> None:
    collection = holdings.collections.update("unesco", organisation="UNESCO", description="What was published. " * 12)
    holdings.collections.create("plans", title="Plans")
    said = DescriptionRegistry(holdings.engine)
    drafts = [SeedDraft(f"{SITE}/plain", title="Plain page", schedule=Schedule.WEEKLY, group="Offices"), SeedDraft(OFTEN)]
    drafts += [SeedDraft(f"http://a-rather-long-name-{n}.example/{'path/' * 12}", title=f"Site {n}") for n in range(21)]
    SeedRegistry(holdings.engine, utc_now).add("unesco", drafts)
    for number, draft in enumerate(drafts):
        shared = Statement("subject", "Water" if number < 12 else "Education")
        said.replace("unesco", "seed", draft.url, [shared, Statement("creator", f"Office {number % 9}")])
    said.replace("unesco", "collection", "", [Statement("subject", "Culture"), Statement("creator", "مكتبة الإسكندرية")])
    said.replace("unesco", "document", f"{SITE}/plain", [Statement("title", "Plain page")])
    for owner, number in (("collection", collection.number), ("organisation", collection.organisation.number)):
        ImageRegistry(holdings.engine, utc_now).put(owner, number, picture())
    rules = [(Action.BLOCK, "/menu"), (Action.EXCLUDE, "/hidden")]
    holdings.access.add([Rule(action, Matching.PREFIX, urlkey(SITE + path)) for action, path in rules])


class _Desk:
    """What an archivist does, without a browser."""

    def __init__(self, app: Flask, session: str, home: str) -> None:
        self._app = app
        self.waiting = ""
        self._client: FlaskClient = app.test_client()
        self._client.set_cookie(COOKIE, session, domain="127.0.0.1")
        self._home = home
        page = self._client.get("/me", base_url=home).get_data(as_text=True)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert found is not None
        self._token = found.group(1)

    def post(self, path: str, **form: str) -> str:
        """Where it leads."""
        data = {"csrf_token": self._token, **form}
        answer = self._client.post(path, data=data, base_url=self._home, headers={"Origin": self._home})
        assert answer.status_code in (200, 303), answer.get_data(as_text=True)
        return answer.headers.get("Location", "")

    def wait(self, saved: str) -> None:
        """Until a saved page is done."""
        saves = self._app.extensions["muniment.saves"]
        assert saves.wait(saved.rpartition("/")[2], 20).state.is_over


def _reader_screens() -> list[Screen]:
    paths = [
        "/", "/?f=subject:Culture", "/all/", "/all/?q=water&in=descriptions", "/-/organisations/unesco",
        "/unesco/", "/unesco/?f=subject:Water&sort=title", "/plans/", "/unesco/?q=plain", "/unesco/?q=nowhere+to+be+found",
        f"/unesco/?q={SITE}/&in=addresses", f"/unesco/2018*/{OFTEN}", f"/unesco/*/{SITE}/plain", f"/unesco/*/{SITE}/*",
        f"/unesco/-/captures?url={QUOTED}", f"/unesco/-/changes?url={QUOTED}", f"/unesco/-/compare?url={QUOTED}",
        f"/unesco/-/compare?url={QUOTED}&a=20160810204623&b=20170101", f"/unesco/-/urls?url={SITE}/", "/unesco/-/urls",
        f"/unesco/-/summary?url={SITE}/", f"/-/about/unesco/{STAMP}/{SITE}/plain",
        f"/unesco/elsewhere/{SITE}/plain",
    ]  # fmt: skip
    errors = {
        f"/unesco/{STAMP}/{SITE}/never": 404,
        f"/unesco/{STAMP}/{SITE}/menu": 451,
        "/nowhere/": 404,
        "/unesco/-/captures": 400,
    }
    banner = Screen("reader", f"/unesco/{STAMP}/{SITE}/media", within="muniment-banner")
    opened = Screen("reader", banner.path, within=banner.within, press="muniment-banner .b > button", needs_scripts=True)
    return [
        *(Screen("reader", path) for path in paths),
        *(Screen("reader", path, status) for path, status in errors.items()),
        banner,
        opened,
    ]


def _workbench_screens(holdings: Holdings, desk: _Desk, server: RouteServer) -> list[Screen]:
    home = server.url("/")
    control = CrawlControl(holdings.engine, utc_now)
    crawls = [control.create("unesco", plan(home, robots=RobotsMode.OBEY)) for _ in range(3)]
    for number in crawls[:2]:  # the third waits
        run(holdings, number, software="muniment/test")
    test, _ = testcrawls.begin_test(holdings, "unesco", plan(home), by="ada")
    desk.post("/transfers/export", collection="plans", form="json")
    work_off(holdings, StopSignal())
    desk.waiting = desk.post("/jobs", kind="verify", collection="plans")  # nobody works here any more
    saved = desk.post("/save", url=home)
    desk.post("/notices", kind="webhook", target=f"{home}notice", events="crawl.finished")
    desk.post("/me/tokens", name="For a program", role="viewer")
    desk.post("/budget/unesco", budget="5G")
    deleted = desk.post("/deletions", collection="unesco", sort="url", what=f"{SITE}/other", reason="By mistake.")
    wanted = deletionlook.Selection("unesco", is_everything=True)
    registry = JobRegistry(holdings.engine, utc_now)
    look = deletionlook.begin(registry, wanted, reason="A court's order.", names_end=False, by="ada")
    desk.wait(saved)
    crawl, quoted = f"/crawls/{crawls[1]}", f"{home}a.html"
    paths = [
        "/", "/collections", "/collections/unesco", "/new-collection", "/organisations/unesco", "/crawls", "/crawls/new",
        f"/crawls/new?from={crawls[0]}", "/crawls/rules/unesco", crawl, f"/crawls/{crawls[2]}", f"/crawls/{crawls[2]}/change",
        f"{crawl}/compare?with={crawls[0]}", f"{crawl}/compare/lost?with={crawls[0]}", f"{crawl}/compare/new?with={crawls[0]}",
        f"{crawl}/compare/changed?with={crawls[0]}", f"{crawl}/seeds", f"{crawl}/hosts", f"{crawl}/types", f"{crawl}/statuses",
        f"{crawl}/reasons", f"{crawl}/urls", f"{crawl}/why?url={quoted}", "/tests", f"/tests/{test}", "/jobs", "/jobs/1",
        desk.waiting, "/schedules", "/schedules/unesco/weekly", "/budget", "/notices", "/missing/",
        "/missing/unesco", "/missing/unesco/parts", "/access", f"/access?url={SITE}/menu", "/access/1", "/deletions", deleted,
        f"/deletions/looks/{look}",
        "/transfers", "/settings", "/storage", "/storage/files?collection=unesco",
        "/audit", "/accounts", "/accounts/grace", "/me",
    ]  # fmt: skip
    parts = ["seeds", "seeds/1", "seeds/add", "groups", "metadata", "described", "fields", "sheet", "settings"]
    paths += [f"/collections/unesco/{part}" for part in parts]
    paths += [f"/collections/{slug}/removal" for slug in ("unesco", "plans")]  # one that cannot be removed, one that can
    sheet = f"level,url,subject\nseed,{SITE}/plain,Law\n"
    return [
        *(Screen("workbench", path) for path in paths),
        Screen("workbench", "/login", is_alone=True),
        Screen("workbench", "/save", needs_scripts=True),
        Screen("workbench", saved, needs_scripts=True),
        Screen("workbench", "/save/bookmarklet", needs_scripts=True),
        Screen("workbench", "/api", needs_scripts=True, press="#create_collection > summary"),
        Screen("workbench", "/nowhere", 404),
        Screen("workbench", "/save", 400, {"url": "not an address", "collection": "unesco"}, needs_scripts=True),
        Screen("workbench", "/login", 403, {"name": "ada", "password": "wrong"}),
        Screen("workbench", "/collections/unesco/seeds/add", form={"urls": "https://a.example/\nnot a url", "active": "1"}),
        Screen("workbench", "/collections/unesco/seeds/change", form={"seed": "1", "do": "remove"}),
        Screen("workbench", "/collections/unesco/sheet", form={"table": sheet}),
        Screen("workbench", "/crawls/new", form={"seeds": home, "collection": "unesco", "workers": "1", "do": "preview"}),
        Screen("workbench", f"{crawl}/rule", form={"urls": quoted}),
        Screen(
            "workbench",
            "/deletions/preview",
            form={"collection": "unesco", "sort": "url", "what": f"{SITE}/quirks", "reason": "By mistake."},
        ),
    ]


def _miss(reader: FlaskClient, holdings: Holdings) -> None:
    """Somebody reads a page that lacks a picture."""
    headers = {"Referer": f"http://localhost/unesco/{STAMP}/{SITE}/plain", "Sec-Fetch-Dest": "image"}
    assert reader.get(f"/unesco/{STAMP}im_/{SITE}/gone.png", headers=headers).status_code == 404
    MissingParts(holdings, utc_now).take(MissNotes(holdings.settings.archive / "cache").take())
