"""From text to a document: YAML or JSON, bounded, with errors that name the path. Pure."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, Final

import yaml
from pydantic import ValidationError

from lics_actors.experiment.document import Protocol
from lics_actors.experiment.problems import Problem, ProtocolError

MAX_BYTES: Final = 262_144  # a large protocol has some ten kilobytes
MAX_DEPTH: Final = 20


class _Loader(yaml.SafeLoader):
    """YAML 1.2's booleans (`on` and `no` stay words), no aliases (they can multiply), no key twice, no depth without end."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(None, None, "aliases are not allowed", self._mark())
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.constructor.ConstructorError(None, None, "nested too deep", self._mark())
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _mark(self) -> yaml.Mark:
        mark: yaml.Mark = self.get_mark()
        return mark

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands here twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in resolvers if tag.rsplit(":", 1)[1] in {"float", "null"}]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))


def read(text: str) -> Protocol:
    """Return the protocol that a YAML or JSON text says.

    Raises:
        ProtocolError: with every place where it breaks the language.
    """
    return validated(read_yaml(text))


def read_yaml(text: str) -> object:
    """Return the value that a YAML or JSON text says, whatever it is about.

    Raises:
        ProtocolError: it is neither, or too large.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise ProtocolError([Problem("", f"the document is larger than {MAX_BYTES} bytes", "split it")])
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ProtocolError([_malformed(error)]) from None


def validated(given: object) -> Protocol:
    """Return the protocol that a JSON value says.

    Raises:
        ProtocolError: with every place where it breaks the language.
    """
    try:
        return Protocol.model_validate(given)
    except ValidationError as error:
        raise ProtocolError([_problem(dict(each)) for each in error.errors(include_url=False)[:50]]) from None


def _malformed(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    what = str(getattr(error, "problem", None) or error).partition("\n")[0]
    return Problem(place, what, "indent with spaces, not with tabs" if r"'\t'" in what else "mend the YAML")


def _problem(error: dict[str, Any]) -> Problem:
    path = ".".join(str(part) for part in error["loc"])
    if not path and error["type"] == "model_type":
        what = "nothing stands here" if error["input"] is None else "this is no protocol: no `name: value` lines"
        return Problem("", what, "begin with `protocol: 1`, or with a classic (docs/protocols.md)")
    known = {"missing": ("it is required", "add it"), "extra_forbidden": ("nothing is called so here", "look for a typing error")}
    reason, todo = known.get(error["type"], (str(error["msg"]).removeprefix("Value error, "), "see docs/protocols.md"))
    return Problem(path, reason, todo)
