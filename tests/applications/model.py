"""What an application is to us, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

from tests.applications.packages import Package


@dataclass(frozen=True)
class Step:
    """Something a reader does.

    Attributes:
        name: in the past tense of a log: "searched for “socket”".
        act: does it.
        until: JavaScript that is true once the application has done its part; "" when nothing else tells.
    """

    name: str
    act: Callable[[Page], object]
    until: str = ""


@dataclass(frozen=True)
class Application:
    """One row of the table.

    Attributes:
        name: for `--only`, of its host and of the folder of its own pages.
        title: for people.
        packages: that it comes from, the first being the one that counts.
        exercises: what is hard about it.
        start: path of its first page.
        steps: what is done there, in order.
        folder: of the packages' contents that is served.
        ready: JavaScript that is true once the first page is there.
        build: makes the folder that is served, given an empty one and the contents of the packages.
        is_whole: a complete application as its package ships it; else a page of ours around a library.
        why: what differs, in words, where that is known.
    """

    name: str
    title: str
    packages: tuple[Package, ...]
    exercises: str
    start: str
    steps: tuple[Step, ...]
    folder: str = ""
    ready: str = ""
    build: Callable[[Path, Path], None] | None = None
    is_whole: bool = True
    why: str = ""


@dataclass(frozen=True)
class State:
    """How an application looks after a step.

    Attributes:
        step: what was done.
        address: of the page, as archived.
        text: all that can be read, fields included.
        picture: PNG.
    """

    step: str
    address: str
    text: str
    picture: bytes


@dataclass
class Visit:
    """Everything seen while the steps were done once.

    Attributes:
        states: the first page, then one for each step.
        failed: archived addresses that were not answered, or with an error.
        errors: what the console and uncaught exceptions said, addresses as archived.
        outside: addresses asked for that are none of the site's (live) or of the reader's (replay).
        trouble: why it ended early.
    """

    states: list[State] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    trouble: str = ""
