"""Applications by the name of their package: fetched when they are needed, kept under build/, never committed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parent.parent.parent
BUILD = ROOT / "build" / "applications"

Registry = Literal["npm", "debian", "pypi"]


@dataclass(frozen=True)
class Package:
    """One package of a registry.

    Attributes:
        registry: where it comes from.
        name: there.
        version: pinned; "" takes what the Debian release of this machine has.
    """

    registry: Registry
    name: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


class CannotFetch(Exception):
    """The program that fetches from this registry is not on this machine."""


def can_fetch(package: Package) -> bool:
    """Whether this machine has what fetches it."""
    needed = {"npm": ("npm",), "debian": ("apt-get", "dpkg-deb"), "pypi": ()}[package.registry]
    return all(shutil.which(program) for program in needed)


def fetch(packages: tuple[Package, ...]) -> tuple[Path, tuple[str, ...]]:
    """The contents of packages, one over the other in one folder, and the version that each has.

    Raises:
        CannotFetch: a program for it is missing.
        subprocess.CalledProcessError: the registry did not give it.
    """
    names = [f"{package.name}-{package.version or 'debian'}".replace("/", "_") for package in packages]
    label = "+".join(names) if len(names) < 3 else f"{names[0]}+{len(names) - 1}"
    folder = BUILD / "packages" / label
    versions = folder.with_name(folder.name + ".versions")
    if not versions.exists():
        for package in packages:
            if not can_fetch(package):
                raise CannotFetch(f"{package.registry} packages cannot be fetched on this machine")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            root = Path(place, "root")
            root.mkdir()
            found = [_FETCHERS[package.registry](package, Path(place), root) for package in packages]
            _lead_inside(root)
            shutil.rmtree(folder, ignore_errors=True)
            root.rename(folder)
        versions.write_text("\n".join(found))
    return folder, tuple(versions.read_text().split("\n"))


def tool(*requirements: str) -> Path:
    """The programs of packages of PyPI in an environment of their own: its bin folder."""
    place = BUILD / "tools" / "+".join(requirements).replace("==", "-")
    done = place / "done"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        _quietly([place / "bin" / "python", "-m", "pip", "install", "--quiet", *requirements])
        done.touch()
    return place / "bin"


def _npm(package: Package, place: Path, root: Path) -> str:
    printed = _quietly(["npm", "pack", "--silent", f"{package.name}@{package.version}"], place)
    with tarfile.open(place / printed.split()[-1]) as archive:
        for member in archive:
            member.name = member.name.partition("/")[2]
            if member.isfile() and member.name:
                archive.extract(member, root, filter="data")
    return package.version


def _debian(package: Package, place: Path, root: Path) -> str:
    try:
        _quietly(["apt-get", "-qq", "download", package.name], place)
    except subprocess.CalledProcessError:
        _quietly(["apt-get", "-qq", "update"], place)  # lists that are older than the package, or none
        _quietly(["apt-get", "-qq", "download", package.name], place)
    (file,) = place.glob(f"{package.name}_*.deb")
    _quietly(["dpkg-deb", "-x", str(file), str(root)], place)
    return _quietly(["dpkg-deb", "-f", str(file), "Version"], place).strip()


def _pypi(package: Package, place: Path, root: Path) -> str:
    wanted = f"{package.name}=={package.version}"
    _quietly([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", place, wanted], place)
    (file,) = (path for path in place.iterdir() if path.suffix in (".whl", ".gz", ".zip"))
    if file.suffix == ".gz":
        with tarfile.open(file) as archive:
            archive.extractall(root, filter="data")
    else:
        with zipfile.ZipFile(file) as archive:
            archive.extractall(root)
    file.unlink()
    return package.version


_FETCHERS: dict[Registry, Callable[[Package, Path, Path], str]] = {"npm": _npm, "debian": _debian, "pypi": _pypi}


def _quietly(command: list[str | Path], place: Path = ROOT) -> str:
    """What a command printed; what it complained of is in the error."""
    environment = {name: value for name, value in os.environ.items() if not re.fullmatch("PYTHON.*", name)}
    done = subprocess.run(list(map(str, command)), cwd=place, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout


def _lead_inside(root: Path) -> None:
    """Links of Debian's packages name places of the whole system; here they lead into the folder."""
    for path in root.rglob("*"):
        if path.is_symlink() and (target := path.readlink()).is_absolute():
            path.unlink()
            path.symlink_to(os.path.relpath(root / target.relative_to("/"), path.parent))
