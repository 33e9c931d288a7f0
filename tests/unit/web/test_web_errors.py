"""Every error has the one body, whatever layer it comes from, and nothing that was not meant for the caller."""

from __future__ import annotations

import inspect

import pytest
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, default_exceptions

import lics_actors.errors as domain
from lics_actors.errors import InvalidError, LicsError
from web import errors
from web.errors import STATUS, problem_of

DESIGNED = [
    kind for module in (domain, errors) for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, LicsError)
]


@pytest.mark.parametrize("kind", DESIGNED, ids=lambda kind: kind.__name__)
def test_every_designed_error_has_a_status_and_keeps_its_words(kind: type[LicsError]) -> None:
    problem = problem_of(kind("the words"))
    assert problem.status == STATUS[kind.type]
    if problem.status != 500:
        assert (problem.code, problem.message, problem.type) == (kind.code, "the words", kind.type)


@pytest.mark.parametrize("status", sorted(default_exceptions))
def test_every_refusal_of_http_has_the_one_body(status: int) -> None:
    problem = problem_of(default_exceptions[status]())
    assert problem.status == (status if status < 500 else 500)
    detail = problem.body("r1")["detail"]
    assert isinstance(detail, dict)
    assert set(detail) == {"code", "message", "type", "request_id"}
    assert detail["request_id"] == "r1"


class UnforeseenError(LicsError):
    """An error of a type that nobody put into the table."""

    type = "never_heard_of"


@pytest.mark.parametrize(
    "error", [RuntimeError("secret /etc/passwd select * from"), UnforeseenError("secret"), LicsError("secret")]
)
def test_what_was_not_designed_for_callers_never_leaves(error: Exception) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.code) == (500, "INTERNAL_ERROR")
    assert "secret" not in str(problem.body("r1"))


def test_a_wrong_method_says_which_are_right() -> None:
    assert problem_of(MethodNotAllowed(valid_methods=["GET", "PUT"])).headers == {"Allow": "GET, PUT"}


def test_a_missing_token_says_what_is_wanted() -> None:
    assert "Bearer" in problem_of(errors.AuthenticationError("no token")).headers["WWW-Authenticate"]


def test_http_errors_tell_no_description_of_their_own() -> None:
    error = NotFound(description="/srv/lab/secret.py")
    assert isinstance(error, HTTPException)
    assert "secret" not in problem_of(error).message


class Inner(BaseModel):
    silent_s: float


class Outer(BaseModel):
    settings: Inner
    items: list[Inner]


def test_fields_are_paths_as_people_write_them() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"settings": {"silent_s": "x"}, "items": [{"silent_s": 1}, {}]})
    refusal = errors.invalid(caught.value)
    assert isinstance(refusal, InvalidError)
    assert [entry["field"] for entry in refusal.fields] == ["settings.silent_s", "items[1].silent_s"]
    assert errors.invalid(caught.value, "body").fields[0]["field"] == "body.settings.silent_s"
