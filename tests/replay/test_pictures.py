"""Pictures that crawlers took of pages, as a reader sees them: beside times, about a capture, compared; and who does not."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from flask.testing import FlaskClient
from PIL import Image

from archiver.collections.access import Action
from archiver.collections.accesswords import make_rule
from archiver.collections.seeds import SeedRegistry
from archiver.collections.seedvalues import SeedDraft
from archiver.index.attaching import attach_server
from archiver.pagepictures import PictureKind
from archiver.rasters import MOST_PIXELS, compare, cropped, measure
from archiver.rebuild import Rebuild
from archiver.search.build import read_texts
from archiver.warc.importer import import_file
from replay import picturefiles
from replay.counting import Counts
from tests.servers.indexes import CdxServer
from tests.servers.warcs import resource_record, response_record

URL = "https://www.un.org/fr/Page?x=1"
START = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
STAMP = "20160810204623"
Open = Callable[..., FlaskClient]


def drawn(colour: str = "white", size: tuple[int, int] = (64, 100), mark: int = 0, form: str = "PNG") -> bytes:
    """A picture of one colour, with black in so many rows from its top."""
    picture = Image.new("RGB", size, colour)
    picture.paste("black", (0, 0, size[0], mark))
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


def page(seconds: float = 0, text: str = "text", url: str = URL, status: str = "200 OK") -> bytes:
    return response_record(url, START + timedelta(seconds=seconds), text.encode(), status=status)


def shot(name: str, seconds: float = 5, data: bytes = b"", url: str = URL, mime: str = "image/png") -> bytes:
    return resource_record(name + url, START + timedelta(seconds=seconds), data or drawn(), mime)


@pytest.fixture
def archive(reader: Open) -> Open:
    """A reader that waits for what is counted, however slow the machine is."""

    def make(*records: bytes, **settings: object) -> FlaskClient:
        client = reader(*records, **settings)
        client.application.extensions["muniment.counts"] = Counts(monotonic, wait=60)
        return client

    return make


def text_of(client: FlaskClient, path: str, language: str = "en", status: int = 200) -> str:
    answer = client.get(path, headers={"Accept-Language": language})
    assert answer.status_code == status, answer.status
    return answer.get_data(as_text=True)


def small(stamp: str = STAMP, url: str = URL) -> str:
    return f"/-/picture/small/unesco/{stamp}/{url}"


NAMES = {
    "urn:thumbnail:": "thumbnail", "thumbnail:": "thumbnail", "urn:view:": "view", "urn:fullPage:": "full",
    "urn:fullPageFinal:": "full", "screenshot:": "full", "http://web.archive.org/screenshot/": "full",
}  # fmt: skip


def test_pictures_are_known_by_the_names_that_crawlers_give_them(archive: Open) -> None:
    pages = [f"https://e.org/{number}?x=1" for number in range(len(NAMES))]
    client = archive(
        *(page(url=url) for url in pages),
        *(shot(name, url=url) for name, url in zip(NAMES, pages, strict=True)),
    )
    for kind, url in zip(NAMES.values(), pages, strict=True):
        assert f'src="{small(url=url)}"' in text_of(client, f"/unesco/*/{url}")
        about = text_of(client, f"/-/about/unesco/{STAMP}/{url}")
        assert f'href="/-/picture/{kind}/unesco/{STAMP}/{url}"' in about
        assert re.search(r"Picture taken [^<]*20:46:28", about)
        assert client.get(f"/-/picture/{kind}/unesco/{STAMP}/{url}").data == drawn()
        others = set(PictureKind) - {PictureKind(kind)}
        assert {client.get(f"/-/picture/{other}/unesco/{STAMP}/{url}").status_code for other in others} == {404}


def test_small_pictures_stand_at_times_in_lists_in_search_and_in_the_collection(archive: Open) -> None:
    client = archive(page(), page(86400), shot("urn:view:", 86405), shot("urn:thumbnail:", 86405, drawn("red")))
    calendar = text_of(client, f"/unesco/*/{URL}")
    picture = rf'<a href="/unesco/20160811204623/[^"]+"><img class="shot" src="{re.escape(small("20160811204623"))}"'
    assert len(re.findall("<li>" + picture, calendar)) == len(re.findall("<td>" + picture, calendar)) == 1
    assert calendar.count('class="shot"') == 2
    assert all('width="' in tag and 'height="' in tag for tag in re.findall(r"<img[^>]*>", calendar))
    assert text_of(client, f"/unesco/-/captures?url={URL.replace('?', '%3F')}").count('class="shot"') == 1
    holdings = client.application.extensions["muniment.holdings"]
    SeedRegistry(holdings.engine, holdings.collections.now).add("unesco", [SeedDraft(URL)])
    read_texts(holdings)
    assert f'src="{small("20160811204623")}"' in text_of(client, "/unesco/")
    assert f'src="{small("20160811204623")}"' in text_of(client, "/unesco/?q=text")
    answer = client.get(small("20160811204623"))
    assert measure(answer.data) is not None and answer.mimetype == "image/jpeg"
    with Image.open(io.BytesIO(answer.data)) as made:
        assert made.size == (320, 200)
        red, green, _ = made.getpixel((5, 5))  # type: ignore[misc]  # the thumbnail, not the larger picture
        assert red > 200 and green < 60
    text_of(client, small(), status=404)


def test_a_picture_belongs_to_the_capture_before_it_and_to_none_after_an_hour(archive: Open) -> None:
    client = archive(
        page(), page(60 * 30), page(60 * 90), shot("urn:view:", 60 * 30 + 20, drawn("red")), shot("urn:view:", 60 * 151)
    )
    assert [client.get(small(f"20160810{time}")).status_code for time in ("204623", "211623", "221623")] == [404, 200, 404]


def test_a_page_that_was_led_to_https_has_the_picture_of_the_address_that_was_asked_for(archive: Open) -> None:
    client = archive(
        page(url="http://e.org/", status="301 Moved"), page(1, url="https://e.org/"), shot("urn:view:", 9, url="http://e.org/")
    )
    text = text_of(client, "/unesco/*/https://e.org/")
    assert small("20160810204624", "https://e.org/") in text
    assert small(STAMP, "http://e.org/") not in text


def test_pictures_of_what_only_has_the_same_key_are_not_taken_for_those_of_a_page(archive: Open) -> None:
    client = archive(page(url="https://e.org/Page"), shot("urn:view:", url="https://e.org/page"))
    assert 'class="shot"' not in text_of(client, "/unesco/*/https://e.org/Page")


def test_pictures_are_found_among_all_collections_too_but_not_those_of_another_one(archive: Open, tmp_path: Path) -> None:
    client = archive(page(), shot("urn:view:"))
    holdings = client.application.extensions["muniment.holdings"]
    holdings.collections.create("other", title="Other")
    path = tmp_path / "other.warc.gz"
    path.write_bytes(page(1, "of another collection"))
    import_file(path, collection="other", store=holdings.store, index=holdings.index)
    assert re.findall(r'class="shot" src="([^"]+)"', text_of(client, f"/all/*/{URL}")) == [small().replace("unesco", "all")] * 2
    assert client.get(small().replace("unesco", "all")).status_code == 200
    assert client.get(small("20160810204624").replace("unesco", "all")).status_code == 404


def test_pictures_go_with_their_page_when_it_is_downloaded(archive: Open) -> None:
    client = archive(
        page(), page(600, "later"), shot("urn:view:"), shot("urn:thumbnail:"), shot("urn:view:", 605, drawn("red"))
    )
    records = gzip.decompress(client.get(f"/-/download/warc/unesco/{STAMP}/{URL}").data)
    assert sorted(re.findall(rb"WARC-Target-URI: <?(urn:\w+):", records)) == [b"urn:thumbnail", b"urn:view"]
    assert drawn() in records and drawn("red") not in records


def test_pictures_are_there_again_after_a_rebuild_and_ask_no_other_server(archive: Open) -> None:
    client = archive(page(), shot("urn:view:"))
    holdings = client.application.extensions["muniment.holdings"]
    Rebuild(holdings).run()
    with CdxServer([]) as server:
        attach_server(holdings, "unesco", server.url("/pywb"), replay=server.url("/web"))
        assert small() in text_of(client, f"/unesco/*/{URL}")
        assert not [asked["url"] for asked in server.asked if "urn:" in asked["url"]]


# -- what is served --------------------------------------------------------------------------------------------------


def test_pictures_are_served_as_what_their_bytes_are_and_can_do_nothing(archive: Open) -> None:
    pages = {form: f"https://e.org/{form}" for form in ("PNG", "JPEG", "GIF", "WEBP")}
    client = archive(
        *(page(url=url) for url in pages.values()),
        *(shot("urn:view:", data=drawn(form=form), url=url, mime="image/svg+xml") for form, url in pages.items()),
    )
    for form, url in pages.items():
        answer = client.get(f"/-/picture/view/unesco/{STAMP}/{url}")
        assert answer.mimetype == f"image/{form.lower()}"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        again = client.get(f"/-/picture/view/unesco/{STAMP}/{url}", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304


def test_what_is_no_picture_or_too_large_a_one_is_not_served(archive: Open) -> None:
    small_one, many_pixels = b"\x00\x00\x00\x01\x00\x00\x00\x01", b"\x00\x01\x00\x00\x00\x01\x00\x00"
    files = {
        "html": b"<script>alert(1)</script>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "broken": b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
        "bomb": drawn("white", (1, 1)).replace(small_one, many_pixels),
        "scans": drawn(form="JPEG") + b"\xff\xda" * 200,
    }
    client = archive(
        *(page(url=f"https://e.org/{name}") for name in files),
        *(shot("urn:view:", data=data, url=f"https://e.org/{name}") for name, data in files.items()),
    )
    for name in files:
        for size in ("small", "view", "huge"):
            assert client.get(f"/-/picture/{size}/unesco/{STAMP}/https://e.org/{name}").status_code == 404


def test_of_two_pictures_in_one_file_the_first_is_shown_and_what_breaks_is_decoded_once(
    archive: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = io.BytesIO()
    Image.new("RGB", (64, 100), "red").save(both, "MPO", save_all=True, append_images=[Image.new("RGB", (64, 100), "blue")])
    torn = drawn("red", (300, 300))[:-30]
    client = archive(
        page(), shot("urn:view:", data=both.getvalue(), mime="image/jpeg"),
        page(url="https://e.org/torn"), shot("urn:view:", data=torn, url="https://e.org/torn"),
    )  # fmt: skip
    assert client.get(f"/-/picture/view/unesco/{STAMP}/{URL}").mimetype == "image/jpeg"
    red, green, _ = Image.open(io.BytesIO(client.get(small()).data)).getpixel((5, 5))  # type: ignore[misc]
    assert red > 200 and green < 60
    tried = []
    monkeypatch.setattr(picturefiles, "cropped", lambda *args: tried.append(args) or cropped(*args))
    assert [client.get(small(url="https://e.org/torn")).status_code for _ in range(3)] == [404] * 3
    assert len(tried) == 1


def test_what_is_not_said_to_be_a_picture_is_not_looked_at(archive: Open) -> None:
    client = archive(page(), shot("urn:view:", mime="text/html"))
    assert 'class="shot"' not in text_of(client, f"/unesco/*/{URL}")


# -- who may see them ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [Action.BLOCK, Action.EXCLUDE])
def test_who_may_not_see_a_page_does_not_see_its_picture(archive: Open, action: Action) -> None:
    names = {"urn:view:": "view", "http://web.archive.org/screenshot/": "full"}
    client = archive(page(), page(86400), *(shot(name, seconds) for name in names for seconds in (5, 86405)))
    holdings = client.application.extensions["muniment.holdings"]
    served = [small(), *(f"/-/picture/{kind}/unesco/{STAMP}/{URL}" for kind in names.values())]
    replayed = [f"/unesco/{STAMP}im_/{name}{URL}" for name in names]

    def pictures() -> list[str]:
        answers = {path: client.get(path, follow_redirects=True).data for path in served + replayed}
        return [path for path, data in answers.items() if data.startswith((b"\x89PNG", b"\xff\xd8"))]

    assert pictures() == served + replayed
    holdings.access.add([make_rule(action, url=URL, until="20160810")], actor="ada")
    assert not set(pictures()) & set(served)
    assert client.get(small("20160811204623")).status_code == 200
    assert client.get(small("20160811204623")).headers["Cache-Control"] == "private, no-cache"
    holdings.access.add([make_rule(action, url=URL)], actor="ada")
    assert pictures() == []


def test_the_picture_of_a_hidden_capture_is_not_taken_for_one_of_the_capture_before(archive: Open) -> None:
    client = archive(page(), page(600, "secret"), shot("urn:view:", 605))
    holdings = client.application.extensions["muniment.holdings"]
    holdings.access.add([make_rule(Action.EXCLUDE, url=URL, since="20160810205623", until="20160810205623")], actor="ada")
    assert 'class="shot"' not in text_of(client, f"/unesco/*/{URL}")
    assert client.get(small()).status_code == 404


# -- compared --------------------------------------------------------------------------------------------------------


def test_two_versions_are_compared_by_their_pictures(archive: Open) -> None:
    client = archive(
        page(), page(86400, "other"), shot("urn:view:", data=drawn()), shot("urn:view:", 86405, drawn(mark=25)),
        shot("urn:fullPage:", data=drawn()), shot("urn:fullPage:", 86405, drawn(size=(64, 200))),
    )  # fmt: skip
    where = f"/unesco/-/compare?url={URL.replace('?', '%3F')}"
    assert "50% of the picture differs" in text_of(client, f"{where}&kind=full")  # one of the pages is twice as high
    text = text_of(client, where)
    assert "25% of the picture differs" in text
    assert re.findall(r'<img src="/-/picture/view/[^"]+" width="(\d+)" height="(\d+)"', text) == [("64", "100")] * 2
    path = re.search(r'<img src="(/unesco/-/difference[^"]+)"', text)
    assert path is not None
    answer = client.get(path[1].replace("&amp;", "&"))
    with Image.open(io.BytesIO(answer.data)) as seen:
        assert seen.size == (64, 100)
        (red, green, _), below = seen.getpixel((32, 10)), seen.getpixel((32, 60))  # type: ignore[misc]
        assert red > 150 and green < 120
        assert min(below) > 240  # type: ignore[arg-type, type-var]
    assert "Отличается 25" in text_of(client, f"{where}&kind=view", "ru")
    assert not re.search(r"<style|\sstyle=|\son\w+=", text)


def test_pictures_that_are_the_same_or_cannot_be_compared_say_so(archive: Open) -> None:
    half = drawn()[:-40]
    client = archive(
        page(), page(86400, "b"), page(2 * 86400, "c"), shot("screenshot:"), shot("screenshot:", 86405),
        shot("screenshot:", 2 * 86400 + 5, half),
    )  # fmt: skip
    where = f"/unesco/-/compare?url={URL.replace('?', '%3F')}"
    text = text_of(client, f"{where}&a={STAMP}&b=20160811204623")
    assert "The pictures are the same." in text and "/-/difference" not in text
    assert "cannot be compared" in text_of(client, where)
    assert client.get(f"/unesco/-/difference?url={URL}&a={STAMP}&b=2016&kind=full").status_code == 404


def test_shares_and_bounds_of_comparisons() -> None:
    wide = drawn(size=(2000, 200))
    found = compare(drawn(size=(1000, 100)), wide)  # the same page on a finer screen
    assert found is not None and (found.share, found.width, found.height) == (0, 1000, 100)
    assert compare(drawn(), b"GIF89a") is None
    seen_through = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(seen_through, "PNG")
    same = compare(seen_through.getvalue(), drawn(size=(8, 8)))
    assert same is not None and same.share == 0
    tall = drawn(size=(100, 4000), mark=50)
    made = cropped(tall, 32, 20)
    assert made is not None
    with Image.open(io.BytesIO(made)) as picture:
        assert max(picture.getpixel((16, 10))) < 10  # type: ignore[arg-type, type-var]  # the top of the page
    assert MOST_PIXELS < 10**8
