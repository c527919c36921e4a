"""Replay side by side: `muniment serve`, pywb's `wayback` and nginx answer the same requests from the same captures.

One server process each, on one core, the load from the other; medians of five rounds in one run. Pages are real: Python's
documentation as Debian ships it and jQuery from npm, fetched by name. pywb is installed in an environment of its own.

    python benchmarks/replay_speed.py [--only ROW]… [--no-peers] [--profile] [--memory N] [--video]
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from urllib.error import URLError

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archiver.holdings import open_holdings
from archiver.model import Capture
from archiver.settings import load_settings
from archiver.urls import urlkey

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "bench-replay"
PEERS = ROOT / "build" / "peers"
ROUNDS = 5
DISTINCT = 40  # captures of each kind a round
TIMESTAMP = "20200101000000"
SITE = "http://site.example"
MANY = 100_000
MODIFIERS = {"html": ("", "mp_"), "png": ("im_", "im_"), "css": ("cs_", "cs_"), "js": ("js_", "js_")}
CONCURRENCIES = (1, 4, 8)
_PEER_SHARE = 0.05  # of our requests, so that its rounds take about as long


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: for `--only`.
        title: for people.
        kind: of the files asked for.
        target: times as many requests a second as pywb.
        first: each file is asked for once.
        requests: a round, when files are asked for again.
    """

    name: str
    title: str
    kind: str
    target: float
    first: bool = False
    requests: int = 600


ROWS = (
    Row("image", "small image, unrewritten", "png", 15, requests=3000),
    Row("style", "small style sheet", "css", 15, requests=3000),
    Row("small", "13 kB HTML page", "small.html", 15, requests=2000),
    Row("big-first", "290 kB HTML page, first time", "big.html", 8, first=True),
    Row("big", "290 kB HTML page, again", "big.html", 60, requests=1000),
    Row("jquery-first", "jQuery, 290 kB, first time", "js", 10, first=True),
    Row("jquery", "jQuery, 290 kB, again", "js", 100, requests=1500),
    Row("closest", "closest of 100,000 captures", "many", 500, requests=1000),
)


# -- what is served --------------------------------------------------------------------------------------------------


def sources() -> dict[str, bytes]:
    """Real files, fetched once by the name of their package."""
    folder = BUILD / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    html = next(folder.glob("usr/share/doc/python3*/html"), None)
    if html is None:
        names = subprocess.run(
            ["apt-cache", "search", "--names-only", "^python3[.][0-9]+-doc$"], check=True, capture_output=True, text=True
        )
        package = names.stdout.split()[0]
        subprocess.run(["apt-get", "-qq", "download", package], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["dpkg", "-x", next(folder.glob("*.deb")), folder], check=True)
        html = next(folder.glob("usr/share/doc/python3*/html"))
    if not (folder / "jquery.js").exists():
        packed = subprocess.run(
            ["npm", "pack", "--silent", "jquery@3.7.1"], cwd=folder, check=True, capture_output=True, text=True
        )
        with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
            member = archive.extractfile("package/dist/jquery.js")
            assert member is not None
            (folder / "jquery.js").write_bytes(member.read())

    def nearest(pattern: str, size: int) -> bytes:
        return min(sorted(html.rglob(pattern)), key=lambda path: abs(path.stat().st_size - size)).read_bytes()

    return {
        "png": nearest("*.png", 5000),
        "css": b"/* plain */\n" + b".a > .b { color: #123456; margin: 0 auto }\n" * 100,
        "small.html": nearest("*.html", 13_000),
        "big.html": nearest("*.html", 290_000),
        "js": (folder / "jquery.js").read_bytes(),
    }


MARKS = {"html": b"<!-- %d -->", "css": b"/* %d */", "js": b"// %d\n", "png": b"%d"}
MIMES = {"html": "text/html; charset=utf-8", "css": "text/css", "js": "text/javascript", "png": "image/png"}


