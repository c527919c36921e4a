"""The settings of the application that answers, as they are at this moment."""

from __future__ import annotations

from flask import current_app

from archiver.holdings import Holdings
from archiver.settings import Settings


def settings() -> Settings:
    """Those in force: what is changed in the workbench counts within a second, in every process."""
    holdings: Holdings = current_app.extensions["muniment.holdings"]
    return holdings.settings
