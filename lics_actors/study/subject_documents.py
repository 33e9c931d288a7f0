"""What may be said of a subject, and what of it makes no sense. Pure."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator

from lics_actors.datafile.species import FULL, named_fully, scientific
from lics_actors.errors import InvalidError

Sex = Literal["female", "male", "unknown"]
Status = Literal["active", "resting", "retired"]
GUARDED: Final = frozenset({"daily", "status", "rfid"})  # what may not be changed without saying why
RFID: Final = r"^[0-9A-Za-z][0-9A-Za-z:._-]{3,63}$"


def _species(said: str) -> str:
    if named_fully(said):
        return said
    known = scientific(said)
    example = known if named_fully(known) else "Mus musculus"
    term = "http://purl.obolibrary.org/obo/NCBITaxon_10090"
    raise ValueError(f"write its Latin name, as `{example}`, or its term of NCBI's taxonomy, as {term}")


Species = Annotated[
    str,
    AfterValidator(_species),
    WithJsonSchema({"type": "string", "maxLength": 255, "pattern": f"^{FULL}$", "examples": ["Mus musculus"]}),
]
"""A species by its Latin name, or its term of NCBI's taxonomy: as data files and archives want it."""
Amount = Annotated[float, Field(strict=True, ge=0, le=1e9)]


class Amounts(BaseModel):
    """Of a day: below `min` it has had too little, `target` is what it is to get, `max` is never exceeded."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    min: Amount | None = None
    target: Amount | None = None
    max: Amount | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        said = [each for each in (self.min, self.target, self.max) if each is not None]
        if not said or said != sorted(said):
            raise ValueError("give at least one of `min`, `target` and `max`, in this order")
        return self


class Daily(BaseModel):
    """What a subject is to get a day over all rigs, by kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    fluid_ul: Amounts | None = None
    food_mg: Amounts | None = None
    food_pellets: Amounts | None = None

    def document(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return self.model_dump(mode="json", exclude_none=True)


def read_daily(said: Any) -> Daily:
    """Return the daily amounts that a document says.

    Raises:
        InvalidError: `fields` says where it breaks a rule.
    """
    try:
        return Daily.model_validate(said)
    except ValidationError as error:
        faults = tuple(
            {"field": ".".join(["daily", *(str(step) for step in each["loc"])]), "message": each["msg"]}
            for each in error.errors(include_url=False, include_input=False)
        )
        raise InvalidError("these are no daily amounts; see fields", faults) from None


class Facts(BaseModel):
    """What else may be said of a subject, as text."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S")] = "-"
    species: Species | None = None
    sex: Sex = "unknown"
    rfid: Annotated[str, Field(pattern=RFID)] | None = None
    status: Status = "active"
    notes: Annotated[str, Field(max_length=4000)] = ""


def read_facts(**said: str | None) -> dict[str, Any]:
    """Return what somebody says of a subject, as it is kept: only what he says.

    Raises:
        InvalidError: `fields` says where it breaks a rule.
    """
    try:
        return Facts.model_validate(said).model_dump(include=set(said))
    except ValidationError as error:
        faults = tuple({"field": str(each["loc"][0]), "message": each["msg"]} for each in error.errors(include_url=False))
        raise InvalidError("this is no subject; see fields", faults) from None


def check_subject(birth_date: date | None, today: date) -> None:
    """Let a subject pass.

    Raises:
        InvalidError: it is born later than today.
    """
    if birth_date is not None and birth_date > today:
        raise InvalidError("this subject makes no sense; see fields", ({"field": "birth_date", "message": "is in the future"},))


def needs_reason(changed: set[str], reason: str | None) -> set[str]:
    """Return what of the changed fields may not be changed without a reason."""
    return set() if reason and reason.strip() else changed & GUARDED