def make_captures() -> Path:
    """The WARC file, the files for nginx, both indexes; the folder that holds them."""
    home = BUILD / "captures"
    if (home / "done").exists():
        return home
    shutil.rmtree(home, ignore_errors=True)
    files = home / "files"
    files.mkdir(parents=True)
    warc = home / "captures.warc.gz"
    with warc.open("wb") as out:
        writer = WARCWriter(out, gzip=True)
        for kind, body in sources().items():
            extension = kind.rpartition(".")[2]
            for number in range(DISTINCT * (ROUNDS + 1)):
                data = body + MARKS[extension] % number
                (files / f"{number}.{kind}").write_bytes(data)
                fields = [
                    ("Date", "Wed, 01 Jan 2020 00:00:00 GMT"), ("Server", "nginx"), ("Content-Type", MIMES[extension]),
                    ("Content-Length", str(len(data))), ("Last-Modified", "Tue, 31 Dec 2019 00:00:00 GMT"),
                    ("ETag", f'"{number:x}"'), ("Cache-Control", "max-age=600"),
                ]  # fmt: skip
                record = writer.create_warc_record(
                    f"{SITE}/{number}.{kind}", "response", payload=io.BytesIO(data),
                    http_headers=StatusAndHeaders("200 OK", fields, protocol="HTTP/1.1"),
                    warc_headers_dict={"WARC-Date": "2020-01-01T00:00:00Z"},
                )  # fmt: skip
                writer.write_record(record)
    with open_holdings(load_settings({"archive": home / "ours"}, environ={})) as holdings:
        pass
    subprocess.run([tool("muniment"), "--archive", home / "ours", "import", warc], check=True, stdout=subprocess.DEVNULL)
    with open_holdings(load_settings({"archive": home / "ours"}, environ={})) as holdings:
        one = holdings.index.newest(["default"], urlkey(f"{SITE}/0.small.html"))
        assert one is not None
        holdings.index.add(many(one))
        collection = home / "pywb" / "collections" / "default"
        (collection / "archive").mkdir(parents=True)
        (collection / "indexes").mkdir()
        shutil.copy(holdings.store.path(one.file), collection / "archive" / Path(one.file).name)
        lines = []
        for kind in sources():
            for number in range(DISTINCT * (ROUNDS + 1)):
                found = holdings.index.newest(["default"], urlkey(f"{SITE}/{number}.{kind}"))
                assert found is not None
                lines.append(cdxj(found))
        lines += [cdxj(capture) for capture in many(one)]
        (collection / "indexes" / "index.cdxj").write_text("".join(sorted(lines)))
    (home / "done").touch()
    return home


def many(one: Capture) -> list[Capture]:
    """Captures of one URL, a quarter of an hour apart; all of them show the same record."""
    url = f"{SITE}/many"
    out = []
    for number in range(MANY):
        moment = time.strftime("%Y%m%d%H%M%S", time.gmtime(1_000_000_000 + number * 900))
        out.append(
            Capture(
                "default", urlkey(url), moment, url, one.mime, 200, one.digest, one.file, one.offset, one.length, None, None
            )
        )
    return out


def cdxj(capture: Capture) -> str:
    """A line of pywb's index."""
    return (
        f'{capture.urlkey} {capture.timestamp} {{"url": "{capture.url}", "mime": "{capture.mime}", "status": "200", '
        f'"digest": "{capture.digest.partition(":")[2]}", "length": "{capture.length}", "offset": "{capture.offset}", '
        f'"filename": "{Path(capture.file).name}"}}\n'
    )


# -- servers ---------------------------------------------------------------------------------------------------------


