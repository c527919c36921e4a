"""A crawl that logs in: who is shown its secrets, what is recorded of them, and when it knows that it is logged out."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.crawl.decision import Verdict
from archiver.crawl.login import LoggedOut, SessionWatch, is_logout, looks_like_login
from archiver.errors import UsageError
from archiver.fetch.challenge import best_challenge, digest_answer, read_challenges
from archiver.fetch.cookies import CrawlCookies, PageCookies
from archiver.fetch.guard import AddressGuard
from archiver.fetch.http import FetchLimits, HttpFetcher
from archiver.fetch.login import Answered, Login, open_login
from archiver.fetch.secrets import Credential, read_cookies, read_credentials, read_headers
from archiver.fetch.withhold import withhold
from archiver.message import parse_head
from archiver.model import Exchange
from archiver.store.folder import FolderStore
from archiver.warc.records import WarcInfo
from archiver.warc.writer import WarcWriter
from tests.archiver.test_warc import REQUEST, exchange
from tests.servers.members import PASSWORD, SESSION, USER, Members
from tests.servers.routes import Answer, RouteServer

# -- logout links ----------------------------------------------------------------------------------------------------

H = "http://e.org"


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("/logout", ""), ("/logout.php", ""), ("/log-out/", ""), ("/users/sign_out", ""), ("/account/signOut", ""),
        ("/LogoutServlet", ""), ("/doLogout.do", ""), ("/index.php?title=Special:UserLogout&returnto=Main", ""),
        ("/wp-login.php?action=logout&_wpnonce=1", ""), ("/ucp.php?mode=logout&sid=1", ""), ("/?logout", ""),
        ("/?logout=1", ""), ("/j_spring_security_logout", ""), ("/sessions/destroy", ""), ("/user/abmelden", ""),
        ("/d%C3%A9connexion", ""), ("/fr/se-deconnecter", ""), ("/cerrar-sesion", ""), ("/wiki/Spezial:Abmelden", ""),
        ("/x?a=b;do=logoff", ""), ("/%E7%99%BB%E5%87%BA", ""), ("/leave?id=7", "Log out"), ("/x", " Sign out "),
        ("/x", "Déconnexion"), ("/x", "ログアウト"),
    ],
)  # fmt: skip
def test_links_that_end_a_session_are_left_alone(url: str, text: str) -> None:
    decision = is_logout(H + url, text)
    assert decision is not None and decision.verdict is Verdict.LOGOUT and not decision.taken and decision.detail


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("/help/how-to-log-out-of-the-portal", ""), ("/login?next=/logout", ""), ("/login?logout=0", ""),
        ("/blog/logout-button", ""),
        ("/outlook", ""), ("/catalogue/out", ""), ("/signs/outdoor", ""), ("/news?q=who+signed+out+the+book", ""),
        ("/design-off", ""), ("/log/out-of-range", ""), ("/x", "How to log out"), ("/x", "Outlook"), ("/technologoutline", ""),
        ("/" + "logout-" * 1000, ""),
    ],
)  # fmt: skip
def test_links_that_only_speak_of_it_are_not(url: str, text: str) -> None:
    assert is_logout(H + url, text) is None


@pytest.mark.parametrize(
    ("url", "is_login"),
    [
        ("/login?next=/a", True), ("/user/sign_in", True), ("/wp-login.php", True), ("/sessions/new", True), ("/cas/", True),
        ("/saml2/idp", True), ("/blogging", False), ("/a?next=/login", False), ("/authors", False),
        ("/cassettes", False),
    ],
)  # fmt: skip
def test_addresses_that_ask_who_one_is(url: str, is_login: bool) -> None:
    assert looks_like_login(H + url) is is_login
    assert looks_like_login("https://sso.e.org/x") and looks_like_login("https://login.e.org:8443/")


# -- logged out ------------------------------------------------------------------------------------------------------


def test_one_refusal_is_no_proof_but_several_in_a_row_are() -> None:
    watch = SessionWatch()

    def ask(path: str, status: int, location: str = "") -> LoggedOut | None:
        return watch.answered("e.org", H + path, status, location=location and H + location)

    assert [ask("/a", 200), ask("/1", 302, "/login"), ask("/2", 302, "/login?x"), ask("/b", 200)] == [None] * 4
    assert [ask("/3", 302, "/login"), ask("/3", 302, "/login"), ask("/4", 401)] == [None] * 3, "the same URL counts once"
    gone = ask("/5", 302, "/login?token=1")
    assert gone is not None and gone.urls == (f"{H}/3", f"{H}/4", f"{H}/5")
    assert "log in again" in gone.reason and "token" not in gone.reason
    assert [ask(f"/f{number}", 403) for number in range(4)] == [None] * 4
    assert ask("/f9", 403) is not None


def test_a_host_that_never_answered_well_has_no_session_to_lose() -> None:
    watch = SessionWatch()
    assert [watch.answered("e.org", f"{H}/{number}", 403) for number in range(9)] == [None] * 9
    assert [watch.answered("e.org", f"{H}/{number}", 302, location=f"{H}/login") for number in range(9)] == [None] * 9
    assert watch.answered("e.org", f"{H}/a", 302, location=f"{H}/b", had_worked=True) is None, "it has only moved"


def test_what_was_answered_before_and_a_cookie_taken_back_prove_it_at_once() -> None:
    assert SessionWatch().answered("e.org", f"{H}/a", 302, location=f"{H}/login", had_worked=True) is not None
    gone = SessionWatch().answered("e.org", f"{H}/a", 200, taken_back=["sid"])
    assert gone is not None and "“sid”" in gone.reason


# -- challenges ------------------------------------------------------------------------------------------------------

RFC = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_answers_as_the_standard_does(algorithm: str, response: str) -> None:  # RFC 7616, section 3.9.1
    (challenge,) = read_challenges([RFC.format(algorithm)])
    answer = digest_answer(
        challenge, method="GET", target="/dir/index.html", user="Mufasa", password="Circle of Life", count=1,
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )  # fmt: skip
    assert f'response="{response}"' in answer
    assert "nc=00000001" in answer and 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in answer


def test_the_strongest_challenge_that_can_be_answered_is() -> None:
    both = read_challenges([f'Negotiate, Basic realm="a, b", {RFC.format("MD5")}', RFC.format("SHA-256")])
    assert [item.scheme for item in both] == ["negotiate", "basic", "digest", "digest"]
    assert both[1].parameters == {"realm": "a, b"}
    best = best_challenge(both)
    assert best is not None and best.parameters["algorithm"] == "SHA-256"
    for other in ('Digest realm="a"', 'Digest nonce="n", algorithm=X', 'Digest nonce="n", qop="auth-int"', "NTLM"):
        assert best_challenge(read_challenges([other])) is None


@pytest.mark.parametrize(
    "text", ["", ",,,,", "=", '"', 'Digest realm="', "Digest " + "a=1," * 5000, "\x00", 'Basic realm="\\', "é"]
)
def test_garbage_is_no_challenge(text: str) -> None:
    assert best_challenge(item for item in read_challenges([text]) if item.scheme != "basic") is None


def test_a_server_cannot_put_a_field_into_our_request() -> None:
    (challenge,) = read_challenges(['Digest realm="a\r\nX-Evil: 1", nonce="n\\"q"'])
    answer = digest_answer(challenge, method="GET", target="/", user='u"', password="p", count=1, cnonce="c")
    assert "\r" not in answer and "\n" not in answer
    assert 'username="u\\""' in answer and 'nonce="n\\"q"' in answer


# -- files -----------------------------------------------------------------------------------------------------------


def file(tmp_path: Path, text: str | bytes, name: str = "secrets") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


COOKIES = """# Netscape HTTP Cookie File
#HttpOnly_.example.org\tTRUE\t/\tTRUE\t4102444800\tsid\tsecret-one

