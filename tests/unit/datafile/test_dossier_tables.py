"""What stands in a run's tables is what happened."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lics_actors.datafile.about import (
    completeness,
    duration_s,
    ending,
    in_words,
    missing,
    missing_in_words,
    sidecar,
    summary,
    timing,
)
from lics_actors.datafile.content import plan_of, proved, tables_of
from lics_actors.datafile.dossier import Dossier, Move
from lics_actors.datafile.species import is_scientific, named_fully, scientific
from lics_actors.datafile.tables import Column, Table, altered, flat, kind_of, named, parsed, said, same, text
from lics_actors.datafile.timing import BOUNDS_S, clock, quantile, reaction_times, reactions
from lics_actors.experiment.library import classics
from lics_actors.experiment.messages import (
    AbortAsked,
    Annotated,
    DeviceSaid,
    MetricSaid,
    ParameterAsked,
    PauseAsked,
    ResumeAsked,
    RewardAsked,
    SendCommand,
    StopAsked,
    TrialBegan,
)
from tests.unit.datafile.dossiers import classic_dossier, dossier_of, journalled, story
from tests.unit.experiment.kitchen import Play, event_of, kitchen

histories = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 10_000), st.floats(-0.5, 3)), max_size=80)


def tables(dossier: Dossier) -> dict[str, Table]:
    found = tables_of(dossier, plan_of(dossier))
    assert len({each.name.lower() for each in found}) == len(found)
    return {each.name: each for each in found}


def rows(table: Table) -> list[dict[str, Any]]:
    names = [each.name for each in table.columns]
    assert len(set(names)) == len(names)
    return [dict(zip(names, row, strict=True)) for row in table.rows]


@cache
def full() -> Dossier:
    play = story()
    return dossier_of(play, journalled(play))


@settings(max_examples=25, deadline=None)
@given(histories)
def test_every_trial_and_every_reward_stands_in_its_table_once(history: list[tuple[int, int, float]]) -> None:
    play = Play(kitchen()).begin()
    for each in history:
        play.hear(event_of(play, each))
    found = tables(dossier_of(play))
    trials = rows(found["trials"])
    assert [each["trial"] for each in trials] == [each.trial for each in play.told(TrialBegan)]
    assert all(each["stop_time"] > each["start_time"] for each in trials if each["outcome"])
    assert [each["outcome"] for each in trials].count("") == int(play.run.open)
    assert [each["start_time"] for each in trials] == sorted(each["start_time"] for each in trials)
    rewards = rows(found["rewards"])
    assert math.isclose(sum(each["amount_ul"] for each in rewards), play.run.total_reward, abs_tol=1e-6)
    own = sum(each["amount_ul"] for each in rewards if not each["is_by_hand"])
    open_reward = play.run.rewarded if play.run.open else 0.0
    assert math.isclose(own, sum(each["reward_ul"] for each in trials) + open_reward, abs_tol=1e-6)
    confirmed = sum(each["amount_ul"] for each in rewards if not each["is_by_hand"] and each["outcome"] == "succeeded")
    assert math.isclose(confirmed, sum(each["reward_confirmed_ul"] for each in trials), abs_tol=1e-6)
    assert len(rows(found["commands"])) == len(play.commands)


@settings(max_examples=25, deadline=None)
@given(histories)
def test_cells_are_of_their_columns_kind_and_times_never_go_back(history: list[tuple[int, int, float]]) -> None:
    play = Play(kitchen()).begin()
    for each in history:
        play.hear(event_of(play, each))
    kinds = {"float": float, "int": int, "bool": bool, "text": str}
    for table in tables(dossier_of(play, journalled(play))).values():
        for n, column in enumerate(table.columns):
            assert all(type(cell) is kinds[column.kind] for cell in table.cells(n)), (table.name, column)
            assert column.about
        if table.columns[0].name == "timestamp":
            assert table.cells(0) == sorted(table.cells(0))


@pytest.mark.parametrize("name", classics())
def test_a_rehearsal_of_a_classic_proves_itself(name: str) -> None:
    dossier = classic_dossier(name)
    found = tables(dossier)
    read = {table.name: {c.name: table.cells(n) for n, c in enumerate(table.columns)} for table in found.values()}
    proof = proved(dossier, read)
    assert proof.holds and proof.moves == len(dossier.moves)
    assert len(found["trials"].rows) >= 1 and found["reaction_times"].rows == ()
    assert ending(dossier)[0] in {"stopped", "completed"}
    assert "Rehearsal" in summary(dossier)


def test_a_record_that_decides_otherwise_is_told_where() -> None:
    dossier = classic_dossier("two_choice")
    n = next(n for n, move in enumerate(dossier.moves) if isinstance(move.event, DeviceSaid) and move.effects)
    moves = list(dossier.moves)
    event = moves[n].event
    assert isinstance(event, DeviceSaid)
    moves[n] = Move(DeviceSaid(event.at, event.role, event.event, {"x": 800 - event.data["x"], "y": 1}), moves[n].effects)
    proof = proved(Dossier(dossier.facts, tuple(moves)))
    assert not proof.holds and proof.difference is not None and proof.difference.position >= n


def test_a_table_that_was_changed_is_told_where() -> None:
    dossier = classic_dossier("two_choice")
    found = tables(dossier)
    read = {table.name: {c.name: table.cells(n) for n, c in enumerate(table.columns)} for table in found.values()}
    read["trials"]["outcome"][2] = "wished"
    fault = proved(dossier, read).altered
    assert fault is not None and str(fault).startswith("trials, row 2, outcome: 'wished'")
    read["trials"]["outcome"].pop()
    assert "11 rows" in str(proved(dossier, read).altered)
    del read["trials"]["outcome"]
    assert "no such column" in str(proved(dossier, read).altered)
    del read["trials"]
    assert str(proved(dossier, read).altered) == "trials: 'no table' where the record says '12 rows'"


def test_the_story_in_its_tables() -> None:
    dossier = full()
    found = tables(dossier)
    trial = next(each for each in rows(found["trials"]) if each["outcome"] == "interrupted")
    assert trial["is_interrupted"] and trial["outcome"] == "interrupted" and trial["reason"] == "paused"
    assert trial["side"] in {"left", "right"} and trial["level"] == 5.0
    operators = rows(found["operator_actions"])
    assert [each["action"] for each in operators] == [
        "annotate",
        "reward",
        "reward",
        "pause",
        "pause",
        "refused",
        "resume",
        "refused",
    ]
    assert operators[0]["text"] == "{note: 1}\N{REPLACEMENT CHARACTER}" and operators[5]["is_refusal"]
    assert rows(found["refused_rewards"])[-1]["amount_ul"] == 1e9
    by_hand = next(each for each in rows(found["rewards"]) if each["is_by_hand"])
    assert by_hand["by"] == "eve" and by_hand["amount_ul"] == 3.0
    assert rows(found["metric_room_temperature_c"])[0]["value"] == 21.5
    odd = rows(found["event_panel_odd_one"])[0]
    assert odd == {
        "timestamp": odd["timestamp"],
        "trial": odd["trial"],
        "a_b": 1.0,
        "list": "[1]",
        "x_y": True,
        "timestamp_2": "",
    }
    assert [each["state"] for each in rows(found["states"])][:1] == ["begin"]
    assert {each["phase"] for each in rows(found["phases"])} >= {"validated", "running", "paused"}
    assert rows(found["gaps"]) == [
        {"device_id": rows(found["gaps"])[0]["device_id"], "stream": "telemetry", "epoch": 1, "first_seq": 3, "last_seq": 4}
    ]


def test_every_word_of_an_operator_is_kept() -> None:
    play = Play(kitchen()).begin()
    at = play.now()
    play.hear(PauseAsked(at, "eve", "noise"), ResumeAsked(at, "eve"), RewardAsked(at, "eve", 2.5), Annotated(at, "eve", "fed"))
    play.hear(ParameterAsked(at, "eve", "bright", False), StopAsked(at, "bob", "late"), AbortAsked(at, "bob"))
    told = [(each["by"], each["action"], each["text"]) for each in rows(tables(dossier_of(play))["operator_actions"])]
    assert told[:5] == [
        ("eve", "pause", "noise"),
        ("eve", "resume", ""),
        ("eve", "reward", "2.5"),
        ("eve", "annotate", "fed"),
        ("eve", "set_parameter", "bright = false"),
    ]
    assert told[5:] == [("bob", "stop", "late"), ("bob", "abort", "")]


def test_commands_carry_what_the_journals_know() -> None:
    commands = rows(tables(full())["commands"])
    first = next(each for each in commands if each["journalled"] == "succeeded")
    assert first["is_of_the_run"] and (first["accepted_time"], first["dispatched_time"], first["ended_time"]) == (1.0, 1.1, 1.2)
    assert math.isnan(first["delivered_time"]) and first["arguments"] == "image=star"
    other = next(each for each in commands if not each["is_of_the_run"])
    assert (other["role"], other["command"], other["reason"], other["error"]) == ("pump", "prime", "air in the line", "jam")
    assert other["timestamp"] == 2.0 and other["trial"] == 0


def test_what_was_barred_and_how_fast_it_answered_stand_with_the_command() -> None:
    dossier = full()
    moves = list(dossier.moves)
    n = next(
        n
        for n, move in enumerate(moves)
        if isinstance(move.event, DeviceSaid) and any(isinstance(e, SendCommand) for e in move.effects)
    )
    ids = [each.id for each in moves[n].effects if isinstance(each, SendCommand)]
    moves[n] = Move(moves[n].event, moves[n].effects, {ids[0]: "the day's limit"}, {ids[-1]: 0.004})
    spoken = Dossier(dossier.facts, tuple(moves), dossier.commands)
    found = tables(spoken)
    by_id = {each["command_id"]: each for each in rows(found["commands"])}
    assert by_id[str(ids[0])]["barred"] == "the day's limit" and by_id[str(ids[-1])]["reaction"] == 0.004
    assert rows(found["reaction_times"]) == [{"at_most": 0.005, "count": 1}]
    document = sidecar(spoken, list(found.values()), "ab")
    assert document["reactions"] == {"count": 1, "p50_s": 0.004, "p99_s": 0.004, "max_s": 0.004}
    assert document["tables"]["trials"]["columns"]["start_time"]["unit"] == "s"
    assert msgspec.json.decode(msgspec.json.encode(document))["run_id"] == str(dossier.facts.run_id)


def test_sentences_for_people() -> None:
    dossier = full()
    assert completeness(dossier.facts).endswith("18 numbered messages of the devices are in the record, 2 are missing.")
    silent = msgspec.structs.replace(dossier.facts, completeness=())
    assert "no numbered messages" in completeness(silent)
    assert completeness(classic_dossier("go_nogo").facts) == "Completeness: nothing was transmitted."
    assert timing(dossier) == "Reaction times: none were measured."
    quick = Move(DeviceSaid(1.0, "panel", "touch"), (), {}, {UUID(int=1): 0.002, UUID(int=2): 0.004})
    assert timing(Dossier(dossier.facts, (quick,))).endswith("2, p50 2.00 ms, p99 4.00 ms, longest 4.00 ms.")


def test_an_empty_record_has_an_end_too() -> None:
    dossier = Dossier(full().facts, ())
    assert ending(dossier) == ("draft", "") and duration_s(dossier) == 0.0
    assert tables(dossier)["trials"].rows == ()


def test_devices_that_nobody_named_have_tables_too() -> None:
    play = story()
    play.hear(MetricSaid(play.now(0.1), "stranger", "x", 1.0), DeviceSaid(play.now(0.1), "stranger", "y", {}))
    found = tables(dossier_of(play))
    assert found["metric_stranger_x"].columns[2].unit == "" and len(found["event_stranger_y"].rows) == 1


# --- cells, names, numbers -------------------------------------------------------------------------------------------------


@given(
    st.lists(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(st.integers()), max_size=5
    )
)
def test_any_values_have_a_kind_and_come_back_from_text(values: list[Any]) -> None:
    from lics_actors.datafile.tables import cell

    kind = kind_of(values)
    for value in values:
        made = cell(value, kind)
        assert same(made, parsed(said(made), kind))


def test_kinds() -> None:
    assert kind_of([True, False]) == "bool" and kind_of([True, None]) == "text" and kind_of([1, 2.5, None]) == "float"
    assert kind_of([]) == "text" and kind_of([10**400]) == "text" and kind_of(["a", 1]) == "text"
    assert not same(1, True) and not same(1.0, 1) and same(math.nan, math.nan) and not same(math.nan, 1.0)
    assert parsed("x", "float") == "x" and parsed("maybe", "bool") == "maybe" and parsed("1.5", "int") == "1.5"
    assert parsed(3, "int") == 3 and math.isnan(parsed("", "float")) and parsed("TRUE", "bool") is True
    assert text([1, {"a": None}]) == '[1,{"a":null}]' and text(True) == "true"


def test_names_are_made_fit_and_never_twice() -> None:
    taken: set[str] = set()
    assert [named(each, taken) for each in ("a/b", "a_b", "A_B", "", "x" * 200)] == [
        "a_b",
        "a_b_2",
        "A_B_3",
        "unnamed",
        "x" * 100,
    ]


def test_nested_data_is_opened_to_a_depth() -> None:
    deep: Any = {"v": 1}
    for _ in range(8):
        deep = {"d": deep}
    assert list(flat(deep)) == ["d_d_d_d_d_d"] and flat({"a": {}, "b": 2}) == {"b": 2}


def test_an_expected_table_without_rows_may_be_missing() -> None:
    empty = Table("t", "T.", (Column("a", "int", "an a"),), ())
    assert altered(empty, None) is None and altered(empty, {"a": []}) is None
    assert altered(replace(empty, rows=((1,),)), {"a": [1]}) is None
    assert Column("a", "float", "how long", "s").told == "how long (s)"


@given(st.lists(st.floats(0, 100), min_size=1))
def test_a_distribution_counts_everything(times: list[float]) -> None:
    found = reactions(times)
    assert found is not None and sum(count for _, count in found.histogram) == found.count == len(times)
    assert found.p50_s <= found.p99_s <= found.max_s == max(times)
    assert all(bound in BOUNDS_S or bound == max(times) for bound, _ in found.histogram)


def test_distributions_of_nothing_and_of_known_numbers() -> None:
    assert reactions([]) is None and clock([]) is None and reaction_times(full().moves) == []
    ordered = [float(n) for n in range(1, 101)]
    assert (quantile(ordered, 0.5), quantile(ordered, 0.99), quantile([7.0], 0.5)) == (50.0, 99.0, 7.0)
    found = clock([0.3, 0.1, 0.2])
    assert found is not None and (found.samples, found.p50_s, found.min_s, found.max_s) == (3, 0.2, 0.1, 0.3)


@pytest.mark.parametrize(
    ("given_name", "wanted"),
    [
        ("mouse", "Mus musculus"),
        (" House  Mouse ", "Mus musculus"),
        ("Rattus norvegicus", "Rattus norvegicus"),
        ("mus Musculus", "Mus musculus"),
        ("http://purl.obolibrary.org/obo/NCBITaxon_10090", "http://purl.obolibrary.org/obo/NCBITaxon_10090"),
        ("dog", "Canis lupus"),
        ("Alien-7", "Alien-7"),
    ],
)
def test_species_by_their_scientific_names(given_name: str, wanted: str) -> None:
    assert scientific(given_name) == wanted
    assert is_scientific(wanted) == (wanted != "Alien-7")


def test_ids_are_those_of_the_run() -> None:
    assert UUID(rows(tables(full())["devices"])[0]["device_id"]).int == 11


def test_what_nobody_said_of_a_subject_is_told_and_not_made_up() -> None:
    whole = full().facts
    assert whole.subject is not None and missing(whole) == []
    unknown = structs.replace(whole.subject, species="-", sex="unknown", birth_date=None)
    facts = structs.replace(whole, subject=unknown)
    assert missing(facts) == ["subject's species", "subject's sex", "subject's birth date"]
    assert missing_in_words(facts) == [
        "Missing, as nobody said it: subject's species, subject's sex, subject's birth date (`-` is no Latin name)."
    ]
    assert missing(structs.replace(whole, subject=None)) == ["subject"]
    assert missing_in_words(structs.replace(whole, subject=None)) == ["Missing, as nobody said it: subject."]
    assert missing(structs.replace(whole, subject=None, rehearsed=True)) == missing(structs.replace(facts, rehearsed=True)) == []
    assert missing_in_words(whole) == []


@pytest.mark.parametrize("said", ["Mus musculus", "Canis lupus familiaris", "http://purl.obolibrary.org/obo/NCBITaxon_10090"])
def test_a_species_is_said_fully(said: str) -> None:
    assert named_fully(said) and is_scientific(scientific(said))
    assert not any(map(named_fully, ("", "-", "mouse", "Mus", "mus musculus", f" {said}", f"{said}!")))


def test_a_calibration_in_a_line() -> None:
    device = next(each for each in full().facts.devices if each.calibrations)
    assert in_words(device.calibrations[0]).startswith("version 1: measured = 0.9 · commanded +0.1, R² 0.9990, 5 to 20, from ")