def tool(name: str) -> str:
    """A program of this environment."""
    return str(Path(sys.executable).with_name(name))


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str | Path], url: str, cwd: Path, core: int | None) -> Iterator[subprocess.Popen[bytes]]:
    """A server, from its first answer on."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    pinned = ["taskset", "-c", str(core), *command] if core is not None else command
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "server.log").open("ab") as log:
        process = subprocess.Popen(
            list(map(str, pinned)), cwd=cwd, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended at once; see {BUILD / 'server.log'}")
            with suppress(URLError, ConnectionError, TimeoutError), urllib.request.urlopen(url, timeout=10):
                break
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def ours(home: Path, core: int | None) -> tuple[list[str | Path], int]:
    """Command and port."""
    port = free_port()
    ports = ["--port", str(port), "--workbench-port", str(free_port())]
    return [tool("muniment"), "--archive", home / "ours", "serve", *ports, "--workers", "1"], port


def pywb(home: Path) -> tuple[list[str | Path], int]:
    """Command and port of pywb, which is installed when it is not there yet."""
    place = PEERS / "pywb"
    if not (place / "bin" / "wayback").exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([place / "bin" / "pip", "install", "-q", "pywb", "setuptools<81"], check=True, stderr=subprocess.DEVNULL)
    port = free_port()
    return [place / "bin" / "wayback", "-b", "127.0.0.1", "-p", str(port), "-d", home / "pywb"], port


def nginx(home: Path) -> tuple[list[str | Path], int] | None:
    """Command and port of nginx; None when there is none."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") or unpacked_nginx()
    if program is None:
        return None
    port = free_port()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {home}/nginx-{kind};" for kind in kinds)
    (home / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/nginx.log;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary} keepalive_requests 1000000; types {{ text/html html; text/css css; "
        f"text/javascript js; image/png png; }}\n"
        f"server {{ listen 127.0.0.1:{port}; root {home}/files; }} }}\n"
    )
    return [program, "-c", home / "nginx.conf", "-p", home], port


def unpacked_nginx() -> str | None:
    """nginx out of Debian's package, not installed, so that no service starts; None where there is no such thing."""
    folder = PEERS / "nginx"
    if not (folder / "usr" / "sbin" / "nginx").exists():
        if shutil.which("apt-get") is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-qq", "download", "nginx"], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["dpkg", "-x", next(folder.glob("*.deb")), folder], check=True)
    return str(folder / "usr" / "sbin" / "nginx")


# -- load ------------------------------------------------------------------------------------------------------------


class Client:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._buffer = b""

    def get(self, path: str, fields: str = "") -> tuple[int, int]:
        """Status and body length."""
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAccept: */*\r\n{fields}\r\n".encode()
        for _ in range(3):  # servers close connections when they like
            try:
                if self._socket is None:
                    self._socket = socket.create_connection(("127.0.0.1", self._port), 60)
                    self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._socket.sendall(request)
                return self._answer()
            except (ConnectionError, EOFError):
                self.close()
        raise SystemExit(f"no answer for {path}")

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._buffer = None, b""

    def _more(self) -> None:
        assert self._socket is not None
        data = self._socket.recv(262_144)
        if not data:
            raise EOFError
        self._buffer += data

    def _take(self, size: int) -> None:
        pieces = len(self._buffer)
        assert self._socket is not None
        if pieces >= size:
            self._buffer = self._buffer[size:]
            return
        while pieces < size:
            data = self._socket.recv(min(262_144, size - pieces))
            if not data:
                raise EOFError
            pieces += len(data)
        self._buffer = b""

    def _answer(self) -> tuple[int, int]:
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status = int(head[9:12])
        lower = head.lower()
        length = 0
        if match := re.search(rb"\r\ncontent-length:\s*(\d+)", lower):
            length = int(match.group(1))
            self._take(length)
        elif b"\r\ntransfer-encoding:" in lower:
            while True:
                while b"\r\n" not in self._buffer:
                    self._more()
                line, _, self._buffer = self._buffer.partition(b"\r\n")
                size = int(line, 16)
                self._take(size + 2)
                length += size
                if not size:
                    break
        elif status not in (204, 304):
            with suppress(EOFError):
                while True:
                    length += len(self._buffer)
                    self._buffer = b""
                    self._more()
            self.close()
        if b"\r\nconnection: close" in lower:
            self.close()
        return status, length


def load(port: int, paths: Sequence[str], requests: int, clients: int) -> float:
    """Requests a second."""
    todo = iter(path for path, _ in zip(cycle(paths), range(requests), strict=False))
    lock = threading.Lock()
    wrong: list[str] = []

    def work() -> None:
        client = Client(port)
        while True:
            with lock:
                path = next(todo, None)
            if path is None:
                break
            status, length = client.get(path)
            if status != 200 or not length:
                wrong.append(f"{status} for {path}")
        client.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if wrong:
        raise SystemExit(f"{len(wrong)} wrong answers, the first: {wrong[0]}")
    return requests / seconds


def paths_of(row: Row, side: int | None, number: int) -> list[str]:
    """What a row asks for in a round.

    Args:
        row: of the table.
        side: 0 for us, 1 for pywb, None for nginx.
        number: of the round.
    """
    if row.kind == "many":
        moments = (time.strftime("%Y%m%d%H%M%S", time.gmtime(1_000_000_000 + (at * 7919 % MANY) * 900)) for at in range(1000))
        return (
            ["/0.small.html"] if side is None else [f"/default/{moment}{('', 'mp_')[side]}/{SITE}/many" for moment in moments]
        )
    start = number * DISTINCT if row.first else 0
    mark = "" if side is None else MODIFIERS[row.kind.rpartition(".")[2]][side]
    where = "" if side is None else f"/default/{TIMESTAMP}{mark}/{SITE}"
    return [f"{where}/{at}.{row.kind}" for at in range(start, start + DISTINCT)]


def measure(row: Row, port: int, side: int | None, scale: float, before: Callable[[], None] = lambda: None) -> float:
    """The median of the rounds at the best concurrency, requests a second."""
    best = 0.0
    for clients in CONCURRENCIES:
        rates = []
        for number in range(ROUNDS + 1):
            if row.first:
                before()
            requests = DISTINCT if row.first else max(8, int(row.requests * scale))
            rates.append(load(port, paths_of(row, side, number), requests, clients))
        best = max(best, statistics.median(rates[1:]))  # the first round fills what is kept
    return best


# -- memory ----------------------------------------------------------------------------------------------------------


def memory(process: subprocess.Popen[bytes], port: int) -> float:
    """Resident megabytes of the process that answers at a port."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        if int(columns[1].rpartition(":")[2], 16) == port and columns[3] == "0A":
            inodes.add(f"socket:[{columns[9]}]")
    sizes = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getsid(int(place.name)) == process.pid and any(
                str(fd.readlink()) in inodes for fd in (place / "fd").iterdir()
            ):
                found = re.search(r"^Rss:\s+(\d+)", (place / "smaps_rollup").read_text(), re.MULTILINE)
                sizes.append(int(found.group(1)) / 1024 if found else 0.0)
    return max(sizes)


def show_memory(requests: int) -> None:
    """Memory of our server while it answers requests for distinct URLs."""
    home = BUILD / "memory"
    shutil.rmtree(home, ignore_errors=True)
    captures = make_captures()
    subprocess.run(
        [tool("muniment"), "--archive", home, "import", captures / "captures.warc.gz"], check=True, stdout=subprocess.DEVNULL
    )
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        one = holdings.index.newest(["default"], urlkey(f"{SITE}/0.small.html"))
        assert one is not None
        urls = [f"{SITE}/page/{number}" for number in range(requests)]
        for at in range(0, requests, 10_000):
            holdings.index.add(
                Capture(
                    "default",
                    urlkey(url),
                    TIMESTAMP,
                    url,
                    one.mime,
                    200,
                    one.digest,
                    one.file,
                    one.offset,
                    one.length,
                    None,
                    None,
                )
                for url in urls[at : at + 10_000]
            )
    (home / "ours").symlink_to(home)
    command, port = ours(home, None)
    print(f"\nmemory of the serving process, {requests:,} requests for distinct 13 kB pages")
    with running(command, f"http://127.0.0.1:{port}/", BUILD, None) as process:
        step = max(1, requests // 10)
        print(f"  {0:>9,}  {memory(process, port):6.0f} MB")
        for at in range(0, requests, step):
            load(port, [f"/default/{TIMESTAMP}/{url}" for url in urls[at : at + step]], len(urls[at : at + step]), 4)
            print(f"  {at + step:>9,}  {memory(process, port):6.0f} MB")


def show_video() -> None:
    """A video of 2 GB: memory while it streams, and the time to the first byte from anywhere in it."""
    from datetime import UTC, datetime

    from archiver.model import WrittenRecord
    from archiver.warc.records import record_fields
    from archiver.warc.serialise import write_record

    home = BUILD / "video"
    if not (home / "done").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        size = 2 * 1024**3
        block = home / "block"
        with block.open("wb") as out:
            out.write(f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {size}\r\n\r\n".encode())
            piece = os.urandom(1024 * 1024)
            for _ in range(2048):
                out.write(piece)
        moment = datetime(2020, 1, 1, tzinfo=UTC)
        fields = [("WARC-Target-URI", f"{SITE}/v.mp4"), ("Content-Type", "application/http;msgtype=response")]
        written = WrittenRecord("response", "<urn:uuid:1>", f"{SITE}/v.mp4", moment, "", 0, 0)
        with (home / "v.warc.gz").open("wb") as out, block.open("rb") as source:
            named = record_fields(written.record_type, written.record_id, moment, fields)
            write_record(out, named, source, block.stat().st_size, "video/mp4")
        block.unlink()
        subprocess.run(
            [tool("muniment"), "--archive", home / "ours", "import", "--in-place", home / "v.warc.gz"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (home / "done").touch()
    command, port = ours(home, None)
    print("\na video of 2 GB")
    with running(command, f"http://127.0.0.1:{port}/", BUILD, None) as process:
        path = f"/default/{TIMESTAMP}oe_/{SITE}/v.mp4"
        for start in (0, 1024**3, 2 * 1024**3 - 1000):
            times = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                status, length = Client(port).get(path, f"Range: bytes={start}-{start + 999}\r\n")
                times.append(time.perf_counter() - began)
                assert (status, length) == (206, 1000)
            print(f"  1,000 bytes from {start / 1024**3:4.1f} GB on: {statistics.median(times) * 1000:6.1f} ms")
        peak = [memory(process, port)]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.05):
                peak.append(memory(process, port))

        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.perf_counter()
        _, length = Client(port).get(path)
        seconds = time.perf_counter() - began
        done.set()
        watcher.join()
        print(f"  all of it: {length / 1e6 / seconds:,.0f} MB/s; memory {peak[0]:.0f} MB before, {max(peak):.0f} MB at most")


def show_profile(rows: Sequence[Row]) -> None:
    """Where the time goes inside the application, without a server."""
    import cProfile
    import pstats

    from replay.app import create_reader

    home = make_captures()
    with open_holdings(load_settings({"archive": home / "ours"}, environ={})) as holdings:
        app = create_reader(holdings.settings, holdings)
        client = app.test_client()
        for row in rows:
            shutil.rmtree(home / "ours" / "cache", ignore_errors=True)
            profile = cProfile.Profile()
            for number in range(1, 4):
                paths = paths_of(row, 0, number)
                for path in paths if row.first else paths * 2:
                    profile.enable()
                    client.get(path, buffered=True)
                    profile.disable()
            print(f"\n{row.title}")
            pstats.Stats(profile).sort_stats("tottime").print_stats(15)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[row.name for row in ROWS], help="just this row; may be repeated")
    parser.add_argument("--no-peers", action="store_true", help="just ours")
    parser.add_argument("--profile", action="store_true", help="where the time goes, instead of how much it is")
    parser.add_argument("--memory", type=int, default=0, metavar="N", help="memory over N distinct requests, instead")
    parser.add_argument("--video", action="store_true", help="a video of 2 GB, instead")
    options = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    rows = [row for row in ROWS if not options.only or row.name in options.only]
    if options.profile:
        show_profile(rows)
        return
    if options.memory:
        show_memory(options.memory)
        return
    if options.video:
        show_video()
        return
    home = make_captures()
    cores = sorted(os.sched_getaffinity(0))
    core = cores[0] if len(cores) > 1 and shutil.which("taskset") else None
    if core is not None:
        os.sched_setaffinity(0, set(cores[1:]))

    def empty_cache() -> None:
        shutil.rmtree(home / "ours" / "cache", ignore_errors=True)

    empty_cache()
    with ExitStack() as stack:
        command, port = ours(home, core)
        stack.enter_context(running(command, f"http://127.0.0.1:{port}/", BUILD, core))
        peer = limit = 0
        if not options.no_peers:
            theirs, peer = pywb(home)
            stack.enter_context(running(theirs, f"http://127.0.0.1:{peer}/", home / "pywb", core))
            web = nginx(home)
            if web is not None:
                limit = web[1]
                stack.enter_context(running(web[0], f"http://127.0.0.1:{limit}/0.css", home, core))
        print("requests a second, one server process on one core, best of 1, 4 and 8 connections, medians of five\n")
        print(f"{'':32}{'muniment':>10}{'pywb':>9}{'ratio':>8}{'wanted':>8}  {'nginx':>8}{'of it':>8}")
        for row in rows:
            mine = measure(row, port, 0, 1, empty_cache)
            line = f"{row.title:32}{mine:10,.0f}"
            if peer:
                other = measure(row, peer, 1, _PEER_SHARE if row.kind != "many" else 0)
                ratio = mine / other
                line += f"{other:9,.1f}{ratio:7.1f}×{row.target:7.0f}×{'' if ratio >= row.target else ' missed'}"
            if limit:
                most = measure(row, limit, None, 1)
                line += f"  {most:8,.0f}{mine / most:8.0%}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
