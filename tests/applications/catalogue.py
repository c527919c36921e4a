"""The applications: where each comes from, and what is done with it."""

from __future__ import annotations

from tests.applications.documents import DOCUMENTS
from tests.applications.editors import EDITORS
from tests.applications.explorers import EXPLORERS
from tests.applications.model import Application
from tests.applications.tools import TOOLS

APPLICATIONS: tuple[Application, ...] = (*DOCUMENTS, *EXPLORERS, *EDITORS, *TOOLS)


def named(name: str) -> Application:
    """One of them."""
    return next(application for application in APPLICATIONS if application.name == name)
