"""Where protocols come from: files, and the classics that are shipped."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from lics_actors.errors import NotFoundError
from lics_actors.experiment.document import Protocol
from lics_actors.experiment.reading import MAX_BYTES, read


def classics() -> tuple[str, ...]:
    """Return the names of the protocols that are shipped."""
    found = (files("lics_actors.experiment") / "classics").iterdir()
    return tuple(sorted(each.name.removesuffix(".yaml") for each in found if each.name.endswith(".yaml")))


def text_of(name: str) -> str:
    """Return the text of a protocol: a file's, or a classic's.

    Raises:
        NotFoundError: there is neither.
    """
    path = Path(name)
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MAX_BYTES + 1)
    if name in classics():
        return (files("lics_actors.experiment") / "classics" / f"{name}.yaml").read_text(encoding="utf-8")
    raise NotFoundError(f"there is no file {name!r}, and no classic of that name; classics are: {', '.join(classics())}")


def protocol_of(name: str) -> Protocol:
    """Return a protocol from a file or of the classics.

    Raises:
        NotFoundError: there is none.
        ProtocolError: it breaks the language.
    """
    return read(text_of(name))
