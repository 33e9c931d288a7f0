"""What the contract tests of the store share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lics_actors.store.repository import Repository


@pytest.fixture
async def repository(database_url: str) -> AsyncIterator[Repository]:
    """A repository on a fresh database with the current schema."""
    repository = await Repository.connect(database_url)
    yield repository
    await repository.close()
