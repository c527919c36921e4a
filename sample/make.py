"""Makes warcs/sample.warc.gz: serves the sample site on loopback and captures its pages with `muniment capture`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

HERE = Path(__file__).parent
PAGES = ("index.html", "fr.html", "ar.html", "ja.html")


class _Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the capture reports."""


def make(target: Path) -> None:
    """Capture the sample site into one WARC file."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(HERE / "site")))
    Thread(target=server.serve_forever, daemon=True).start()
    urls = [f"http://lighthouse.localhost:{server.server_port}/{page}" for page in PAGES]
    with tempfile.TemporaryDirectory() as home:
        command = [Path(sys.executable).with_name("muniment"), "--archive", home, "capture", "--allow-private", *urls]
        subprocess.run(command, check=True)
        (made,) = Path(home, "archive").glob("*.warc.gz")
        shutil.copy(made, target)
    server.shutdown()


if __name__ == "__main__":
    make(HERE.parent / "warcs" / "sample.warc.gz")
