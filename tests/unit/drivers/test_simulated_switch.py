"""The simulated switch: on until it is told otherwise, its time is over, or it is made safe."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from drivers.native.simulator.dispensers import Pump
from drivers.native.simulator.model import Happening
from drivers.native.simulator.switch import Switch

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
DICE = Random(1)


def on(hold_s: float | None = None) -> Switch:
    done = Switch().finish("switch_on", {} if hold_s is None else {"hold_s": hold_s}, 1.0)
    assert isinstance(done.model, Switch)
    assert done.events == (Happening(0.0, "switched", {"on": True}),)
    return done.model


def test_it_stays_on_until_it_is_switched_off() -> None:
    later, happenings = on().step(NOON, 3600, DICE)
    assert (later.metrics(DICE), happenings) == ({"on": 1.0, "switched_on_total": 1.0}, ())
    assert later.finish("switch_on", {}, 1.0).events == (), "it was on before"
    off = later.finish("switch_off", {}, 1.0)
    assert (off.model, off.result) == (Switch(switched_on_total=1), {"on": False})
    assert later.finish("identify", {}, 1.0).model == later


def test_its_time_runs_out() -> None:
    half, happenings = on(2.0).step(NOON, 1.5, DICE)
    assert (half.on, happenings) == (True, ())
    off, happenings = half.step(NOON, 1.5, DICE)
    assert (off.on, happenings) == (False, (Happening(0.5, "switched", {"on": False}),))


def test_made_safe_is_off() -> None:
    assert on().made_safe().model == Switch(switched_on_total=1)
    assert Switch().made_safe().events == ()
    assert Pump().made_safe().model == Pump(), "what is at rest lets go of nothing"
