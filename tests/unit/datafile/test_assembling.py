"""What journals and tables hold of a run becomes one dossier, or is told to be incomplete."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from drivers.description import description_json
from drivers.native.spec import DEVICE_TYPES
from lics_actors.datafile.assembling import Around, BrokenRecordError, RecordedEvent, assembled
from lics_actors.datafile.content import proved
from lics_actors.datafile.dossier import DeviceFacts
from lics_actors.datafile.timing import reaction_times
from lics_actors.experiment.messages import DeviceSaid
from lics_actors.store.run_records import RunOpened, RunReacted, RunStepped
from tests.unit.datafile.dossiers import LAB, PANEL, STARTED, story
from tests.unit.experiment.kitchen import RUN_ID, Play


def opened(play: Play) -> RunOpened:
    described = {name: description_json(DEVICE_TYPES[name]) for name in ("pump", "lickometer", "environment")}
    document = play.plan.document.model_dump(mode="json", exclude_unset=True)
    return RunOpened(
        RUN_ID, STARTED, LAB, LAB, LAB, document, play.seed, "user:eve", {}, {"panel": PANEL}, described, software="1.0"
    )


def later(seconds: float) -> datetime:
    return STARTED + timedelta(seconds=seconds)


def stepped(play: Play) -> list[RunStepped]:
    return [RunStepped(RUN_ID, n, later(event.at + 0.25), event, tuple(done)) for n, (event, done) in enumerate(play.recorded)]


def around(*events: RecordedEvent, **more: Any) -> Around:
    panel = DeviceFacts("panel", PANEL, "panel of cage 1", "lickometer", "native")
    return Around("1.1", 4, "", "text", devices=[panel], events={"panel": events}, **more)


def test_a_run_that_was_kept_proves_itself() -> None:
    play = story()
    dossier = assembled(opened(play), stepped(play), [], around(laboratory="East", rig="cage 1", experiment="first"))
    assert proved(dossier).holds
    facts = dossier.facts
    assert (facts.protocol.name, facts.protocol.version, facts.laboratory, facts.experiment) == ("kitchen", 4, "East", "first")
    assert facts.software == {"lics": "1.0", "lics-export": "1.1"}
    assert facts.clock is not None and facts.clock.p50_s == pytest.approx(0.25)
    assert facts.devices[0].clock is None


def test_reactions_are_told_with_their_step() -> None:
    play = story()
    n = next(n for n, (event, _) in enumerate(play.recorded) if isinstance(event, DeviceSaid))
    heard = later(1)
    reacted = [RunReacted(RUN_ID, n, UUID(int=7), heard, heard, heard + timedelta(milliseconds=3))]
    dossier = assembled(opened(play), stepped(play), reacted, around())
    assert dossier.moves[n].reacted == {UUID(int=7): 0.003} and reaction_times(dossier.moves) == [0.003]


@pytest.mark.parametrize("gone", [0, 3, 10])
def test_a_step_that_is_missing_is_told(gone: int) -> None:
    play = story()
    steps = stepped(play)
    del steps[gone]
    with pytest.raises(BrokenRecordError, match=f"step {gone} of the run is not in the record"):
        assembled(opened(play), steps, [], around())


def test_a_devices_clock_is_compared_by_the_events_both_have() -> None:
    play = Play(story().plan).begin()
    for x in (1, 2, 3):
        play.hear(DeviceSaid(10.0 * x, "panel", "touch", {"x": x, "y": 0}), DeviceSaid(10.0 * x, "room", "hum", {}))
    both = [RecordedEvent(later(10 * x - 0.5), "touch", {"x": x, "y": 0}) for x in (1, 3)]
    unheard = RecordedEvent(later(9), "touch", {"x": 9, "y": 0})
    far = RecordedEvent(later(1000), "touch", {"x": 2, "y": 0})
    dossier = assembled(opened(play), stepped(play), [], around(unheard, both[0], far, both[1]))
    clock = dossier.facts.devices[0].clock
    assert clock is not None and (clock.samples, clock.p50_s, clock.min_s, clock.max_s) == (2, 0.5, 0.5, 0.5)
