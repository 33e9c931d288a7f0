"""Files of runs as the API reads and says them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from lics_actors.datafile.formats import FormatName
from lics_actors.store.exports import Export
from web.schemas.base import Answer, Body, Query

EXPORT: Final = "6c1d6a52-4f0d-4f0e-9d53-9b1c3a2f7f10"
RUN: Final = "2f5b8f0e-9f0c-4f0b-8a53-0d1a1c1f8b33"


class NewExportBody(Body):
    """Which file."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"format": "nwb"}]})
    format: FormatName = Field("nwb", description="nwb; parquet or csv: an archive of one file a table (docs/data.md)")


class ExportQuery(Query):
    """How long to wait."""

    wait: Annotated[float, Field(ge=0, le=50, description="seconds to wait until it is made; it goes on meanwhile")] = 20.0


class ExportView(Answer):
    """A file of a run."""

    id: UUID = Field(examples=[EXPORT])
    run_id: UUID = Field(examples=[RUN])
    format: str
    state: Literal["making", "ready", "failed"]
    reason: str | None = Field(description="why it failed")
    name: str = Field(description="what to call it", examples=[f"run-{RUN}.nwb"])
    size: int | None = Field(description="bytes")
    sha256: str | None = Field(description="of the file")
    record_sha256: str | None = Field(description="of the record in it, that its tables follow from")
    software: str = Field(description="the version of LICS that made it")
    created_at: datetime
    ended_at: datetime | None
    created_by: str


class ExportPage(Answer):
    """A run's files, the newest first; older ones than 20 are forgotten."""

    items: list[ExportView]
    next: str | None = Field(description="always null: there are never more")


def export_view(row: Export, name: str) -> ExportView:
    """Return a file as the API says it."""
    return ExportView.model_construct(
        name=name,
        **{field: getattr(row, field) for field in ExportView.model_fields if field != "name"},
    )
