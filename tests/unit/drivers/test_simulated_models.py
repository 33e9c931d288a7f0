"""The simulated instruments as pure steps: believable, bounded, and the same for the same dice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.native.demo import DEMO_CAGES, counted_devices, demo_devices
from drivers.native.simulator.device import new_model
from drivers.native.simulator.dispensers import Feeder, Pump
from drivers.native.simulator.environment import DAY_LUX, NIGHT_LUX, Environment
from drivers.native.simulator.lickometer import Lickometer
from drivers.native.simulator.model import Happening, Model
from drivers.native.spec import DEVICE_TYPES, SCREEN_PX
from drivers.schema import argument_errors

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
KINDS = st.sampled_from(sorted(DEVICE_TYPES))


def lived(model: Model, seconds: float, step_s: float, seed: int = 0) -> tuple[Model, list[Happening]]:
    dice, found, at = Random(seed), [], NOON
    for _ in range(int(seconds / step_s)):
        model, happenings = model.step(at, step_s, dice)
        found += happenings
        at += timedelta(seconds=step_s)
    return model, found


@given(KINDS, st.floats(0.001, 3600), st.integers(0, 1000))
def test_a_step_keeps_to_the_description(kind: str, step_s: float, seed: int) -> None:
    description, model, dice = DEVICE_TYPES[kind], new_model(kind), Random(seed)
    for _ in range(3):
        model, happenings = model.step(NOON, step_s, dice)
        for each in happenings:
            assert 0 <= each.after_s <= step_s
            assert argument_errors(description.events[each.type].data, each.data) == ()
        assert [each.after_s for each in happenings] == sorted(each.after_s for each in happenings)
        readings = model.metrics(dice)
        assert set(readings) == set(description.metrics)
        for name, value in readings.items():
            spec = description.metrics[name]
            assert (spec.min is None or value >= spec.min) and (spec.max is None or value <= spec.max), name


@given(KINDS, st.integers(0, 1000))
def test_the_same_dice_tell_the_same_story(kind: str, seed: int) -> None:
    assert lived(new_model(kind), 30, 1, seed) == lived(new_model(kind), 30, 1, seed)


def test_mice_lick_in_bouts() -> None:
    model, happenings = lived(Lickometer(), 3600, 1)
    licks = [each for each in happenings if each.type == "lick"]
    touches = [each for each in happenings if each.type == "touch"]
    assert isinstance(model, Lickometer) and model.licks_total == len(licks)
    assert 500 < len(licks) < 3000 and 5 < len(licks) / model.bout < 20
    assert 80 < len(touches) < 400
    for each in touches:
        assert each.data is not None and 0 <= each.data["x"] < SCREEN_PX[0] and 0 <= each.data["y"] < SCREEN_PX[1]


def test_an_hour_at_once_is_like_an_hour_in_seconds() -> None:
    slow, fast = (len([e for e in lived(Lickometer(), 3600, step)[1] if e.type == "lick"]) for step in (1, 3600))
    assert 0.5 < slow / fast < 2


def test_a_room_drifts_but_stays_a_room() -> None:
    model, _ = lived(Environment(), 86_400, 10)
    assert isinstance(model, Environment)
    assert 19 < model.temperature_c < 25 and 40 < model.humidity_pct < 70 and 400 <= model.co2_ppm < 1000
    assert model != Environment()


@pytest.mark.parametrize(("hour", "lux"), [(6, NIGHT_LUX), (7, DAY_LUX), (18, DAY_LUX), (19, NIGHT_LUX)])
def test_the_light_goes_on_and_off(hour: int, lux: float) -> None:
    assert Environment().step(NOON.replace(hour=hour), 1, Random(0))[0].light_lux == lux


@given(st.lists(st.floats(0.001, 1000), max_size=60), st.floats(1, 1000))
def test_a_pump_never_gives_more_than_it_has(doses: list[float], rate: float) -> None:
    pump: Any = Pump().finish("set_flow_rate", {"rate_ul_s": rate}, 1.0).model
    for volume in doses:
        before = pump
        assert pump.duration_s("dispense", {"volume_ul": volume}) == pytest.approx(volume / rate)
        done = pump.finish("dispense", {"volume_ul": volume}, 1.0)
        pump = done.model
        given_ul = before.reservoir_ul - pump.reservoir_ul
        assert 0 <= given_ul <= volume * 1.000001 and pump.reservoir_ul >= 0
        assert pump.dispensed_total_ul - before.dispensed_total_ul == pytest.approx(given_ul)
        assert (done.error == "reservoir_empty") == (before.reservoir_ul < volume)


def test_a_stopped_dose_is_a_part_of_it() -> None:
    done = Pump().finish("dispense", {"volume_ul": 100}, 0.25)
    assert (done.result, done.error) == ({"dispensed_ul": 25.0}, None)
    assert done.events == (Happening(0.0, "dispensed", {"volume_ul": 25.0}),)


def test_a_low_reservoir_is_said_once() -> None:
    first = Pump(reservoir_ul=1_050).finish("prime", {}, 1.0)
    assert [each.type for each in first.events] == ["dispensed", "reservoir_low"]
    assert [each.type for each in first.model.finish("prime", {}, 1.0).events] == ["dispensed"]


def test_a_feeder_drops_whole_pellets() -> None:
    assert Feeder().duration_s("feed", {"pellets": 4}) == 1.0 and Feeder().duration_s("identify", {}) == 0
    assert Feeder().finish("feed", {"pellets": 5}, 0.5).result == {"pellets": 2}
    empty = Feeder(pellets_left=2).finish("feed", {"pellets": 5}, 1.0)
    assert (empty.result, empty.error) == ({"pellets": 2}, "hopper_empty")
    assert empty.model == Feeder(0, 2) == empty.model.finish("stop", {}, 1.0).model


def test_settings_take_effect() -> None:
    screen: Any = Lickometer().finish("show_image", {"image": "cross.png"}, 1.0).model
    assert screen.image == "cross.png" and screen.finish("clear_screen", {}, 1.0).model.image is None
    assert screen.finish("set_threshold", {"threshold_pf": 20}, 1.0).result == {"threshold_pf": 20.0}
    sensor: Any = Environment().finish("set_report_interval", {"seconds": 5}, 1.0).model
    assert sensor.report_interval_s == 5.0 and Environment().report_interval_s is None is Pump().report_interval_s


@pytest.mark.parametrize("kind", sorted(DEVICE_TYPES))
def test_every_device_can_be_found(kind: str) -> None:
    model = new_model(kind)
    assert model.duration_s("identify", {}) == 0.0
    done = model.finish("identify", {}, 1.0)
    assert (done.model, done.error) == (model, None)


def test_an_unknown_type_is_told() -> None:
    with pytest.raises(ValueError, match="no simulated type 'robot'"):
        new_model("robot")


def test_the_demo_laboratory_is_always_the_same() -> None:
    devices = demo_devices()
    assert len(devices) == 3 * DEMO_CAGES == 24 == len({each.id for each in devices}) == len({each.name for each in devices})
    assert {each.type for each in devices} == {"pump", "feeder", "lickometer", "environment"} <= set(DEVICE_TYPES)
    assert str(devices[0].id) == "5c3f94b6-3241-512d-adf8-072366a33b5b"  # what is in people's databases must not change
    assert counted_devices(9) == counted_devices(300)[:9]
    assert not {each.id for each in devices} & {each.id for each in counted_devices(300)}
