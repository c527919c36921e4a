"""Exports as they are asked for: what the job is told, looked at before anybody works on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archiver.export.forms import ExportForm, refuse_part
from archiver.export.selection import Selection, checked_selection
from archiver.urls import parse_url


def ordered(selection: Selection, form: ExportForm, *, public_only: bool) -> dict[str, Any]:
    """What a job of the kind "export" is told.

    Args:
        selection: what of a collection is wanted; times and the page as people wrote them.
        form: what it is to be.
        public_only: only what any reader may see.

    Raises:
        UsageError: it does not go together, or a time is none.
        InvalidURL: the page has no address.
    """
    if selection.page:
        selection = replace(selection, page=parse_url(selection.page, assume_http=True))
    checked_selection(selection)
    refuse_part(form, is_part=public_only or not selection.is_whole)
    return {
        "form": form.value,
        "crawl": selection.crawl,
        "url_prefix": selection.url_prefix,
        "since": selection.since,
        "until": selection.until,
        "page": selection.page,
        "at": selection.at,
        "public_only": public_only,
    }
