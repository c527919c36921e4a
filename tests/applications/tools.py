"""Applications that compute."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.applications.actions import both, click, fill, press, shows, write
from tests.applications.model import Application
from tests.applications.packages import Package, tool


def _jupyterlite(target: Path, contents: Path) -> None:
    """The site, by the tool itself."""
    programs = tool("jupyterlite-core==0.6.4", "jupyterlite-javascript-kernel==0.3.0")
    command = [programs / "jupyter", "lite", "build", "--output-dir", target, "--lite-dir", contents, "--no-sourcemaps"]
    subprocess.run(command, check=True, cwd=contents, stdout=subprocess.DEVNULL)


_IDLE = shows(".jp-NotebookPanel-toolbar", "JavaScript (Web Worker)")
_TODO = ".new-todo"

TOOLS = (
    Application(
        "sqljs",
        "SQLite in the browser",
        (Package("npm", "sql.js", "1.12.0"),),
        "a worker that fetches WebAssembly",
        "index.html",
        (
            click("ran a query", "#run", shows("#state", "done 1")),
            fill("asked for less", "#query", "SELECT count(*) AS lights, avg(metres) FROM light"),
            click("ran it", "#run", shows("#state", "done 2")),
            click("asked for the size", "#save", shows("#state", "bytes")),
        ),
        ready=shows("#state", "ready"),
        is_whole=False,
    ),
    Application(
        "todomvc",
        "TodoMVC in Vue",
        (Package("npm", "vue", "3.5.13"), Package("npm", "todomvc-app-css", "2.4.3")),
        "an import map; templates compiled in the browser (new Function); localStorage; routes in the fragment",
        "index.html",
        (
            fill("added one", _TODO, "Trim the wick", shows(".todo", "wick"), enter=True),
            fill("added another", _TODO, "Fill the oil", shows(".todo", "oil"), enter=True),
            click("did the first", ".toggle", shows(".todo-count", "1 left")),
            click("showed the active", "a[href='#/active']", "!" + shows(".todo", "wick")),
            click("cleared", ".clear-completed"),
        ),
        ready=shows(_TODO),
        is_whole=False,
    ),
    Application(
        "mermaid",
        "Mermaid",
        (Package("npm", "mermaid", "11.4.1"),),
        "modules with chunks imported on demand, one for each kind of diagram",
        "index.html",
        (
            both("drew a sequence", lambda page: page.select_option("#kind", "sequence"), until=shows("#out", "Reader")),
            both("drew a pie", lambda page: page.select_option("#kind", "pie"), until=shows("#out", "images")),
            write("changed it", "#text", '\n  "styles" : 9', shows("#out", "styles")),
        ),
        ready="document.body.dataset.drawn",
        is_whole=False,
    ),
    Application(
        "jupyterlite",
        "JupyterLite",
        (Package("pypi", "jupyterlite-core", "0.6.4"),),
        "JupyterLab with a kernel that runs in the browser: modules federated by webpack, workers, IndexedDB, a service worker",
        "lab/index.html",
        (
            click("made a notebook", ".jp-LauncherCard[data-category=Notebook]", shows(".jp-Notebook", "") + f" && {_IDLE}"),
            write("wrote in a cell", ".jp-Cell .cm-content", "[6 * 7, location.protocol, typeof window].join()", ""),
            press("ran it", "Shift+Enter", shows(".jp-OutputArea-output", "42")),
            click("opened a menu", ".lm-MenuBar-itemLabel >> text=Run", shows(".lm-Menu", "Run All Cells")),
            press("closed it", "Escape"),
        ),
        ready=shows(".jp-Launcher", "Notebook"),
        build=_jupyterlite,
        why="No archived page installs a service worker. It is told so as by a browser that has none, says so, and goes on.",
    ),
)
