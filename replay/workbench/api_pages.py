"""The REST API, its document, and the page to read and try it."""

from __future__ import annotations

import json
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
)
from replay.workbench.api.openapi import document
from replay.workbench.api.operations import OPERATIONS, ROOT, Operation, blueprint
from replay.workbench.api.problems import told
from replay.workbench.session import needs

#: Every part of the API; importing one makes its operations known.
PARTS = (
    collection_views, archive_views, image_views, seed_views, crawl_views, report_views, job_views, missing_views, access_views,
    record_views, account_views,
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
class Shown:
    """An operation as the page shows it.

    Attributes:
        operation: see there.
        summary: one sentence.
        path: parameters in the path, their JSON Schema.
        query: parameters behind it.
        headers: names of those it may have, with what they are for.
        body: an example of what it takes; "" for nothing.
        answer: an example of what it gives; "" for nothing.
    """

    operation: Operation
    summary: str
    path: tuple[dict[str, Any], ...]
    query: tuple[dict[str, Any], ...]
    headers: tuple[dict[str, Any], ...]
    body: str
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
        _example(body), _example(answer),
    )  # fmt: skip


def _example(schema: dict[str, Any] | None) -> str:
    return "" if schema is None else json.dumps(_sample(schema, ()), indent=2, ensure_ascii=False)


def _sample(schema: dict[str, Any], inside: tuple[str, ...]) -> object:
    """Something of a schema: each field with its type, or its first value."""
    if schema.get("examples"):
        return schema["examples"][0]
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {} if name in inside else _sample(_document()["components"]["schemas"][name], (*inside, name))
    if "anyOf" in schema:
        return _sample(schema["anyOf"][0], inside)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "array":
        return [_sample(schema["items"], inside)]
    if kind == "object":
        return {name: _sample(item, inside) for name, item in schema.get("properties", {}).items()}
    return {"integer": schema.get("minimum", 0), "number": 0, "boolean": False}.get(str(kind), "")
