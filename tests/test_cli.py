"""The command line as people and programs use it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from contextlib import redirect_stderr, redirect_stdout, suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from threading import Event

import pytest

from archiver.cli.main import run
from tests.servers.routes import Answer, Asked, RouteServer
from tests.servers.warcs import response_record

MUNIMENT = str(Path(sys.executable).with_name("muniment"))


def muniment(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program, in a process of its own."""
    command = [MUNIMENT, "--archive", str(home), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


def said(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in this process, which takes a fraction of the time."""
    out, errors = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        status = run(["--archive", str(home), *arguments])
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), errors.getvalue())


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from archiver.cli.main import run; status = run(['--help']);"
        "print(status, sorted({'sqlalchemy', 'flask', 'requests', 'rich', 'bs4', 'granian'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in ("capture", "collection", "crawl", "import", "serve", "versions"):
        assert f"\n  {name} " in done.stdout
    assert done.stdout.endswith("0 []\n")


@pytest.mark.parametrize("command", ["capture", "collection", "crawl", "import", "serve", "versions"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    assert "Usage: muniment" in capsys.readouterr().out


def test_the_main_job(tmp_path: Path) -> None:
    home = tmp_path / "home"
    page = Answer(b"<title>Page</title><img src=gone.png>")
    with RouteServer({"/": page, "/favicon.ico": Answer(b"i", "image/x-icon")}) as server:
        url = server.url("/")
        done = muniment(home, "capture", "--allow-private", url)
    assert done.returncode == 0
    assert "Captured “Page”: 3 resources" in done.stdout
    assert "the server answered 404" in done.stdout
    assert f"/{url}" in done.stdout.splitlines()[-1]
    listed = json.loads(muniment(home, "versions", url, "--json").stdout)
    assert [(item["status"], item["mime"]) for item in listed] == [(200, "text/html")]
    table = muniment(home, "versions", url).stdout
    assert listed[0]["address"] in table


def test_unchanged_since_is_said(tmp_path: Path) -> None:
    with RouteServer({"/": Answer(b"<p>same")}) as server:
        for _ in range(2):
            said(tmp_path, "capture", "--allow-private", server.url("/"))
        found = json.loads(said(tmp_path, "versions", "--json", server.url("/")).stdout)
    assert [item["unchanged_since"] for item in found] == [None, found[0]["timestamp"]]


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["capture", "ftp://example.org/"], 2, "not an http or https address"),
        (["capture", "http://"], 2, "is not a web address"),
        (["capture"], 2, "Missing argument"),
        (["capture", "http://127.0.0.1:9/"], 1, "was not captured"),
        (["capture", "http://x.example/", "-c", "defualt"], 1, "Did you mean “default”?"),
        (["versions", "http://never.example/"], 1, "muniment capture http://never.example/"),
        (["collection", "create", "All"], 2, "cannot be the name"),
        (["collection", "create", "all"], 2, "cannot be the name"),
        (["collection", "show", "nothing"], 1, "There is no collection"),
        (["import", "no-such-file.warc"], 2, "There is no file"),
        (["nonsense"], 2, "No such command"),
        (["serve", "--proxy", "8082", "--proxy-collection", "nothing"], 1, "There is no collection"),
        (["serve", "--proxy", "8080"], 2, "cannot have the same port"),
        (["serve", "--proxy", "8082", "--proxy-time", "May"], 2, "is not a date"),
        (["capture", "--connections", "0", "http://x.example/"], 2, "at least 1"),
    ],
)
def test_mistakes_get_a_sentence_and_a_status(tmp_path: Path, arguments: list[str], status: int, says: str) -> None:
    done = said(tmp_path, *arguments)
    assert done.returncode == status, done.stderr
    assert says in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_an_unknown_setting_in_the_environment_is_an_error(tmp_path: Path) -> None:
    done = muniment(tmp_path, "collection", "list", MUNIMENT_COLECTION="x")
    assert done.returncode == 2
    assert "Did you mean “collection”?" in done.stderr


def test_an_archive_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = said(tmp_path / "file" / "home", "collection", "list")
    assert done.returncode == 1
    assert "archive folder cannot be made" in done.stderr
    assert "Traceback" not in done.stderr


def test_collections_are_made_shown_changed_and_listed(tmp_path: Path) -> None:
    made = said(tmp_path, "collection", "create", "unesco", "--title", "UNESCO", "--organisation", "UN", "--json")
    assert json.loads(made.stdout)["title"] == "UNESCO"
    again = said(tmp_path, "collection", "create", "unesco")
    assert again.returncode == 1
    assert "already a collection" in again.stderr
    changed = said(tmp_path, "collection", "set", "unesco", "--description", "Pages", "--visibility", "private", "--json")
    shown = json.loads(changed.stdout)
    assert (shown["description"], shown["visibility"], shown["organisation"]) == ("Pages", "private", "UN")
    listed = json.loads(said(tmp_path, "collection", "list", "--json").stdout)
    assert [item["name"] for item in listed] == ["default", "unesco"]


def test_ctrl_c_keeps_what_came_and_says_so(tmp_path: Path) -> None:
    asked, release = Event(), Event()

    def slow(_: Asked) -> Answer:
        asked.set()
        release.wait(20)
        return Answer(b"late", "image/png")

    with RouteServer({"/": Answer(b"<img src=slow.png>"), "/slow.png": slow}) as server:
        command = [MUNIMENT, "--archive", str(tmp_path), "capture", "--allow-private", server.url("/")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert asked.wait(20)
            process.send_signal(signal.SIGINT)
            release.set()
            _, errors = process.communicate(timeout=30)
        url = server.url("/slow.png")
    assert process.returncode == 130
    assert "were kept" in errors
    assert "Traceback" not in errors
    assert json.loads(said(tmp_path, "versions", "--json", url).stdout)[0]["mime"] == "image/png"


def test_a_terminal_sees_a_bar_with_what_is_going_on(tmp_path: Path) -> None:
    seen = b""
    asked, release = Event(), Event()

    def slow(_: Asked) -> Answer:
        asked.set()
        release.wait(20)
        return Answer(b"x" * 5000, "image/png")

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    with RouteServer({"/": Answer(b"<img src=slow.png>"), "/slow.png": slow}) as server:
        command = [MUNIMENT, "--archive", str(tmp_path), "capture", "--allow-private", server.url("/")]
        terminal = os.environ | {"TERM": "xterm"}
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=terminal) as process:
            os.close(theirs)
            assert asked.wait(20)
            while b"2/3" not in seen:  # the page and its icon are done, its image is not
                seen += os.read(ours, 4096)
            release.set()
            with suppress(OSError):  # the end of a terminal
                while data := os.read(ours, 4096):
                    seen += data
    os.close(ours)
    assert process.returncode == 0
    assert b"127.0.0.1" in seen  # the host it is at
    assert b" B" in seen or b"kB" in seen


def test_in_place_files_stay_where_they_are(tmp_path: Path) -> None:
    with RouteServer({"/": Answer(b"<p>x")}) as server:
        said(tmp_path / "one", "capture", "--allow-private", server.url("/"))
        url = server.url("/")
    (file,) = (tmp_path / "one" / "archive").glob("*.warc.gz")
    done = said(tmp_path / "two", "import", "--in-place", str(file), "--json")
    assert json.loads(done.stdout)["files"][0]["captures"] == 2
    assert not list((tmp_path / "two").rglob("*.warc.gz"))
    assert json.loads(said(tmp_path / "two", "versions", "--json", url).stdout)[0]["file"] == str(file)


def test_what_an_imported_file_says_cannot_steer_the_terminal(tmp_path: Path) -> None:
    moment = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    record = response_record("http://example.org/\x1b]0;mine\x07.", moment, b"x", headers="Content-Type: a/\x1b[31m\r\n")
    (tmp_path / "hostile.warc.gz").write_bytes(record)
    assert said(tmp_path, "import", str(tmp_path / "hostile.warc.gz")).returncode == 0
    listed = said(tmp_path, "versions", "http://example.org/%1B]0;mine%07.")
    assert listed.returncode == 0
    assert "http://example.org/%1B]0;mine%07." in listed.stdout
    assert "\x1b" not in listed.stdout + listed.stderr
