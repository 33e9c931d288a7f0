"""Indexes that Tortoise has no word for: unique among those rows only that meet a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tortoise.indexes import Index

if TYPE_CHECKING:
    from tortoise.backends.base.schema_generator import BaseSchemaGenerator
    from tortoise.models import Model


class UniqueAmong(Index):
    """A unique index over `fields` of the rows where `condition` (SQL) holds."""

    def __init__(self, *, fields: tuple[str, ...], name: str, condition: str) -> None:
        super().__init__(fields=fields, name=name)
        self.condition = condition
        self.extra = f" WHERE {condition}"

    def get_sql(self, schema_generator: BaseSchemaGenerator, model: type[Model], safe: bool) -> str:
        """Return the statement that makes it."""
        return super().get_sql(schema_generator, model, safe).replace("CREATE INDEX", "CREATE UNIQUE INDEX", 1)
