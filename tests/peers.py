"""Other people's programs from PyPI, each in an environment of its own in build/peers: fetched once, by whoever needs it."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tarfile
from pathlib import Path

PEERS = Path(__file__).parent.parent / "build" / "peers"


def peer(name: str, *packages: str) -> Path:
    """The folder with the commands of what was installed.

    Args:
        name: of the environment.
        packages: as pip takes them; what is installed stays.
    """
    home = PEERS / name
    PEERS.mkdir(parents=True, exist_ok=True)
    with (PEERS / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes run side by side
        done = home / ".installed"
        wanted = "\n".join(packages)
        if not done.exists() or done.read_text() != wanted:
            subprocess.run([sys.executable, "-m", "venv", home], check=True, timeout=120)
            command = [home / "bin" / "pip", "install", "-q", "--disable-pip-version-check", *packages]
            subprocess.run(command, check=True, timeout=600, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            done.write_text(wanted)
    return home / "bin"


def wacz_programs() -> Path:
    """py-wacz, which brings cdxj-indexer with it."""
    return peer("wacz", "wacz", "setuptools<81")


def pywb_programs() -> Path:
    """pywb, as the conformance corpus has it too."""
    return peer("pywb", "pywb", "setuptools<81")


def replaywebpage() -> Path:
    """The files of ReplayWeb.page from npm: `ui.js`, `sw.js`."""
    home = PEERS / "replaywebpage"
    PEERS.mkdir(parents=True, exist_ok=True)
    with (PEERS / ".replaywebpage.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "package" / "sw.js").exists():
            home.mkdir(parents=True, exist_ok=True)
            command = ["npm", "pack", "--silent", "replaywebpage"]
            packed = subprocess.run(command, cwd=home, check=True, capture_output=True, text=True, timeout=300)
            with tarfile.open(home / packed.stdout.split()[-1]) as archive:
                archive.extractall(home, filter="data")
    return home / "package"
