"""Explorers of programming interfaces."""

from __future__ import annotations

from tests.applications.actions import both, click, fill, press, shows, write
from tests.applications.model import Application
from tests.applications.packages import Package

_PRETTY = "document.querySelectorAll('app-query-editor .cm-lineNumbers .cm-gutterElement').length > 9"

EXPLORERS = (
    Application(
        "swagger-ui",
        "Swagger UI",
        (Package("npm", "swagger-ui-dist", "5.20.0"),),
        "React; an interface description fetched as JSON; deep links in the fragment",
        "index.html",
        (
            fill("filtered by “lamp”", ".operation-filter-input", "lamp", enter=True),
            click(
                "opened an operation",
                "#operations-lamp-lightLamp .opblock-summary-control",
                shows(".opblock-body", "Parameters"),
            ),
            click("tried it", "#operations-lamp-lightLamp .try-out__btn", shows(".execute-wrapper", "Execute")),
            click("opened a model", "#model-Lamp button", shows("#model-Lamp", "metres")),
        ),
        ready=shows(".opblock-tag", "lamp"),
    ),
    Application(
        "swagger-editor",
        "Swagger Editor",
        (Package("npm", "swagger-editor-dist", "4.14.8"),),
        "React; an editor with workers made of blobs; YAML parsed while one types",
        "index.html",
        (
            write("broke it", ".ace_content", "# note\n", shows(".errors-wrapper", "Parser error")),
            click("opened a menu", ".topbar >> text=Edit"),
            press("closed it", "Escape"),
        ),
        ready=shows(".swagger-ui .info", "Petstore"),
    ),
    Application(
        "altair",
        "Altair GraphQL",
        (Package("npm", "altair-static", "8.5.9"),),
        "Angular; chunks imported on demand; IndexedDB; a document with a base",
        "index.html",
        (
            write(
                "wrote in the query",
                "app-query-editor .cm-content",
                "query More { lamp }\n",
                shows("app-query-editor .cm-content", "More"),
            ),
            both("prettified it", lambda page: page.keyboard.press("Shift+Control+p"), until=_PRETTY),
            click("opened the headers", "[track-id=show_set_headers]", shows(".ant-modal-content")),
            press("closed them", "Escape"),
            click("added a window", "text=Add new"),
        ),
        folder="build/dist",
        ready=shows("app-root", "lamp"),
        is_whole=False,
    ),
)
