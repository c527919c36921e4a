"""Missing parts from the reader's page to the patch."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from archiver.accounts import Role
from archiver.collections.access import Action, Matching, Rule
from archiver.holdings import Holdings
from archiver.missing import MissingParts, MissNotes
from archiver.warc.importer import import_file
from replay.app import create_reader
from replay.workbench.app import create_workbench
from tests.conftest import OpenHoldings
from tests.servers.warcs import response_record
from tests.workbench import HOME, PORT, QUICK, form_token, logged_in

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
STAMP, PAGE = "20160810204623", "http://a.example/p?x=1"


@pytest.fixture
def holdings(holdings_with: OpenHoldings, tmp_path: Path) -> Holdings:
    holdings = holdings_with(record_missing=True, workbench_port=PORT)
    path = tmp_path / "page.warc.gz"
    path.write_bytes(response_record(PAGE, MOMENT, b"<img src=gone.png><p>x"))
    import_file(path, collection="default", store=holdings.store, index=holdings.index)
    return holdings


def read(
    client: FlaskClient, part: str, referer: str = f"http://localhost/default/{STAMP}/{PAGE}", modifier: str = "im_"
) -> None:
    headers = {"Referer": referer, "Sec-Fetch-Dest": "image"}
    assert client.get(f"/default/{STAMP}{modifier}/{part}", headers=headers).status_code == 404


def listed(holdings: Holdings) -> list[tuple[str, str]]:
    parts = MissingParts(holdings, lambda: MOMENT)
    parts.take(MissNotes(holdings.settings.archive / "cache").take())
    return [(part.page_url, part.url) for part in parts.list("default")]


def test_what_a_page_lacks_is_noted(holdings: Holdings) -> None:
    client = create_reader(holdings.settings, holdings).test_client()
    read(client, "http://a.example/gone.png")
    read(client, "http://a.example/elsewhere.png", referer="http://other.example/default/2016/http://x/")
    read(client, "http://a.example/unknown.png", referer="")
    assert listed(holdings) == [(PAGE, "http://a.example/gone.png")]


def test_nothing_is_noted_unless_it_is_wanted(holdings_with: OpenHoldings) -> None:
    holdings = holdings_with()
    read(create_reader(holdings.settings, holdings).test_client(), "http://a.example/gone.png")
    assert listed(holdings) == [] and not (holdings.settings.archive / "cache" / "missing.jsonl").exists()


def test_what_rules_hide_is_not_missing(holdings: Holdings) -> None:
    holdings.access.add([Rule(Action.EXCLUDE, Matching.PREFIX, "example,a)/gone")])
    read(create_reader(holdings.settings, holdings).test_client(), "http://a.example/gone.png")
    assert listed(holdings) == []


def test_an_archivist_captures_what_a_page_lacks(holdings: Holdings) -> None:
    read(create_reader(holdings.settings, holdings).test_client(), "http://a.example/<gone>.png")
    app = create_workbench(holdings.settings, holdings, hasher=QUICK)
    begun: list[int] = []
    app.extensions["muniment.launch"] = lambda number, workers: begun.append(number)
    client = logged_in(app, holdings)
    assert "Missing parts" in client.get("/missing/", base_url=HOME).get_data(as_text=True)
    page = client.get("/missing/default", base_url=HOME).get_data(as_text=True)
    assert "Capture what it lacks" in page
    shown = client.get("/missing/default/parts", base_url=HOME).get_data(as_text=True)
    assert "http://a.example/%3Cgone%3E.png" in shown or "&lt;gone&gt;" in shown
    assert "<gone>" not in shown
    form = {"csrf_token": form_token(client), "do": "patch", "every": "1", "page": PAGE, "at": STAMP}
    done = client.post("/missing/default/parts", data=form, base_url=HOME, headers={"Origin": HOME})
    assert done.status_code == 303 and done.headers["Location"] == f"/crawls/{begun[0]}"
    assert "being captured" in client.get("/missing/default/parts", base_url=HOME).get_data(as_text=True)
    again = client.post("/missing/default/parts", data=form, base_url=HOME, headers={"Origin": HOME})
    assert again.status_code == 400
    viewer = logged_in(app, holdings, Role.VIEWER)
    form["csrf_token"] = form_token(viewer)
    assert viewer.post("/missing/default/parts", data=form, base_url=HOME, headers={"Origin": HOME}).status_code == 403
    assert "Capture what it lacks" not in viewer.get("/missing/default", base_url=HOME).get_data(as_text=True)
    assert client.get("/missing/nowhere", base_url=HOME).status_code == 404
