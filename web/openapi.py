"""The API's own description, made from what the routes declare: complete, or the tests fail."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from quart import Quart
from quart_schema import HttpSecurityScheme, Info, OpenAPIProvider, QuartSchema, Tag
from werkzeug.routing.rules import Rule

from drivers.registry import driver, driver_names
from web.auth import PUBLIC, permission_of
from web.errors import MEANING
from web.schemas.base import Body, Query
from web.schemas.devices import DeviceBody, DevicePatch, NewDeviceBody
from web.schemas.errors import ErrorAnswer, example_of
from web.speech import JSON, Said, Speech, speech_of

LARGEST: Final = 2**63 - 1  # of a table's own numbers
TAKES_SETTINGS: Final = (DeviceBody, NewDeviceBody, DevicePatch)
REF: Final = "#/components/schemas/{model}"
HEADERS: Final[dict[str, dict[str, Any]]] = {
    "Idempotency-Key": {
        "description": "makes the request repeatable: the same key on the same address does nothing twice",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "example": "feeding-2026-01-31-cage-3",
    },
    "If-Match": {
        "description": "change only the version seen: the `ETag` of an earlier answer, or `*`",
        "schema": {"type": "string"},
        "example": '"4-9f86d081"',
    },
    "If-None-Match": {
        "description": "answer 304 if nothing changed since the answer with this `ETag`",
        "schema": {"type": "string"},
        "example": '"4-9f86d081"',
    },
    "ETag": {"description": "the version seen; for `If-Match` and `If-None-Match`", "schema": {"type": "string"}},
    "Location": {"description": "where it can be read", "schema": {"type": "string", "format": "uri-reference"}},
}
TAGS: Final = {
    "devices": "The instruments: what they are, how they are, what they recorded.",
    "commands": "What devices were told to do, with every step of its life.",
    "rigs": "Which devices belong together, and which interlocks guard them.",
    "fleet": "The supervision tree: how it is, and what people do to it.",
    "welfare": "What subjects are given a day, what they may be given, and how pumps are calibrated.",
    "subjects": "The animals: who they are, what they are to get a day, what they weigh.",
    "protocols": "What happens in a trial, as data: versions that never change, drawn and rehearsed.",
    "experiments": "Plans: stages and what leads from one to the next, subjects, schedule.",
    "schedule": "Sessions that follow from plans: when, where, and what keeps them from it.",
    "runs": "Sessions of subject, rig and protocol: begun, steered, and what happens in them.",
    "alarms": "What needs a person (ISA-18.2): seen, acknowledged, shelved.",
    "auth": "Signing in and out, and one's own account.",
    "users": "Who may sign in, and programs' keys.",
    "laboratories": "What belongs together and is seen by its members only.",
    "audit": "Who did what, and tried to.",
    "health": "Whether LICS itself is well, for people and for orchestrators.",
}
ABOUT: Final = """Watch and steer the instruments of a behavioural laboratory.

Send `Authorization: Bearer <token>` with an access token of `auth/sign-in`, an API key,
or the token that `lics up` shows. Every error has the same body, `detail`, with a
stable `code` for programs and a `message` for people. Lists come in pages: `next` is the cursor of the page after, `null`
at the end. Times are UTC."""


class Provider(OpenAPIProvider):
    """quart-schema's provider, reading our declarations instead of its own decorators'."""

    def schema(self) -> dict[str, Any]:
        """Return the description; what a driver wants as settings is named where devices are defined."""
        described: dict[str, Any] = super().schema()
        components = described["components"]["schemas"]
        choices = [_register(driver(name).settings_model, "read", components) for name in driver_names()]
        for body in TAKES_SETTINGS:
            components[body.__name__]["properties"]["settings"]["anyOf"] = choices
        return described

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the operations of one rule, and the components they name."""
        view = self._app.view_functions[rule.endpoint]
        speech = speech_of(view)
        if speech is None:
            return {}, {}
        components: dict[str, Any] = {}
        path = re.sub(r"<(?:[^:>]*:)?([^>]+)>", r"{\1}", rule.rule)
        operation = self._operation(rule, speech, components)
        methods = {method.lower(): {**operation, "operationId": view.__name__} for method in self.generate_methods(rule)}
        return {path: methods}, components

    def _operation(self, rule: Rule, speech: Speech, components: dict[str, Any]) -> dict[str, Any]:
        view = self._app.view_functions[rule.endpoint]
        summary, _, description = (inspect.getdoc(view) or "").partition("\n")
        permission = permission_of(view)
        need = "" if permission == PUBLIC else f"Needs the permission `{permission}`."
        operation: dict[str, Any] = {
            "summary": summary.rstrip("."),
            "description": "\n\n".join(part for part in (description.strip(), need) if part),
            "tags": [speech.tag],
            "parameters": [*_path_parameters(rule), *_query_parameters(speech.query, components), *_header_parameters(speech)],
            "responses": _responses(speech, _error_statuses(rule, speech, permission), components),
            "security": [] if permission == PUBLIC else [{"bearer": []}],
        }
        if speech.body is not None:
            operation["requestBody"] = _request_body(speech.body, speech.body_required, components)
        return operation


