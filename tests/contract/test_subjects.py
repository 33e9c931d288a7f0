"""The subjects' and protocols' part of the repository, on a real database."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from drivers.native.spec import DEVICE_TYPES
from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.errors import ConflictError, PreconditionFailedError, ProtocolNotFoundError, SubjectNotFoundError
from lics_actors.experiment.library import text_of
from lics_actors.store.protocols import NewVersion, ProtocolVersion, Rehearsal
from lics_actors.store.repository import Repository
from lics_actors.store.subjects import NewSubject, SubjectFilter, Weight
from lics_actors.study.protocol_documents import uploaded

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ELSEWHERE = UUID(int=2)


def subject(name: str, **more: Any) -> NewSubject:
    return NewSubject(**{"laboratory_id": DEFAULT_LABORATORY, "principal": "user:1", "species": "mouse", **more, "name": name})


async def test_a_subjects_life(repository: Repository) -> None:
    made = await repository.create_subject(
        subject("m-1", rfid="tag-1", birth_date=date(2025, 5, 1), daily={"fluid_ul": {"max": 5}}), "arrived"
    )
    assert (made.version, made.daily, made.birth_date) == (1, {"fluid_ul": {"max": 5}}, date(2025, 5, 1))
    for called in (str(made.id), "m-1", "tag-1"):
        assert await repository.find_subject(called) == made
    later = await repository.update_subject(made, {"status": "resting"}, principal="user:2", reason="wound")
    assert (later.version, later.status, later.updated_by) == (2, "resting", "user:2")
    with pytest.raises(PreconditionFailedError):
        await repository.update_subject(made, {"name": "x"}, principal="user:2")

    first, second = reversed((await repository.changes(made.id)).items)
    assert (first.version, first.reason, first.principal) == (1, "arrived", "user:1")
    assert (second.changed, second.reason, second.facts["status"]) == (("status",), "wound", "resting")
    page = await repository.changes(made.id, 1)
    assert [each.version for each in (await repository.changes(made.id, 1, page.next)).items] == [1]


async def test_names_and_tags_are_free_again_once_their_subject_is_retired(repository: Repository) -> None:
    made = await repository.create_subject(subject("m-1", rfid="tag-1"))
    for clash, fact in (
        (subject("m-1"), "name"),
        (subject("m-2", rfid="tag-1"), "rfid"),
        (subject("x", subject_id=made.id), "subject_id"),
    ):
        with pytest.raises(ConflictError) as refused:
            await repository.create_subject(clash)
        assert list(refused.value.facts) == [fact]
    await repository.create_subject(subject("m-1", rfid="tag-1", laboratory_id=ELSEWHERE))
    other = await repository.create_subject(subject("m-2", rfid="tag-2"))
    with pytest.raises(ConflictError):
        await repository.update_subject(other, {"rfid": "tag-1"}, principal="u")
    assert (await repository.changes(other.id)).items[0].version == 1, "what was refused left no version"
    await repository.update_subject(made, {"status": "retired"}, principal="u")
    again = await repository.update_subject(other, {"rfid": "tag-1", "name": "m-1"}, principal="u")
    assert await repository.find_subject("tag-1", frozenset({DEFAULT_LABORATORY})) == again


async def test_a_laboratory_sees_its_own(repository: Repository) -> None:
    here = await repository.create_subject(subject("b"))
    there = await repository.create_subject(subject("a", laboratory_id=ELSEWHERE))
    own = frozenset({ELSEWHERE})
    assert [row.name for row in (await repository.list_subjects(SubjectFilter())).items] == ["a", "b"]
    assert (await repository.list_subjects(SubjectFilter(own))).items == [there]
    assert (await repository.list_subjects(SubjectFilter(frozenset()))).items == []
    for missing in (repository.get_subject(here.id, own), repository.find_subject("b", own), repository.get_subject(uuid4())):
        with pytest.raises(SubjectNotFoundError):
            await missing


async def test_pages_of_subjects_and_weights(repository: Repository) -> None:
    rows = [await repository.create_subject(subject(name)) for name in ("c", "a", "b")]
    page = await repository.list_subjects(SubjectFilter(status="active"), 2)
    assert [row.name for row in page.items] == ["a", "b"]
    assert [row.name for row in (await repository.list_subjects(SubjectFilter(status="active"), 2, page.next)).items] == ["c"]
    weights = [Weight(uuid4(), rows[0].id, NOW + timedelta(days=n), 20.0 + n, "", "user:1", NOW) for n in range(3)]
    for weight in (*weights, weights[0]):
        assert await repository.weigh(rows[0], weight) == weight
    with pytest.raises(ConflictError):
        await repository.weigh(rows[1], Weight(weights[0].id, rows[1].id, NOW, 1.0, "", "u", NOW))
    newest = await repository.weights(rows[0].id, 2)
    assert [each.weight_g for each in newest.items] == [22.0, 21.0]
    assert [each.weight_g for each in (await repository.weights(rows[0].id, 2, newest.next)).items] == [20.0]


def version(name: str = "fixed_ratio", old: str = "", new: str = "", laboratory: UUID = DEFAULT_LABORATORY) -> NewVersion:
    read = uploaded(text_of(name).replace(old, new) if old else text_of(name), DEVICE_TYPES)
    return NewVersion(laboratory, read.name, read.title, 1, read.digest, read.text, read.document, read.findings, "user:1")


async def test_a_protocols_versions_never_change(repository: Repository) -> None:
    protocol, first, new = await repository.add_version(version())
    assert (protocol.newest, first.number, new) == (1, 1, True)
    assert await repository.add_version(version(old="title: Fixed ratio", new="title:   Fixed ratio")) == (protocol, first, False)
    later, second, new = await repository.add_version(version(old="trials: 150", new="trials: 140"))
    assert (later.newest, second.number, new, second.protocol_id) == (2, 2, True, protocol.id)
    assert await repository.get_version(later) == second == await repository.version_of_id(second.id)
    assert await repository.get_version(later, 1) == first
    assert uploaded(first.document, DEVICE_TYPES).digest == first.digest, "the kept form says the same, in the same order"
    page = await repository.versions(protocol.id, 1)
    assert [row.number for row in (await repository.versions(protocol.id, 1, page.next)).items] == [1]
    assert await repository.find_protocol("fixed_ratio") == later == await repository.find_protocol(str(protocol.id))
    elsewhere = frozenset({ELSEWHERE})
    of_others = (repository.version_of_id(first.id, elsewhere), repository.get_protocol(protocol.id, elsewhere))
    beyond = (repository.get_version(later, 3), repository.get_version(later, 2**40), repository.find_protocol("x"))
    for missing in (*of_others, *beyond):
        with pytest.raises(ProtocolNotFoundError):
            await missing


async def test_uploads_at_once_get_numbers_one_after_the_other(repository: Repository) -> None:
    texts = [version(old="trials: 150", new=f"trials: {100 + n}") for n in range(4)]
    done = await asyncio.gather(*(repository.add_version(each) for each in [*texts, *texts]))
    assert sorted(each.number for _, each, new in done if new) == [1, 2, 3, 4]
    assert sum(new for _, _, new in done) == 4
    (listed,) = (await repository.list_protocols(frozenset({DEFAULT_LABORATORY}))).items
    assert listed.newest == 4


def rehearsal(kept: ProtocolVersion, n: int) -> Rehearsal:
    said = ("u", 5, "random", 2**62, {"ratio": 3}, n == 1, "", {"a": 1.5}, "1")
    return Rehearsal(uuid4(), DEFAULT_LABORATORY, kept.id, NOW + timedelta(hours=n), *said)


async def test_rehearsals_are_kept_with_their_version(repository: Repository) -> None:
    _, kept, _ = await repository.add_version(version())
    assert not await repository.is_rehearsed(kept.id)
    done = [rehearsal(kept, n) for n in range(2)]
    for each in (*done, done[0]):
        await repository.keep_rehearsal(each)
    assert (await repository.rehearsals(kept.id)).items == [done[1], done[0]]
    page = await repository.rehearsals(kept.id, 1)
    assert (await repository.rehearsals(kept.id, 1, page.next)).items == [done[0]]
    assert await repository.is_rehearsed(kept.id)
