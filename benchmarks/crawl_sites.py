"""What crawls are measured on: documentation sites as Debian ships them, whole on nginx and spread over fifty slow hosts."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from replay_speed import free_port, running, unpacked_nginx

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "bench-crawl"
HOSTS = tuple(f"127.0.1.{number}" for number in range(1, 51))  # all of 127/8 is this machine
DELAY = 0.05

#: Kinds of files as the servers call them.
TYPES = {
    "css": "text/css", "gif": "image/gif", "html": "text/html", "jpg": "image/jpeg", "js": "text/javascript",
    "json": "application/json", "mjs": "text/javascript", "pdf": "application/pdf", "png": "image/png",
    "svg": "image/svg+xml", "txt": "text/plain", "wasm": "application/wasm", "woff": "font/woff", "woff2": "font/woff2",
    "xml": "application/xml", "zip": "application/zip",
}  # fmt: skip


@dataclass(frozen=True)
class Site:
    """One documentation site.

    Attributes:
        name: of it, for people and in its address.
        package: pattern of the Debian package's name.
        beside: packages that its own has links into.
        pages: where its pages are, as a pattern under the package's root.
        start: first page.
    """

    name: str
    package: str
    beside: tuple[str, ...]
    pages: str
    start: str = "index.html"


SITES = (
    Site("python", "^python3[.][0-9]+-doc$", ("libjs-jquery", "libjs-underscore"), "usr/share/doc/python3*/html"),
    Site("libstdcxx", "^libstdc[+][+]-[0-9]+-doc$", (), "usr/share/doc/gcc-*-base/libstdc++"),
)


def folder_of(site: Site) -> Path:
    """The pages of a site; its packages are fetched and unpacked when they are not there yet."""
    place = BUILD / "sources" / site.name
    root = place / "root"
    if not (place / "done").exists():
        shutil.rmtree(place, ignore_errors=True)
        root.mkdir(parents=True)
        found = subprocess.run(
            ["apt-cache", "search", "--names-only", site.package], check=True, capture_output=True, text=True
        ).stdout.split("\n")
        names = sorted(line.split()[0] for line in found if line)
        for name in (names[-1], *site.beside):
            subprocess.run(["apt-get", "-qq", "download", name], cwd=place, check=True, stderr=subprocess.DEVNULL)
        for packed in place.glob("*.deb"):
            subprocess.run(["dpkg", "-x", packed, root], check=True)
        (place / "done").write_text(" ".join(sorted(path.name for path in place.glob("*.deb"))))
    return next(path for path in sorted(root.glob(site.pages)) if path.is_dir())


def package_of(site: Site) -> str:
    """Names and versions of what a site was made of."""
    return (BUILD / "sources" / site.name / "done").read_text().replace(".deb", "").replace("_all", "")


@contextmanager
def whole_sites(core: int | None, *, log: Path | None = None) -> Iterator[dict[str, str]]:
    """nginx with all sites; name of a site → its start address.

    Args:
        core: that it keeps to; None for any.
        log: where to each request is a line, written at once; None for no log, which is faster.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") or unpacked_nginx()
    if program is None:
        sys.exit("This benchmark needs nginx.")
    home, port = BUILD / "nginx", free_port()
    home.mkdir(parents=True, exist_ok=True)
    temporary = " ".join(f"{kind}_temp_path {home}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    types = " ".join(f"{mime} {ending};" for ending, mime in TYPES.items())
    access = f"log_format asked '$status $request'; access_log {log} asked;" if log is not None else "access_log off;"
    places = " ".join(f"location /{site.name}/ {{ alias {folder_of(site)}/; }}" for site in SITES)
    (home / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/nginx.log crit;\n"
        f"events {{ worker_connections 1024; }}\nhttp {{ {access} {temporary} sendfile on; tcp_nopush on;\n"
        f"keepalive_requests 1000000; open_file_cache max=20000; types {{ {types} }} charset utf-8;\n"
        f"server {{ listen 127.0.0.1:{port}; {places} }} }}\n"
    )
    starts = {site.name: f"http://127.0.0.1:{port}/{site.name}/{site.start}" for site in SITES}
    BUILD.mkdir(parents=True, exist_ok=True)
    with running([program, "-c", home / "nginx.conf", "-p", home], next(iter(starts.values())), home, core):
        yield starts


# -- fifty hosts -----------------------------------------------------------------------------------------------------

_LARGEST = 300_000
_LINK = re.compile(
    rb"""(<(?:a|area|link|img|script|iframe|object)\b[^>]*?\b(?:href|src|data)\s*=\s*)(["'])(.*?)\2""", re.I | re.S
)


@dataclass(frozen=True)
class Spread:
    """Fifty hosts' files, and where a crawl starts on each.

    Attributes:
        folder: one folder a host in it.
        seeds: one a host.
        files: on all hosts.
    """

    folder: Path
    seeds: tuple[str, ...]
    files: int


def spread(port: int, pages: int) -> Spread:
    """Gives every host its share of the pages, with what these need.

    Links between pages lead to the host that has the page; links to pages that no host has are taken out of the way, so
    that nobody's time goes by with answers of 404. Each host's first page links to its others.

    Args:
        port: the one that all hosts listen on, since links name it.
        pages: in all; each site's are taken evenly, and have hosts of their own.
    """
    folder = BUILD / "hosts"
    shutil.rmtree(folder, ignore_errors=True)
    roots = {site.name: folder_of(site) for site in SITES}
    home: dict[str, str] = {}
    for at, (name, root) in enumerate(roots.items()):
        hosts, share = HOSTS[at :: len(roots)], pages // len(roots)
        every = [path for path in sorted(root.rglob("*.html")) if path.stat().st_size < _LARGEST]
        for number in range(min(share, len(every))):
            path = every[number * len(every) // share] if share < len(every) else every[number]
            home[f"/{name}/{path.relative_to(root)}"] = hosts[number % len(hosts)]
    for address, host in home.items():
        _put_page(folder / host, address, Web(host, home, roots, port))
    for host in HOSTS:
        links = "".join(f"<li><a href='{html.escape(page)}'>{html.escape(page)}</a>" for page in home if home[page] == host)
        _put(folder / host, "/index.html", f"<!doctype html><title>{host}</title><ul>{links}</ul>".encode())
    total = sum(1 for path in folder.rglob("*") if path.is_file())
    return Spread(folder, tuple(f"http://{host}:{port}/" for host in HOSTS), total)


def _source(roots: dict[str, Path], address: str) -> Path | None:
    name, _, path = address[1:].partition("/")
    found = roots[name] / path if name in roots else None
    return found if found is not None and found.is_file() else None


def _put(root: Path, address: str, data: bytes) -> None:
    place = root / address[1:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)


@dataclass(frozen=True)
class Web:
    """Who has which page, as one host's pages are written.

    Attributes:
        host: whose.
        home: address of a page → the host that has it.
        roots: name of a site → its folder.
        port: of all hosts.
    """

    host: str
    home: dict[str, str]
    roots: dict[str, Path]
    port: int


def _put_page(folder: Path, address: str, web: Web) -> None:
    """A page, its links as they are on the hosts, and all it needs."""
    needed: set[str] = set()

    def linked(match: re.Match[bytes]) -> bytes:
        before, quote, value = match.groups()
        text = html.unescape(value.decode("utf-8", "replace"))
        if text.startswith("#") or urlsplit(text).scheme:
            return match.group()
        target = unquote(urlsplit(urljoin(address, text)).path)
        if target in web.home:
            host = web.home[target]
            return match.group() if host == web.host else before + quote + f"http://{host}:{web.port}{target}".encode() + quote
        if target.endswith(".html") or _source(web.roots, target) is None:
            return before + quote + b"#" + quote
        needed.add(target)
        return match.group()

    source = _source(web.roots, address)
    assert source is not None
    _put(folder, address, _LINK.sub(linked, source.read_bytes()))
    for part in _with_styles(needed, web.roots):
        found = _source(web.roots, part)
        if found is not None and not (folder / part[1:]).exists():
            _put(folder, part, found.read_bytes())


_IN_STYLE = re.compile(rb"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


def _with_styles(needed: set[str], roots: dict[str, Path]) -> set[str]:
    """What pages need, and what their style sheets need."""
    out, waiting = set(needed), [part for part in needed if part.endswith(".css")]
    while waiting:
        sheet = waiting.pop()
        source = _source(roots, sheet)
        for first, second in _IN_STYLE.findall(source.read_bytes()) if source else ():
            part = unquote(urlsplit(urljoin(sheet, (first or second).decode("utf-8", "replace"))).path)
            if part not in out and _source(roots, part) is not None:
                out.add(part)
                waiting += [part] if part.endswith(".css") else []
    return out


@contextmanager
def slow_hosts(pages: int, core: int | None) -> Iterator[Spread]:
    """Fifty hosts, each of which takes its time for every answer."""
    port = free_port()
    made = spread(port, pages)
    with _slow({"port": port, "delay": DELAY, "hosts": {host: str(made.folder / host) for host in HOSTS}}, made.seeds[0], core):
        yield made


@contextmanager
def listing_hosts(lists: int, core: int | None) -> Iterator[tuple[str, ...]]:
    """Fifty hosts with so many lists of a thousand links each; their first pages."""
    port = free_port()
    seeds = tuple(f"http://{host}:{port}/" for host in HOSTS)
    with _slow({"port": port, "delay": 0, "lists": lists, "names": HOSTS}, seeds[0], core):
        yield seeds


@contextmanager
def _slow(plan: dict[str, object], url: str, core: int | None) -> Iterator[None]:
    place = BUILD / "hosts.json"
    place.write_text(json.dumps(plan))
    with running([sys.executable, Path(__file__).with_name("slow_server.py"), place], url, BUILD, core):
        yield