www.example.org\tFALSE\t/a\tFALSE\t0\thost\tonly-here
.example.org\tTRUE\t/\tFALSE\t1000000000\told\tgone
"""


def test_cookies_go_where_browsers_would_send_them(tmp_path: Path) -> None:
    cookies, expired = read_cookies(file(tmp_path, COOKIES), now=1_500_000_000)
    assert ([cookie.name for cookie in cookies], expired) == (["sid", "host"], 1)
    jar = CrawlCookies(lambda host: "example.org" if host.endswith("example.org") else host)
    for cookie in cookies:
        jar.put(cookie)
    sent = {
        url: sorted((jar.header_for(url) or "").split("; "))
        for url in (
            "https://www.example.org/a/b", "https://www.example.org/ab", "http://www.example.org/a", "https://example.org/",
            "https://x.www.example.org/a", "https://notexample.org/", "https://example.org.evil.test/",
        )
    }  # fmt: skip
    assert list(sent.values()) == [
        ["host=only-here", "sid=secret-one"], ["sid=secret-one"], ["host=only-here"], ["sid=secret-one"], ["sid=secret-one"],
        [""], [""],
    ]  # fmt: skip


def test_lines_that_are_no_cookies_are_named_by_number_and_never_shown(tmp_path: Path) -> None:
    good = "e.org\tFALSE\t/\tFALSE\t0\ta\t1\n"
    bad = ["e.org FALSE / FALSE 0 a topsecret", "e.org\tYES\t/\tFALSE\t0\ta\ttopsecret",
           "e.org\tTRUE\tx\tTRUE\t0\ta\ttopsecret",
           "e.org\tTRUE\t/\tTRUE\tsoon\ta\ttopsecret", "e.org\tTRUE\t/\tTRUE\t0\t\t", "\tTRUE\t/\tTRUE\t0\ta\ttopsecret",
           "e.org\tTRUE\t/\tTRUE\t0\ta\ttop\x01secret"]  # fmt: skip
    with pytest.raises(UsageError) as caught:
        read_cookies(file(tmp_path, good + "\n".join(bad)), now=0)
    assert "2, 3, 4, 5, 6 and 2 more" in caught.value.message
    assert "topsecret" not in str(caught.value)


@pytest.mark.parametrize("read", [lambda path: read_cookies(path, 0), lambda path: read_credentials(path, {}), read_headers])
@pytest.mark.parametrize("content", [b"\xff\xfe\x00topsecret", b"x" * 5_000_000, None], ids=["binary", "huge", "missing"])
def test_files_that_are_none_are_told(tmp_path: Path, read: Callable[[Path], object], content: bytes | None) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path / "nowhere" if content is None else file(tmp_path, content))
    assert "topsecret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["[[login]]\nhost='e.org'\nuser='u'\npassword=topsecret", "", "x = 1", "[[login]]\nhost='e.org'\nuser='u'",
     "login = 'topsecret'",
     "[[login]]\nhost='http://e.org/'\nuser='u'\npassword='topsecret'",
     "[[login]]\nhost='e.org'\nuser='u:v'\npassword='topsecret'",
     "[[login]]\nhost='e.org'\nuser='u'\npassword=1", "[[login]]\nhost='e.org'\nuser='u'\npassword='topsecret'\npasswort='x'"],
)  # fmt: skip
def test_credentials_of_another_form_are_told_without_them(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_credentials(file(tmp_path, text), {})
    assert "topsecret" not in str(caught.value)
    assert caught.value.__cause__ is None, "nor in what is logged"


def test_a_password_may_be_in_the_environment(tmp_path: Path) -> None:
    path = file(tmp_path, "[[login]]\nhost = 'E.org:8080'\nuser = 'u'\npassword_env = 'PORTAL'")
    assert read_credentials(path, {"PORTAL": "secret"}) == (Credential("e.org:8080", "u", "secret"),)
    with pytest.raises(UsageError, match="not set"):
        read_credentials(path, {})


@pytest.mark.parametrize("text", ["no colon", "Bad Name: x", "X: a\x01b", "Cookie: a=1", "Host: e.org", "X: 1\nx: 2", "X: ☃"])
def test_header_lines_that_cannot_be_sent_are_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"Line \d of"):
        read_headers(file(tmp_path, text))


def test_a_file_that_others_can_read_is_warned_of_and_a_password_is_in_no_text(tmp_path: Path) -> None:
    path = file(tmp_path, f"[[login]]\nhost = 'e.org'\nuser = '{USER}'\npassword = '{PASSWORD}'")
    assert PASSWORD not in repr(read_credentials(path, {}))
    assert open_login([H], credentials=str(path)).warnings == ()
    path.chmod(0o644)
    (warning,) = open_login([H], credentials=str(path)).warnings
    assert f"chmod 600 {path}" in warning


# -- who is shown them -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hosts", "url", "shown"),
    [
        ((), "http://e.org/a", True), ((), "https://e.org:8443/", True), ((), "https://www.e.org/", False),
        ((), "https://s.test/", True), ((), "http://s.test/", False), ((), "https://e.org.evil.test/", False),
        (("api.e.org",), "https://api.e.org/", True), (("api.e.org",), "http://api.e.org/", False),
        (("api.e.org",), "http://e.org/", False), (("http://api.e.org",), "http://api.e.org/", True),
        ((".e.org",), "https://a.b.e.org/", True), ((".e.org",), "https://note.org/", False),
        ((".e.org",), "http://e.org/", True),
        (("e.org", "[::1]"), "https://[::1]:8/", True),
    ],
)  # fmt: skip
def test_secrets_are_shown_to_seeds_or_named_hosts_only(hosts: tuple[str, ...], url: str, shown: bool) -> None:
    assert open_login(["http://e.org/", "https://s.test/"], hosts=hosts).shown(url) is shown


def test_where_a_seed_redirects_to_is_shown_them_but_not_in_clear_for_the_first_time() -> None:
    secure, plain, named = open_login(["https://e.org/"]), open_login(["http://e.org/"]), open_login([H], hosts=["e.org"])
    for login in (secure, plain, named):
        login.show_to("http://www.e.org/")
    assert secure.shown("https://www.e.org/") and not secure.shown("http://www.e.org/")
    assert plain.shown("http://www.e.org/a") and not plain.shown("http://cdn.e.org/")
    assert not named.shown("https://www.e.org/")


def test_a_host_that_is_none_is_told() -> None:
    for host in ("", "e.org/path", "user@e.org", "ftp://e.org"):
        with pytest.raises(UsageError):
            open_login([H], hosts=[host])


# -- what is recorded ------------------------------------------------------------------------------------------------


def test_secrets_are_taken_out_of_a_message_and_nothing_else() -> None:
    secret = "s3cr3t-value-0123"
    request = (
        f"GET /a?sid=1 HTTP/1.1\r\nHost: e.org\r\nAuthorization: Bearer {secret}\r\ncookie: sid={secret}; flag; a=\r\n"
        f"X-Key:  {secret}\r\n and more\r\nReferer: http://e.org/?k={secret}&x=1\r\nAccept: */*\r\n\r\nbody {secret}"
    )
    reply = (
        f"HTTP/1.1 200 OK\r\nSet-Cookie: sid={secret}; Path=/; HttpOnly\r\nset-cookie : x=1\r\nX-Odd\r\nVary: a\r\n"
        f"Set-Cookie: gone=; Max-Age=0\r\nAuthentication-Info: rspauth=1\r\n\r\nbody with {secret}"
    )
    given = exchange(reply.encode(), request=request.encode(), interim=f"HTTP/1.1 103 X\r\nX-Key: {secret}\r\n\r\n".encode())
    kept = withhold(given, fields=["x-key"], secrets=[secret, "short"])
    assert kept.request.decode() == (
        "GET /a?sid=1 HTTP/1.1\r\nHost: e.org\r\nAuthorization: Bearer [withheld]\r\ncookie: sid=[withheld]; [withheld]; a=\r\n"
        f"X-Key:  [withheld]\r\nReferer: http://e.org/?k=[withheld]&x=1\r\nAccept: */*\r\n\r\nbody {secret}"
    )
    assert kept.response is not None and kept.response.read().decode() == (
        "HTTP/1.1 200 OK\r\nSet-Cookie: sid=[withheld]; Path=/; HttpOnly\r\nset-cookie : x=[withheld]\r\nX-Odd\r\nVary: a\r\n"
        f"Set-Cookie: gone=; Max-Age=0\r\nAuthentication-Info: [withheld]\r\n\r\nbody with {secret}"
    )
    assert kept.interim == b"HTTP/1.1 103 X\r\nX-Key: [withheld]\r\n\r\n"
    assert kept.withheld == (
        "request Authorization", "request cookie", "request X-Key", "request Referer", "interim response X-Key",
        "response Set-Cookie", "response set-cookie", "response Authentication-Info",
    )  # fmt: skip
    kept.response.seek(0, 2)
    assert kept.response.tell() == kept.response_length
    kept.close()


@pytest.mark.parametrize(
    "reply", [b"", b"\xff\xfe", b"Set-Cookie: a=b", b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r", b"HTTP/1.1 200\n:\n\n"]
)
def test_odd_answers_are_passed_on(reply: bytes) -> None:
    kept = withhold(exchange(reply), fields=["x"], secrets=["abcdefghijklmn"])
    assert kept.response is not None
    text = kept.response.read()
    assert len(text) == kept.response_length
    assert text == reply or b"[withheld]" in text
    assert kept.request == REQUEST
    kept.close()


class Site:
    """Fetches with a login, records, and keeps what was said."""

    def __init__(self, folder: Path, login: Login) -> None:
        self.login = login
        self.store = FolderStore(folder / "archive")
        moment = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)
        numbers = iter(range(1, 10_000))
        self.writer = WarcWriter(
            self.store, prefix="t", warcinfo=WarcInfo("t"), clock=lambda: moment, new_id=lambda: f"<urn:uuid:{next(numbers)}>"
        )
        self.fetcher = HttpFetcher(user_agent="t", guard=AddressGuard(allow_private=True), limits=FetchLimits(max_seconds=20))

    def fetch(self, url: str, *, had_worked: bool = False) -> list[tuple[int | None, Answered]]:
        def send(headers: dict[str, str]) -> Exchange:
            return self.fetcher.fetch(url, headers=headers)

        found = []
        answers: Iterator[Answered] = self.login.answers(url, {"Accept": "*/*"}, send, had_worked=had_worked)
        for answer in answers:
            self.writer.write_exchange(answer.exchange)
            found.append((answer.exchange.status, answer))
            answer.exchange.close()
        assert [answer.is_final for _, answer in found] == [False] * (len(found) - 1) + [True]
        return found

    def recorded(self) -> bytes:
        """Everything that went into WARC files."""
        self.fetcher.close()
        return b"".join(gzip.decompress((self.store.root / name).read_bytes()) for name in self.writer.close())


def statuses(found: list[tuple[int | None, Answered]]) -> list[int | None]:
    return [status for status, _ in found]


PAGES = {f"/p{number}": b"<p>for members %d" % number for number in range(9)}


def test_a_session_of_cookies_from_its_start_to_its_end(tmp_path: Path) -> None:
    members = Members(PAGES)
    paths = [*PAGES, "/login", "/logout", *(f"/login?next={path}" for path in PAGES)]
    with RouteServer(dict.fromkeys(paths, members.by_cookie)) as server:
        line = f"127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\t{SESSION}\n"
        extra = file(tmp_path, "X-Api-Key: api-key-of-the-crawl", "headers")
        site = Site(tmp_path, open_login([server.url()], cookies=str(file(tmp_path, line)), headers=str(extra)))
        assert statuses(site.fetch(server.url("/p0"))) == [200]
        assert statuses(site.fetch(server.url("/p1"))) == [200]
        assert "visit=visitor-number-8812345" in server.asked[-1].headers["Cookie"], "cookies of the server count too"
        assert server.asked[-1].headers["X-Api-Key"] == "api-key-of-the-crawl"
        members.session = ""
        ends = [site.fetch(server.url(f"/p{number}"))[-1][1].logged_out for number in (2, 3, 4)]
        assert ends[:2] == [None, None] and ends[2] is not None
        assert ends[2].urls == tuple(server.url(f"/p{number}") for number in (2, 3, 4)), "to be fetched again"
        again = site.fetch(server.url("/p1"), had_worked=True)[-1][1]
        assert again.logged_out is not None, "it had worked before"
        gone = site.fetch(server.url("/logout"))[-1][1]
        assert gone.logged_out is not None and "“sid”" in gone.logged_out.reason
        recorded = site.recorded()
    for secret in (SESSION, "visitor-number", "api-key-of-the-crawl"):
        assert secret.encode() not in recorded
    assert b"Cookie: sid=[withheld]" in recorded and b"X-Sid: now [withheld]" in recorded
    assert b"Set-Cookie: visit=[withheld]; Path=/; HttpOnly" in recorded
    assert b"withheld: request Cookie, request X-Api-Key, response Set-Cookie, response X-Sid\r\n" in recorded
    assert b"<p>for members 1" in recorded


def login_with_password(seed: str, password: str = PASSWORD) -> Login:
    host = seed.split("/")[2]
    return Login({host.partition(":")[0]: True}, credentials=[Credential(host, USER, password)])


@pytest.mark.parametrize("way", ["by_basic", "by_digest"])
def test_a_password_is_sent_once_it_is_asked_for_and_then_at_once(tmp_path: Path, way: str) -> None:
    members = Members(PAGES)
    with RouteServer(dict.fromkeys(PAGES, getattr(members, way))) as server:
        site = Site(tmp_path, login_with_password(server.url()))
        assert statuses(site.fetch(server.url("/p0"))) == [401, 200]
        assert statuses(site.fetch(server.url("/p1"))) == [200]
        assert statuses(site.fetch(server.url("/p2"))) == [200]
        members.nonce = "n2"
        assert statuses(site.fetch(server.url("/p3"))) == ([401, 200] if way == "by_digest" else [200]), "the nonce was too old"
        sent = [asked.headers.get("Authorization", "") for asked in server.asked]
        members.password = "another"
        refused = site.fetch(server.url("/p4"))
        assert refused[-1][0] == 401
        assert refused[-1][1].logged_out is not None and "does not accept" in refused[-1][1].logged_out.reason
        recorded = site.recorded()
    assert recorded.count(b"WARC-Type: response") == len(server.asked), "challenges are recorded too"
    assert sent[0] == "" and all(sent[1:3])
    for text in sent[1:]:
        assert text.partition(" ")[2].encode() not in recorded or not text
    assert PASSWORD.encode() not in recorded
    assert b"[withheld]" in recorded and b"WWW-Authenticate: " in recorded


@pytest.mark.parametrize("way", ["by_basic", "by_digest"])
def test_a_wrong_password_is_not_sent_again_and_again(tmp_path: Path, way: str) -> None:
    members = Members(PAGES)
    with RouteServer(dict.fromkeys(PAGES, getattr(members, way))) as server:
        site = Site(tmp_path, login_with_password(server.url(), "wrong-password"))
        first = site.fetch(server.url("/p0"))
        assert statuses(first) == [401, 401] and first[-1][1].logged_out is not None
        assert statuses(site.fetch(server.url("/p1"))) == [401]
        assert len([asked for asked in server.asked if "Authorization" in asked.headers]) == 1
        site.recorded()


def test_another_part_of_a_site_with_another_password_ends_no_session(tmp_path: Path) -> None:
    members = Members(PAGES)
    closed = Answer(b"no", status=401, headers=(("WWW-Authenticate", 'Basic realm="others"'),))
    with RouteServer({**dict.fromkeys(PAGES, members.by_basic), "/admin": closed}) as server:
        site = Site(tmp_path, login_with_password(server.url()))
        site.fetch(server.url("/p0"))
        answer = site.fetch(server.url("/admin"))[-1][1]
        assert answer.exchange.status == 401 and answer.logged_out is None
        assert statuses(site.fetch(server.url("/p1"))) == [200]
        site.recorded()


def test_a_server_that_challenges_for_ever_is_asked_three_times(tmp_path: Path) -> None:
    numbers = iter(range(100))

    def stale(_: object) -> Answer:
        value = f'Digest realm="r", nonce="{next(numbers)}", stale=true'
        return Answer(b"no", status=401, headers=(("WWW-Authenticate", value),))

    with RouteServer({"/": stale}) as server:
        site = Site(tmp_path, login_with_password(server.url()))
        assert statuses(site.fetch(server.url("/"))) == [401, 401, 401]
        site.recorded()


# -- cookies of a whole crawl ----------------------------------------------------------------------------------------


def test_cookies_of_a_crawl_stay_within_their_site_and_are_bounded() -> None:
    jar = CrawlCookies(lambda host: ".".join(host.split(".")[-2:]), sites=2)

    def learn(url: str, *fields: str) -> None:
        lines = "".join(f"Set-Cookie: {field}\r\n" for field in fields)
        jar.learn(url, parse_head(f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode()))

    learn("http://a.one.org/", "x=1; Domain=one.org", "y=2", "long=" + "z" * 5000)
    assert sorted((jar.header_for("http://a.one.org/") or "").split("; ")) == ["x=1", "y=2"]
    assert jar.header_for("http://b.one.org/") == "x=1"
    assert jar.header_for("http://two.org/") is None
    learn("http://two.org/", *(f"n{number}=1" for number in range(300)))
    assert len((jar.header_for("http://two.org/") or "").split("; ")) == 180
    jar.header_for("http://a.one.org/")
    learn("http://three.org/", "t=1")
    assert jar.header_for("http://two.org/") is None, "the one not asked for longest is forgotten"
    assert jar.header_for("http://a.one.org/") is not None


def test_a_cookie_without_a_domain_is_for_its_own_host_alone() -> None:
    jar = PageCookies()
    jar.learn("http://e.org/", parse_head(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\n\r\n"))
    assert jar.header_for("http://e.org/") == "a=1"
    assert jar.header_for("http://sub.e.org/") is None
