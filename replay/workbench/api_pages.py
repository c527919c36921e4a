"""The REST API, its document, and the page to read and try it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from archiver.accounts import Role
from archiver.errors import MunimentError
from replay.workbench.api import (
    access_views,
    account_views,
    archive_views,
    collection_views,
    crawl_views,
    image_views,
    job_views,
    missing_views,
    record_views,
    report_views,
    seed_views,
    setting_views,
)
from replay.workbench.api.openapi import document
from replay.workbench.api.operations import OPERATIONS, ROOT, Operation, blueprint
from replay.workbench.api.problems import told
from replay.workbench.session import needs

#: Every part of the API; importing one makes its operations known.
PARTS = (
    collection_views, archive_views, image_views, seed_views, crawl_views, report_views, job_views, missing_views, access_views,
    record_views, setting_views, account_views,
)  # fmt: skip

reference = Blueprint("api_reference", __name__)
BLUEPRINTS = (blueprint, reference)

blueprint.register_error_handler(MunimentError, told)


@cache
def _document() -> dict[str, Any]:
    return document()


@reference.get(f"{ROOT}/openapi.json")
@needs(Role.VIEWER)
def openapi() -> Response:
    """The OpenAPI document."""
    return jsonify(_document())


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field of what is sent: its name with those it is in, what may be in it, and what it is for."""

    name: str
    kind: str
    about: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """An operation as the page shows it.

    Attributes:
        operation: see there.
        summary: one sentence.
        path: parameters in the path, their JSON Schema.
        query: parameters behind it.
        headers: names of those it may have, with what they are for.
        body: the least that it takes; "" for nothing.
        fields: all that it takes.
        answer: an example of what it gives; "" for nothing.
    """

    operation: Operation
    summary: str
    path: tuple[dict[str, Any], ...]
    query: tuple[dict[str, Any], ...]
    headers: tuple[dict[str, Any], ...]
    body: str
    fields: tuple[ShownField, ...]
    answer: str


@reference.get("/api")
@needs(Role.VIEWER)
def page() -> str:
    """All operations, to read and to try."""
    return render_template("api.html", parts=_parts(), root=ROOT)


@cache
def _parts() -> tuple[tuple[str, tuple[Shown, ...]], ...]:
    shown = [_shown(made) for made in OPERATIONS]
    order = list(dict.fromkeys(item.operation.tag for item in shown))
    shown.sort(key=lambda item: order.index(item.operation.tag))
    return tuple((tag, tuple(items)) for tag, items in groupby(shown, key=lambda item: item.operation.tag))


def _shown(made: Operation) -> Shown:
    told_of = _document()["paths"][made.path][made.method.lower()]
    by_place: dict[str, list[dict[str, Any]]] = {"path": [], "query": [], "header": []}
    for item in told_of["parameters"]:
        by_place[item["in"]].append(item)
    body = told_of.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answer = told_of["responses"][str(made.status)].get("content", {}).get("application/json", {}).get("schema")
    return Shown(
        made, told_of["summary"], tuple(by_place["path"]), tuple(by_place["query"]), tuple(by_place["header"]),
        _example(body, is_least=True), tuple(_fields(body, "")) if body else (), _example(answer),
    )  # fmt: skip


def _example(schema: dict[str, Any] | None, *, is_least: bool = False) -> str:
    return "" if schema is None else json.dumps(_sample(schema, (), is_least), indent=2, ensure_ascii=False)


def _meant(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema itself, in the place of one that refers to it or also lets it be null."""
    if "anyOf" in schema:
        return _meant(schema["anyOf"][0])
    if "$ref" in schema:
        found: dict[str, Any] = _document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _sample(schema: dict[str, Any], inside: tuple[str, ...], is_least: bool) -> object:
    """Something of a schema: each field (the least: each that must be there) with a value of its type."""
    if schema.get("examples"):
        return schema["examples"][0]
    name = schema.get("$ref", "")
    if name in inside:
        return {}
    meant = _meant(schema)
    inside = (*inside, name) if name else inside
    if "enum" in meant:
        return meant["enum"][0]
    kind = meant.get("type")
    if kind == "array":
        return [_sample(meant["items"], inside, is_least)]
    if kind == "object":
        wanted = meant.get("required", ()) if is_least else meant.get("properties", {})
        return {field: _sample(meant["properties"][field], inside, is_least) for field in wanted}
    return {"integer": meant.get("minimum", 0), "number": 0, "boolean": False}.get(str(kind), "")


def _fields(schema: dict[str, Any], before: str) -> Iterator[ShownField]:
    """All fields of an object, those of objects in it behind it."""
    meant = _meant(schema)
    for name, field in meant.get("properties", {}).items():
        inner, kind = _meant(field), _kind_of(field)
        about = field.get("description") or ""
        yield ShownField(before + name, kind, about, name in meant.get("required", ()))
        if inner.get("type") == "array":
            yield from _fields(inner["items"], f"{before}{name}[].")
        else:
            yield from _fields(field, f"{before}{name}.")


def _kind_of(schema: dict[str, Any]) -> str:
    """What may be in a field, in a few words."""
    meant = _meant(schema)
    words = " | ".join(meant["enum"]) if "enum" in meant else str(meant.get("format") or meant.get("type") or "anything")
    if meant.get("type") == "array":
        words = f"list of {_kind_of(meant['items'])}"
    return f"{words}, or null" if "anyOf" in schema else words
