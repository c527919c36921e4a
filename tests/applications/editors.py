"""Editors: of code, of text, of pictures."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.applications.actions import both, click, press, shows, write
from tests.applications.model import Application
from tests.applications.packages import Package


def _draw(page: Page) -> None:
    page.mouse.move(420, 300)
    page.mouse.down()
    page.mouse.move(560, 380, steps=4)
    page.mouse.move(620, 420, steps=4)
    page.mouse.up()


_IS_WRITING = "document.activeElement.id === 'luckysheet-rich-text-editor'"
_WRITTEN = "document.activeElement.innerText === '42 lamps'"

EDITORS = (
    Application(
        "ace",
        "Ace",
        (Package("npm", "ace-builds", "1.36.5"),),
        "scripts and workers loaded by name when a language is chosen; a worker made of a blob",
        "index.html",
        (
            both("chose JSON", lambda page: page.select_option("#mode", "json"), until=shows("#told", "Expected")),
            both("chose a theme", lambda page: page.select_option("#theme", "monokai"), until=shows(".ace-monokai")),
            both("chose CSS", lambda page: page.select_option("#mode", "css"), until=shows("#told", "property")),
            both(
                "searched",
                lambda page: page.click(".ace_content"),
                lambda page: page.keyboard.press("Control+f"),
                until=shows(".ace_search"),
            ),
        ),
        ready=shows("#told", "5:"),
        is_whole=False,
    ),
    Application(
        "monaco",
        "Monaco",
        (Package("npm", "monaco-editor", "0.52.2"),),
        "AMD loader; language servers in workers that load scripts of their own",
        "index.html",
        (
            click("formatted", "#format", shows("#markers", "not assignable")),
            both(
                "added a line",
                lambda page: page.click(".view-line >> nth=1"),
                lambda page: page.keyboard.type("let n: number = 'x';"),
                until=shows("#markers", "2: Type"),
            ),
            click("opened JSON", "#json", shows("#markers", "Colon expected")),
            both(
                "opened the palette",
                lambda page: page.click(".view-line >> nth=1"),
                lambda page: page.keyboard.press("F1"),
                until=shows(".quick-input-list", "Add"),
            ),
        ),
        ready=shows("#markers", "not assignable"),
        is_whole=False,
    ),
    Application(
        "tinymce",
        "TinyMCE",
        (Package("npm", "tinymce", "7.9.1"),),
        "a document written into a frame; style sheets and plugins loaded by scripts",
        "index.html",
        (
            write("wrote", "iframe >> frame >> body p:nth-child(2)", " The keeper"),
            click("made a list", "[aria-label='Bullet list']"),
            click("opened a menu", ".tox-mbtn >> text=Insert", shows(".tox-menu", "Link")),
            press("closed it", "Escape"),
            click("showed the source", "#show", shows("#source", "<ul>")),
        ),
        ready="document.querySelector('iframe')?.contentDocument?.body?.innerText.includes('Dear')",
        is_whole=False,
    ),
    Application(
        "excalidraw",
        "Excalidraw",
        (
            Package("npm", "@excalidraw/excalidraw", "0.17.6"),
            Package("npm", "react", "18.3.1"),
            Package("npm", "react-dom", "18.3.1"),
        ),
        "React; canvas; fonts and chunks loaded by scripts; a language file",
        "index.html",
        (
            both("drew a rectangle", lambda page: page.keyboard.press("r"), _draw),
            press("undid it", "Control+z"),
            both("drew an ellipse", lambda page: page.keyboard.press("o"), _draw),
        ),
        ready=shows(".App-toolbar"),
        is_whole=False,
    ),
    Application(
        "luckysheet",
        "Luckysheet",
        (Package("npm", "luckysheet", "2.1.13"),),
        "its own demonstration: jQuery, canvas, formulas, charts; scripts that make scripts",
        "dist/index.html",
        (
            click("opened a sheet", ".luckysheet-sheets-item:nth-child(2)"),
            both("began a cell", lambda page: page.mouse.dblclick(900, 517), until=_IS_WRITING),
            both("wrote into it", lambda page: page.keyboard.type("42 lamps", delay=30), until=_WRITTEN),
            press("left it", "Enter"),
            click("opened another", ".luckysheet-sheets-item:nth-child(5)"),
            click("opened the functions", "#luckysheet-wa-functionbox-fx"),
        ),
        ready=shows(".luckysheet-sheets-item") + " && !document.body.innerText.includes('Loading')",
    ),
)
