"""A client of the API that holds every answer against the document."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from flask import Flask
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.test import TestResponse

from archiver.accounts import Role
from archiver.holdings import Holdings
from replay.workbench.api.openapi import document
from replay.workbench.api.operations import ROOT
from tests.workbench import HOME, PASSWORD, accounts_of

MERE = re.compile(r"\{[^}]+\}")


@cache
def told() -> dict[str, Any]:
    """The document."""
    return document()


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    # The longest first, so that names in a path are not taken for parameters.
    order = sorted(told()["paths"], key=lambda path: (path.count("{"), -len(path)))
    return [(re.compile(MERE.sub("(.+)" if "files" in path else "([^/]+)", path)), path) for path in order]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """What the document says of an address; None for nothing."""
    bare = path.partition("?")[0]
    for pattern, name in _paths():
        if pattern.fullmatch(bare) and method.lower() in told()["paths"][name]:
            found: dict[str, Any] = told()["paths"][name][method.lower()]
            return found
    return None


@cache
def _validator(pointer: str) -> Any:
    return OAS31Validator({"$ref": "urn:document" + pointer}, registry=_registry())


@cache
def _registry() -> Any:
    resource = Resource.from_contents(told(), default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:document", resource)
    return registry.crawl()


def check(method: str, path: str, answer: TestResponse) -> None:
    """Make sure that an answer is as the document says."""
    operation = operation_of(method, path)
    assert operation is not None, f"{method} {path} is not in the document"
    said = operation["responses"].get(str(answer.status_code))
    if said is None:
        assert answer.status_code >= 400, f"{method} {path}: {answer.status_code} is not in the document"
        said = operation["responses"]["default"]
    content = said.get("content")
    if content is None:
        assert answer.get_data() == b"", answer.get_data(as_text=True)
        return
    assert answer.mimetype in content, answer.mimetype
    if content[answer.mimetype]["schema"] == {}:  # a file
        answer.get_data()
        answer.close()
        return
    validator = _validator(_pointer(operation, said, str(answer.mimetype)))
    problems = [error.message for error in validator.iter_errors(answer.get_json())]
    assert problems == [], f"{method} {path}: {problems}"


def _pointer(operation: dict[str, Any], said: dict[str, Any], mimetype: str) -> str:
    """Where in the document a schema is, so that its own references find what they mean."""
    for path, methods in told()["paths"].items():
        for method, item in methods.items():
            if item is operation:
                status = next(name for name, value in item["responses"].items() if value is said)
                parts = ("paths", path, method, "responses", status, "content", mimetype, "schema")
                return "#/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)
    raise AssertionError("not in the document")


class ApiClient:
    """A program with a token; every answer is checked.

    Args:
        app: the workbench.
        holdings: of its archive.
        role: of the account and its token, which are made where there are none.
    """

    def __init__(self, app: Flask, holdings: Holdings, role: Role = Role.ADMINISTRATOR) -> None:
        accounts = accounts_of(holdings)
        names = {account.name for account in accounts.all()}
        for needed in (Role.ADMINISTRATOR, role):
            if needed.value not in names:
                accounts.create(needed.value, PASSWORD, needed)
                names.add(needed.value)
        self.name = role.value
        self.secret = accounts.make_token(role.value, "test", role)
        self._client = app.test_client()

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> TestResponse:
        """Send a request; `path` below the API's root, or whole."""
        address = path if path.startswith("/") and path.startswith(ROOT) else ROOT + path
        sent = {"Authorization": f"Bearer {self.secret}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        more = {} if body is None else {"json": body}
        answer = self._client.open(address, method=method, base_url=HOME, headers=sent, **more)  # type: ignore[arg-type]
        check(method, address, answer)
        return answer

    def raw(self, method: str, path: str, data: bytes, mimetype: str = "application/json") -> TestResponse:
        """Send just these bytes."""
        headers = {"Authorization": f"Bearer {self.secret}"}
        answer = self._client.open(ROOT + path, method=method, base_url=HOME, headers=headers, data=data, content_type=mimetype)
        check(method, ROOT + path, answer)
        return answer
