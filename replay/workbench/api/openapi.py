"""The OpenAPI document (3.1), made of what the operations declare."""

from __future__ import annotations

from typing import Any

from archiver.accounts import Role
from replay.workbench.api.operations import FILE_TYPE, OPERATIONS, Operation
from replay.workbench.api.problems import MEDIA_TYPE, Problem
from replay.workbench.api.schema import Schemas, declared, required, summary_of, taken_apart

_ABOUT = """All that the workbench does, for programs. A program sends `Authorization: Bearer TOKEN`; a page of the workbench
sends its cookie, and with what changes something the header `X-CSRFToken` (see `/session`) and its origin. Lists come in pages:
`next` is the address of the next one, null at the end. What is changed may be named by its ETag in `If-Match`; what is made may
be asked for twice with an `Idempotency-Key`, and is made once. What went wrong is told as RFC 9457 has it."""

#: What the header of a request for a file may say beside.
_PARTS = (
    ("Range", "Only these bytes, such as bytes=0-1023."),
    ("If-Range", "The ETag of the file of which a part is here; of another one, all is sent."),
    ("If-None-Match", "The ETag of the file that is here; 304 when it is the same."),
)
_CONVERTERS = {"int": {"type": "integer", "minimum": 0}}


def document(operations: list[Operation] = OPERATIONS) -> dict[str, Any]:
    """The document.

    Raises:
        TypeError: something is declared that cannot be told; a fault of the program.
    """
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for made in operations:
        paths.setdefault(made.path, {})[made.method.lower()] = _operation(made, schemas)
    schemas.of(Problem, is_input=False)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Muniment", "version": "1", "description": " ".join(_ABOUT.split())},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(made.tag for made in operations)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "muniment_session"},
            },
        },
        "security": [{"token": []}, {"session": []}],
    }


def _operation(made: Operation, schemas: Schemas) -> dict[str, Any]:
    text = (made.view.__doc__ or "").strip()
    told: dict[str, Any] = {
        "operationId": made.name,
        "summary": summary_of(text),
        "tags": [made.tag],
        "description": f"Needs the role {made.role.value}"
        + (" or a greater one." if made.role is not Role.ADMINISTRATOR else "."),
        "parameters": [*_of_path(made), *_of_query(made, schemas), *_headers(made)],
        "responses": {
            str(made.status): _answer(made, schemas),
            "default": {
                "description": "What went wrong.",
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if made.has_etag:
        told["responses"]["304"] = {"description": "It is as it was."}
    if made.gives_file:
        told["parameters"] += [_header(name, about) for name, about in _PARTS]
        told["responses"] |= {
            "206": {"description": "The bytes that were asked for.", "content": _file_of(made)},
            "304": {"description": "It is as it was."},
            "416": {"description": "The file is not as long."},
        }
    if made.body is not None:
        content = {"application/json": {"schema": schemas.of(made.body, is_input=True)}}
        told["requestBody"] = {"required": True, "content": content}
    if made.takes_file:
        content = {FILE_TYPE: {"schema": {"type": "string", "format": "binary"}}}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _of_path(made: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": dict(_CONVERTERS.get(converter, {"type": "string"}))}
        for name, converter in made.parameters
    ]


def _of_query(made: Operation, schemas: Schemas) -> list[dict[str, Any]]:
    if made.query is None:
        return []
    needed = required(made.query)
    found = []
    for name, kind in declared(made.query).items():
        schema = schemas.of(taken_apart(kind).base if kind is None else kind, is_input=True)
        found.append({"name": name, "in": "query", "required": name in needed, "schema": schema})
    return found


def _headers(made: Operation) -> list[dict[str, Any]]:
    found = []
    if made.is_guarded:
        found.append(("If-Match", "The ETag of the state that is to be changed; 412 when it is another."))
    if made.is_repeatable:
        found.append(("Idempotency-Key", "Asked for again with the same key within a day, it is answered as before."))
    return [_header(name, about) for name, about in found]


def _header(name: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": about, "schema": {"type": "string"}}


def _file_of(made: Operation) -> dict[str, Any]:
    """A file by its media types; what is in it is not told, whatever it is."""
    return {kind: {"schema": {}} for kind in made.gives_file}


def _answer(made: Operation, schemas: Schemas) -> dict[str, Any]:
    if made.gives_file:
        told = ("ETag", "Content-Disposition", "Accept-Ranges", "Repr-Digest")
        headers = {name: {"schema": {"type": "string"}} for name in told}
        return {
            "description": "The file. HEAD is answered with its header fields alone.",
            "content": _file_of(made),
            "headers": headers,
        }
    if made.answer is None:
        return {"description": "Done."}
    schema = schemas.of(made.answer, is_input=False)
    if made.is_page:
        schema = {
            "type": "object",
            "properties": {
                "items": {"type": "array", "items": schema},
                "next": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "Address of the next page."},
            },
            "required": ["items", "next"],
            "additionalProperties": False,
        }
    said: dict[str, Any] = {"description": "Done.", "content": {"application/json": {"schema": schema}}}
    names = [name for name, wanted in (("ETag", made.has_etag), ("Location", made.status == 201)) if wanted]
    if names:
        said["headers"] = {name: {"schema": {"type": "string"}} for name in names}
    return said
