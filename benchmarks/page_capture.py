"""A page with 60 requisites from a server that adds 50 ms to each answer: `muniment capture` beside wget, in one run."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

REQUISITES = 60
DELAY = 0.05
ROUNDS = 5
TARGET = 1 / 3


class _Slow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        time.sleep(DELAY)
        if self.path == "/":
            images = "".join(f"<img src=/{number}.png>" for number in range(REQUISITES))
            body, mime = f"<!doctype html><title>Sixty</title>{images}".encode(), "text/html"
        else:
            body, mime = b"x" * 10_000, "image/png"
        self.send_response(200)
        self.send_header("Content-Type", mime)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def seconds(command: list[str]) -> float:
    """Wall time of a command, start of the program included."""
    # As installed programs run: with compiled modules.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    wget = shutil.which("wget")
    if wget is None:
        sys.exit("This benchmark needs wget.")
    server = _Server(("127.0.0.1", 0), _Slow)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    ours, theirs = [], []
    for _ in range(ROUNDS + 1):
        with tempfile.TemporaryDirectory() as folder:
            muniment = str(Path(sys.executable).with_name("muniment"))
            ours.append(seconds([muniment, "--archive", f"{folder}/a", "capture", "--allow-private", "--json", url]))
            theirs.append(seconds([wget, "-q", "--page-requisites", f"--warc-file={folder}/w", "-P", f"{folder}/pages", url]))
    server.shutdown()
    mine, peer = statistics.median(ours[1:]), statistics.median(theirs[1:])  # the first round fills caches
    print(f"{REQUISITES} requisites, {DELAY * 1000:.0f} ms each, medians of {ROUNDS}")
    print(f"  muniment capture                    {mine:6.2f} s")
    print(f"  wget --page-requisites --warc-file  {peer:6.2f} s")
    verdict = "met" if mine / peer <= TARGET else "MISSED"
    print(f"  ratio                               {mine / peer:6.2f}   (at most {TARGET:.2f}: {verdict})")


if __name__ == "__main__":
    main()