def _error_statuses(rule: Rule, speech: Speech, permission: str | None) -> list[int]:
    statuses = {*speech.errors, 414, 429, 500}
    if permission != PUBLIC:
        statuses |= {401, 403}
    if rule.arguments:
        statuses.add(404)
    if speech.body is not None:
        statuses |= {400, 408, 413, 415, 422}
    if speech.query is not None or speech.headers:
        statuses.add(422)
    return sorted(statuses)


def _register(model: type[BaseModel], mode: str, components: dict[str, Any]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template=REF, mode="serialization" if mode == "said" else "validation")
    components.update(schema.pop("$defs", {}))
    reference = {"$ref": REF.format(model=model.__name__)}
    if "$ref" not in schema:  # a model that contains itself comes as a reference to its definition
        components[model.__name__] = schema
    return reference


def _path_parameters(rule: Rule) -> Iterator[dict[str, Any]]:
    for name in sorted(rule.arguments):
        schema: dict[str, Any] = {"type": "string", "format": "uuid"}
        if f"<int(max={LARGEST}):{name}>" in rule.rule:
            schema = {"type": "integer", "minimum": 0, "maximum": LARGEST}
        elif f"<path:{name}>" in rule.rule:
            schema = {"type": "string", "minLength": 1, "maxLength": 200, "examples": ["fleet"]}
        example = {"example": schema["examples"][0]} if "examples" in schema else {}
        yield {"name": name, "in": "path", "required": True, "schema": schema, **example}


def _query_parameters(model: type[Query] | None, components: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if model is None:
        return
    schema = model.model_json_schema(ref_template=REF)
    components.update(schema.pop("$defs", {}))
    for name, shape in schema.get("properties", {}).items():
        shape.pop("title", None)
        parameter = {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": _without_null(shape)}
        if "description" in shape:
            parameter["description"] = shape.pop("description")
        yield parameter


def _without_null(shape: dict[str, Any]) -> dict[str, Any]:
    """An absent query parameter is absent; there is no way to write null in an address."""
    kinds = [kind for kind in shape.get("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) == 1:
        shape = {**kinds[0], **{name: value for name, value in shape.items() if name != "anyOf"}}
    if shape.get("default", 0) is None:
        del shape["default"]
    return shape


def _header_parameters(speech: Speech) -> Iterator[dict[str, Any]]:
    for name in speech.headers:
        yield {"name": name, "in": "header", "required": False, **HEADERS[name]}


def _request_body(model: type[Body], required: bool, components: dict[str, Any]) -> dict[str, Any]:
    return {"required": required, "content": {JSON: {"schema": _register(model, "read", components)}}}


def _responses(speech: Speech, errors: list[int], components: dict[str, Any]) -> dict[str, Any]:
    responses = {str(status): _said(said, components) for status, said in speech.answers.items()}
    error = _register(ErrorAnswer, "said", components)
    for status in errors:
        told = {"description": MEANING[status], "content": {JSON: {"schema": error, "example": example_of(status)}}}
        responses.setdefault(str(status), told)
    if str(HTTPStatus.UNAUTHORIZED) in responses:
        responses["401"]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return dict(sorted(responses.items()))


def _said(said: Said, components: dict[str, Any]) -> dict[str, Any]:
    response: dict[str, Any] = {"description": said.meaning}
    content: dict[str, Any] = {}
    if said.model is not None:
        content[JSON] = {"schema": _register(said.model, "said", components)}
    for media, meaning in said.other.items():
        content[media] = {"schema": {"type": "string", "description": meaning}}
    if content:
        response["content"] = content
    if said.headers:
        response["headers"] = {name: HEADERS[name] for name in said.headers}
    return response


def describe(app: Quart, version: str) -> QuartSchema:
    """Attach the description to `app`; its routes are in docs.py."""
    return QuartSchema(
        app,
        openapi_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        swagger_ui_path=None,
        info=Info(title="LICS", version=version, description=ABOUT),
        tags=[Tag(name=name, description=text) for name, text in TAGS.items()],
        security_schemes={"bearer": HttpSecurityScheme(scheme="bearer")},
        conversion_preference="pydantic",
        openapi_provider_class=Provider,
    )
