"""From text to a protocol: bounded, and each error with its path."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.errors import InvalidError, NotFoundError
from lics_actors.experiment.document import json_schema
from lics_actors.experiment.library import classics, protocol_of, text_of
from lics_actors.experiment.problems import ProtocolError
from lics_actors.experiment.reading import read
from tests.unit.experiment.kitchen import KITCHEN

HOLD = "      - after: hold\n"
FOURTH = "states.begin.transitions.4"


def refused(text: str) -> dict[str, str]:
    with pytest.raises(ProtocolError) as caught:
        read(text)
    assert isinstance(caught.value, InvalidError)
    return {each["field"]: each["message"] for each in caught.value.fields}


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("x" * 300_000, "(document)", "larger than"),
        ("a: [", "line 1", "expected"),
        ("a: &x 1\nb: *x", "line 2", "aliases"),
        ("a: 1\na: 2", "line 2", "twice"),
        ("[" * 50 + "]" * 50, "line 1", "too deep"),
        ("!!python/object:os.system {}", "line 1", "could not determine"),
        ("? [1]\n: 2", "line 1", "unhashable"),
        ("\x00", "(document)", "not allowed"),
        ("just text", "(document)", "is no protocol"),
        ("{}", "states", "it is required"),
        (KITCHEN + "extra: 1", "extra", "nothing is called so here"),
        (KITCHEN.replace("protocol: 1", "protocol: 2"), "protocol", "should be 1"),
        (KITCHEN.replace("name: kitchen", "name: No Name"), "name", "pattern"),
        (KITCHEN.replace("[{marker: begun}]", "[{marker: begun, reward: 1}]"), "states.begin.exit.0", "exactly one"),
        (KITCHEN.replace("[{marker: begun}]", "[{marker: begun, args: {a: 1}}]"), "states.begin.exit.0", "belong to a"),
        (KITCHEN.replace("{min: 100 ms, max: 0.5 s}", "{min: 1 s}"), "draws.hold", "both `min` and `max`"),
        (KITCHEN.replace("{min: 100 ms, max: 0.5 s}", "{min: 1 s, max: 2 s, max_run: 2}"), "draws.hold", "two values"),
        (KITCHEN.replace(HOLD, HOLD + "        event: panel.lick\n"), FOURTH, "one trigger"),
        (KITCHEN.replace(HOLD, HOLD + "        end: bad\n"), FOURTH, "not both"),
        (KITCHEN.replace(HOLD, HOLD + "        outcome: failed\n"), FOURTH, "belongs to a"),
    ],
)
def test_what_breaks_the_language_is_said_with_its_place(text: str, path: str, reason: str) -> None:
    found = refused(text)
    assert any(where.startswith(path) and reason in message for where, message in found.items()), found


def test_yaml_is_read_by_version_1_2() -> None:
    text = KITCHEN.replace("{left: odds, right: 1}", "{on: odds, no: 1, y: 0x10}".replace("0x10", "16"))
    assert list(read(text).draws["side"].values) == ["on", "no", "y"]
    assert read(KITCHEN).parameters["bright"].default is True


def test_json_is_yaml() -> None:
    assert read(json.dumps(read(KITCHEN).model_dump(mode="json", exclude_none=True))) == read(KITCHEN)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_refused_and_nothing_else(text: str) -> None:
    with pytest.raises(ProtocolError):
        read(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["states", "roles", "limits", "trial", "protocol", "a"]), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_any_document_is_refused_with_paths(document: object) -> None:
    assert refused(json.dumps(document))


def test_the_schema_accepts_the_classics_and_is_the_published_one() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for name in classics():
        jsonschema.validate(yaml.safe_load(text_of(name)), schema)
    published = Path(__file__).parents[3] / "docs" / "protocol.schema.json"
    assert json.loads(published.read_text()) == schema, "run `lics run schema > docs/protocol.schema.json`"


def test_a_file_goes_before_a_classic(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(KITCHEN)
    assert protocol_of(str(file)).name == "kitchen"
    assert protocol_of("go_nogo").name == "go_nogo"
    with pytest.raises(NotFoundError, match="classics are: delayed_match"):
        protocol_of("nothing")


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("protocol: 1\nname: a\nroles:\n  b: {}\nname: c\n", "line 5, column 1", "'name' stands here twice"),
        ("states:\n  a:\n\t- b\n", "line 3, column 1", "indent with spaces"),
        ("", "", "nothing stands here"),
        ("- 1\n", "", "no `name: value` lines"),
        ("\x00", "", "special characters are not allowed; mend the YAML"),
    ],
)
def test_the_mistakes_of_a_beginner_are_told_in_a_line(text: str, path: str, said: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        read(text)
    (only,) = refused.value.problems
    assert only.path == path and said in str(only) and "\n" not in str(only)
