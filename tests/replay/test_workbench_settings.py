"""The pages about the archive itself: settings, storage, access rules; and the same through the API."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from archiver import deletion
from archiver.accounts import Role
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import SeedDraft
from archiver.fixity import measure
from archiver.holdings import Holdings, open_holdings, utc_now
from archiver.model import Visibility
from archiver.settings import NAMES as ALL_NAMES
from archiver.settings import load_settings
from archiver.verifyarchive import ArchiveVerifier
from archiver.warc.importer import import_file
from replay.app import create_reader
from replay.workbench import storage_pages
from replay.workbench.api.openapi import document
from replay.workbench.app import create_workbench
from replay.workbench.settinglist import GROUPS
from tests.apichecks import ApiClient
from tests.servers.warcs import response_record
from tests.workbench import HOME, PORT, QUICK, form_token, logged_in

NAMES, READERS, CRAWLS, MAIL, BACKGROUND = 0, 1, 2, 3, 5


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "warcs").mkdir()
    (tmp_path / "warcs" / "muniment.toml").write_text('test_days = 30\nmail_host = "mail.example.org"\n')
    return tmp_path / "warcs"


@pytest.fixture
def holdings(home: Path, empty_database: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holdings]:
    (home / "muniment.db").write_bytes(empty_database)
    monkeypatch.setattr("archiver.keptsettings._STALE_AFTER", 0.0)  # no second to wait for
    environ = {"MUNIMENT_OPERATOR": "Set outside", "MUNIMENT_WORKBENCH_PORT": str(PORT), "MUNIMENT_MAIL_PASSWORD": ""}
    with open_holdings(load_settings({"archive": home}, environ=environ)) as opened:
        yield opened


@pytest.fixture
def app(holdings: Holdings) -> Flask:
    return create_workbench(holdings.settings, holdings, hasher=QUICK)


@pytest.fixture
def client(app: Flask, holdings: Holdings) -> FlaskClient:
    return logged_in(app, holdings)


def see(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path, base_url=HOME)
    assert answer.status_code == status, path
    return html.unescape(answer.get_data(as_text=True))


def send(client: FlaskClient, path: str, **form: object) -> tuple[int, str]:
    data = {"csrf_token": form_token(client), **form}
    answer = client.post(path, data=data, base_url=HOME, headers={"Origin": HOME})
    return answer.status_code, answer.headers.get("Location") or html.unescape(answer.get_data(as_text=True))


def part(page: str, name: str) -> str:
    """What the page says of one setting, as text."""
    found = next(item for item in re.split(r'<div class="setting', page) if f"<code>{name}</code>" in item)
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


# -- settings --------------------------------------------------------------------------------------------------------


def test_every_setting_is_in_one_group() -> None:
    assert sorted(name for _, _, names in GROUPS for name in names) == sorted(ALL_NAMES)


def test_settings_are_seen_changed_and_taken_back(client: FlaskClient, holdings: Holdings, home: Path) -> None:
    page = see(client, "/settings")
    assert "Fixed by the environment variable MUNIMENT_OPERATOR." in part(page, "operator")
    assert "Fixed by an option on the command line." in part(page, "archive")
    assert "From muniment.toml." in part(page, "test_days") and "From the default." in part(page, "instance_name")
    assert "A change counts with the next start." in part(page, "jobs")
    assert 'name="operator"' not in page and 'name="port"' not in page
    with open_holdings(load_settings({"archive": home}, environ={})) as another:  # a second server of the same archive
        reader = create_reader(another.settings, another).test_client()
        assert b"<title>Muniment</title>" in reader.get("/").data
        form = {"instance_name": "Our Archive", "was-instance_name": "Muniment", "instance_url": "", "was-instance_url": "",
                "operator": "Nobody"}  # fmt: skip
        assert send(client, f"/settings/{NAMES}", **form) == (303, f"/settings?changed=instance_name#group-{NAMES}")
        assert b"<title>Our Archive</title>" in reader.get("/").data
    page = see(client, "/settings?changed=instance_name&changed=<script>")
    assert "Changed: <a" in page and "<script>" not in page.partition("<main")[2]
    assert "Changed here by administrator on" in part(page, "instance_name")
    assert "Back to the default: Muniment" in part(page, "instance_name")
    assert "· Our Archive</title>" in page and holdings.settings.operator == "Set outside"
    entry = list(holdings.audit.entries())[-1]
    assert (entry.actor, entry.action, entry.subject) == ("administrator", "setting.change", "instance_name")
    assert json.loads(entry.detail) == {"before": "Muniment", "after": "Our Archive"}
    # what somebody else changed since the form was shown stays, unless it is typed over
    assert send(client, f"/settings/{NAMES}", **{"instance_name": "Muniment", "was-instance_name": "Muniment"})[0] == 303
    assert holdings.settings.instance_name == "Our Archive"
    assert send(client, f"/settings/{NAMES}", **{"instance_name": "Our Archive", "reset-instance_name": "1"})[0] == 303
    assert holdings.settings.instance_name == "Muniment"
    # with the next start
    assert send(client, f"/settings/{BACKGROUND}", **{"jobs": "5", "was-jobs": "2"})[0] == 303
    assert "Counts with the next start : until then 2." in part(see(client, "/settings"), "jobs")


def test_wrong_values_are_told_beside_their_field_and_nothing_is_changed(client: FlaskClient, holdings: Holdings) -> None:
    form = {"max_drift_days": "soon", "was-max_drift_days": "0", "record_missing": "yes", "was-record_missing": "no"}
    status, page = send(client, f"/settings/{READERS}", **form)
    assert status == 400 and 'value="soon"' in page and "Nothing was changed: 1 of the values cannot be used." in page
    assert "The setting “max_drift_days” must be a whole number, not “soon”." in part(page, "max_drift_days")
    assert not holdings.settings.record_missing
    status, page = send(client, f"/settings/{CRAWLS}", **{"collection": "nope", "was-collection": "default"})
    assert status == 400 and "There is no collection “nope”." in page
    status, page = send(client, "/settings/0", **{"instance_name": "x" * 201, "was-instance_name": "Muniment"})
    assert status == 400 and "200 letters at most" in page
    assert send(client, "/settings/99")[0] == 404
    answer = client.post(f"/settings/{READERS}", data=form, base_url=HOME, headers={"Origin": HOME})
    assert answer.status_code == 400 and b"This form has expired" in answer.data


def test_a_secret_is_replaced_and_never_shown(home: Path, empty_database: bytes) -> None:
    (home / "muniment.db").write_bytes(empty_database)
    settings = load_settings({"archive": home, "workbench_port": PORT, "database": ""}, environ={})
    with open_holdings(settings) as held:
        client = logged_in(create_workbench(settings, held, hasher=QUICK), held)
        assert send(client, f"/settings/{MAIL}", **{"mail_password": "hunter2", "was-mail_password": ""})[0] == 303
        assert held.settings.mail_password == "hunter2"
        page = see(client, "/settings")
        assert "hunter2" not in page and "set, and never shown: type to replace it" in page
        form = {"mail_password": "hunter3", "was-mail_password": "", "mail_port": "x", "was-mail_port": "587"}
        status, page = send(client, f"/settings/{MAIL}", **form)
        assert status == 400 and "hunter3" not in page
        assert send(client, f"/settings/{MAIL}", **{"mail_password": "", "was-mail_password": ""})[0] == 303
        assert held.settings.mail_password == "hunter2"
        assert send(client, f"/settings/{MAIL}", **{"mail_password": "", "reset-mail_password": "1"})[0] == 303
        assert held.settings.mail_password == ""
        assert "hunter" not in "".join(item.detail for item in held.audit.entries())


@pytest.mark.parametrize("role", [Role.ARCHIVIST, Role.VIEWER])
def test_settings_are_for_administrators(app: Flask, holdings: Holdings, role: Role) -> None:
    client = logged_in(app, holdings, role)
    assert 'href="/settings"' not in see(client, "/") and 'href="/storage"' in see(client, "/")
    see(client, "/settings", 403)
    assert send(client, f"/settings/{NAMES}", instance_name="Mine")[0] == 403


def test_settings_through_the_api(app: Flask, holdings: Holdings) -> None:
    api = ApiClient(app, holdings)

    def listed() -> dict[str, dict[str, object]]:
        return {item["name"]: item for item in api("GET", "/settings").get_json()}

    known = listed()
    assert known["jobs"]["value"] == 2 and known["jobs"]["change"] == "restart" and known["port"]["change"] == "start"
    assert known["operator"]["fixed_by"] == "by the environment variable MUNIMENT_OPERATOR"
    assert (known["mail_password"]["value"], known["mail_password"]["is_set"]) == (None, False)
    body = {"values": {"record_missing": True, "max_drift_days": 7, "jobs": 3}}
    told = {item["name"]: item for item in api("PATCH", "/settings", body).get_json()}
    assert told == listed() and told["max_drift_days"]["value"] == 7 and told["max_drift_days"]["source"] == "database"
    assert told["jobs"]["is_pending"] is True and told["jobs"]["running"] == 2 and told["jobs"]["value"] == 3
    assert holdings.settings.record_missing is True
    wrong = {"values": {"max_drift_days": -1, "user_agent": "\n"}, "reset": ["nope"]}
    answer = api("PATCH", "/settings", wrong)
    assert answer.status_code == 422
    assert [item["pointer"] for item in answer.get_json()["errors"]] == [
        "#/values/user_agent", "#/values/max_drift_days", "#/reset/0",
    ]  # fmt: skip
    assert api("PATCH", "/settings", {"values": {"port": 1}}).status_code == 422
    assert api("PATCH", "/settings", {"values": {"operator": "Me"}}).status_code == 409
    assert api("PATCH", "/settings", {"reset": ["max_drift_days", "record_missing"]}).status_code == 200
    assert (holdings.settings.max_drift_days, holdings.settings.record_missing) == (0, False)
    told_of = document()
    assert "mail_password" in told_of["components"]["schemas"]["SettingValuesBody"]["properties"]
    assert "patch" in told_of["paths"]["/api/v1/settings"]
    assert ApiClient(app, holdings, Role.ARCHIVIST)("PATCH", "/settings", body).status_code == 403


# -- storage ---------------------------------------------------------------------------------------------------------


def test_storage_says_where_files_are_how_much_room_is_left_and_when_they_were_verified(
    app: Flask, client: FlaskClient, holdings: Holdings
) -> None:
    page = see(client, "/storage")
    assert holdings.store.address in page and "Nothing: all files are where they belong." in page
    assert "No file was verified yet." in page and "Free for the archive folder" in page
    written = holdings.store.create("a.warc.gz")
    written.write(b"12345")
    written.flush()
    page = see(client, "/storage")
    assert "1 is being written" in page and "a.warc.gz" in page
    written.close()
    holdings.store.finish("a.warc.gz")
    with holdings.store.open("a.warc.gz") as stream:
        holdings.files.note("a.warc.gz", measure(stream))
    assert list(ArchiveVerifier(holdings).run(holdings.collections.now))
    page = see(client, "/storage")
    words = re.sub(r"<[^>]+>", "", page)
    assert "1 of 1 files were verified" in words and "Errors were found in 1 file." in words
    assert 'href="/storage/files?look=errors"' in page and 'href="/storage/files?place=here"' in page
    listed = see(logged_in(app, holdings, Role.VIEWER), "/storage/files?look=errors&place=here&text=a.warc")
    assert "No file is like this" in see(client, "/storage/files?look=never") and "a.warc.gz" in listed
    assert re.search(r"<code dir=\"ltr\">[0-9a-f]{64}</code>", listed) and "1 error</span>" in listed and "5 Bytes" in listed
    told = ApiClient(app, holdings)("GET", "/storage/place").get_json()
    assert told["held"] == {"files": 1, "bytes": 5} and told["trouble"] == ""
    assert told["verified"]["bad_names"] == ["a.warc.gz"] and told["disks"][0]["free"] > 0
    assert send(client, "/jobs", kind="verify")[1] == "/jobs/1"
    assert "Last asked for here" in see(client, "/storage")


def test_numbers_of_captures_and_files_open_their_lists(
    client: FlaskClient, holdings: Holdings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        path = tmp_path / f"{number}.warc.gz"
        path.write_bytes(response_record(f"http://site.example/{number}", utc_now(), b"x"))
        import_file(path, collection="default", store=holdings.store, index=holdings.index)
    monkeypatch.setattr(storage_pages, "_PAGE", 2)
    for page in ("/", "/storage", "/collections/default"):
        assert '/default/-/urls">3</a>' in see(client, page) and 'href="/storage/files?collection=default">3</a>' in see(
            client, page
        )
    first = see(client, "/storage/files?collection=default")
    (address,) = re.findall(r'rel="next" href="([^"]+)"', first)
    rest = see(client, address.replace("&amp;", "&"))
    names = re.findall(r'<td class="url"><bdi>([^<]+)</bdi>', first + rest)
    assert len(set(names)) == 3 and first.count('soft">never<') == 2
    lines = see(client, "/storage/files?collection=default&format=csv").splitlines()
    assert [line.split(",")[1] for line in lines] == ["name", *names]
    assert "No file is like this" in see(client, "/storage/files?collection=default&text=%25&state=missing")
    assert client.get("/storage/files?collection=nothing", base_url=HOME).status_code == 404
    holdings.collections.update("default", visibility=Visibility.PRIVATE)  # the reader would show nothing
    assert "/-/urls" not in see(client, "/")


# -- access ----------------------------------------------------------------------------------------------------------


def test_rules_of_access_are_made_changed_tried_and_taken_away(app: Flask, client: FlaskClient, holdings: Holdings) -> None:
    shown = see(client, "/access")
    assert "No rules: everything" in shown and '<option value="*" selected>all collections' in shown
    form = {"action": "block", "collection": "*", "target": "prefix", "what": "https://example.org/staff/", "since": "2015",
            "addresses": "192.0.2.0/24\n2001:db8::/32", "message": "By order of the court."}  # fmt: skip
    assert send(client, "/access", **form) == (303, "/access")
    (rule,) = holdings.access.all()
    assert rule.urlkey == "org,example)/staff/" and len(rule.addresses) == 2 and rule.created_by == "administrator"
    page = see(client, "/access?url=https://example.org/staff/x&of=default&address=192.0.2.7&at=2016")
    assert "all that begins with https://example.org/staff/, captured from 2015-01-01," in page
    assert "“By order of the court.”" in page
    assert "would not be shown, and readers are told so (451)" in page and f"Rule {rule.number} decides: block" in page
    assert "could be seen" in see(client, "/access?url=https://example.org/staff/x&of=default&address=198.51.100.1")
    assert "There is no collection" in see(client, "/access?url=https://example.org/&of=nope")
    nothing = see(client, "/access?url=nonsense&of=default")
    assert "Nothing of http://nonsense/ is held in this collection" in nothing and "could be seen" in nothing
    assert "is no IP address" in see(client, "/access?url=https://example.org/&of=default&address=somewhere")
    page = see(client, f"/access/{rule.number}")
    assert "192.0.2.0/24\n2001:db8::/32" in page and 'value="2015-01-01"' in page
    changed = {"action": "exclude", "embargo": "6months", "reason": "asked for"}
    assert send(client, f"/access/{rule.number}", **changed)[0] == 303
    (rule,) = holdings.access.all()
    assert (rule.action.value, rule.since, rule.addresses, rule.reason) == ("exclude", 0, (), "asked for") and rule.embargo
    status, page = send(client, f"/access/{rule.number}", action="exclude", embargo="soon")
    assert status == 400 and 'value="soon"' in page
    for wrong in ({"what": ""}, {"what": "http://["}, {"target": "nothing"}, {"action": "hide"}, {"collection": "nope"}):
        status, page = send(client, "/access", **(form | wrong))
        assert status in (400, 404) and 'class="problem" role="alert"' in page, wrong
    assert len(holdings.access.all()) == 1
    viewer = logged_in(app, holdings, Role.VIEWER)
    assert "New rule" not in see(viewer, "/access") and send(viewer, f"/access/{rule.number}/remove")[0] == 403
    assert send(client, f"/access/{rule.number}/remove")[0] == 303 and holdings.access.all() == []
    deeds = [item.action for item in holdings.audit.entries() if item.action.startswith("access.")]
    assert deeds == ["access.add", "access.set", "access.remove"]


def test_rules_of_deletions_and_of_private_seeds_are_shown_and_not_changed_there(
    client: FlaskClient, holdings: Holdings
) -> None:
    SeedRegistry(holdings.engine, holdings.collections.now).add("default", [SeedDraft("http://a.org/x/", is_public=False)])
    rule = deletion.rule_for(holdings, deletion.Selection("default", url="http://b.org/"), reason="asked for")
    number = deletion.suppress(holdings, rule).number
    page = see(client, "/access")
    assert "part of a deletion" in page and f'href="/access/{number}"' not in page
    assert "Seeds that are not public" in page and "all that begins with org,a)/x/" in page
    see(client, f"/access/{number}", 409)
    assert send(client, f"/access/{number}/remove")[0] == 409
    assert "A seed that is not public decides" in see(client, "/access?url=http://a.org/x/y&of=default")
