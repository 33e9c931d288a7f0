"""A simulated subject's mind: what images mean to it, and that it never does what cannot be done."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.native.demo import DEMO_CAGES, cages, counted_devices, demo_devices, demo_rigs
from drivers.native.spec import LICKOMETER, SCREEN_PX
from drivers.native.subject import AWAY_S, BOUT_LICKS, FLOOR_S, SUBJECT_MODELS, Deed, Mind, SubjectModel, meaning, reaction_s
from drivers.schema import argument_errors
from lics_actors.experiment.library import classics, protocol_of

SEEDS = st.integers(0, 2**32)
IMAGES = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=20
)  # what a command may say
NOTICES = st.one_of(
    st.tuples(st.just("show_image"), st.builds(lambda image: {"image": image}, IMAGES)),
    st.tuples(st.just("show_image"), st.sampled_from([{"image": "ask_left"}, {"image": "go"}, {"image": "nogo"}])),
    st.tuples(st.sampled_from(["clear_screen", "dispense", "feed", "identify", "switch_on"]), st.just({})),
    st.just(("act", {})),
)


@pytest.mark.parametrize(
    ("image", "sample", "answer"),
    [
        ("ask_left", None, "left"),
        ("right", "star", "right"),
        ("go", None, "lick"),
        ("nogo", None, "still"),
        ("no go", None, "still"),
        ("star_moon", "star", "left"),
        ("star_moon", "moon", "right"),
        ("star_moon", None, "anywhere"),
        ("left_right", None, "anywhere"),
        ("lever", "star", "anywhere"),
        ("☃", None, "anywhere"),
    ],
)
def test_images_mean_what_their_names_say(image: str, sample: str | None, answer: str) -> None:
    assert meaning(image, sample) == answer


@given(SEEDS, st.sampled_from(SUBJECT_MODELS), st.floats(0.1, 1000), st.lists(NOTICES, max_size=30))
def test_whatever_happens_its_deeds_are_events_that_the_device_describes(
    seed: int, model: SubjectModel, speed: float, history: list[tuple[str, dict[str, Any]]]
) -> None:
    mind = Mind(model, Random(seed), speed)
    for name, args in history:
        if name != "act":
            mind.notice(name, args)
        deed = mind.next_deed()
        if deed is None:
            continue
        assert deed.after_s >= FLOOR_S
        if deed.act != "look":
            assert not argument_errors(LICKOMETER.events[deed.act].data, deed.data)
        mind.did(deed)


@given(SEEDS, st.sampled_from(["ask_left", "ask_right"]))
def test_who_knows_the_task_touches_the_side_that_is_asked_for(seed: int, image: str) -> None:
    mind = Mind("ideal", Random(seed))
    assert mind.notice("show_image", {"image": image})
    for _ in range(5):  # as long as the image stands
        deed = mind.next_deed()
        assert deed is not None and deed.act == "touch" and deed.data["image"] == image
        assert (deed.data["x"] < SCREEN_PX[0] / 2) == (image == "ask_left")
        mind.did(deed)


def test_it_remembers_a_sample_over_the_delay() -> None:
    mind = Mind("ideal", Random(1))
    mind.notice("show_image", {"image": "moon"})
    mind.notice("clear_screen", {})
    mind.notice("show_image", {"image": "star_moon"})
    deed = mind.next_deed()
    assert deed is not None and deed.data["x"] > SCREEN_PX[0] / 2


def test_it_holds_still_where_it_is_to() -> None:
    mind = Mind("ideal", Random(1))
    mind.notice("show_image", {"image": "nogo"})
    assert mind.next_deed() is None
    mind.notice("show_image", {"image": "go"})
    licking = mind.next_deed()
    assert licking is not None and licking.act == "lick"


def test_a_reward_is_drunk_and_then_it_idles() -> None:
    mind, quick = Mind("random", Random(2)), 0
    mind.notice("dispense", {"volume_ul": 5})
    deed: Deed | None
    while (deed := mind.next_deed()) is not None and deed.after_s < 0.3:
        assert deed.act == "lick" and deed.data["bout"] == 1
        mind.did(deed)
        quick += 1
    assert deed is not None and deed.after_s >= 1.0
    assert 3 <= quick <= 3 * BOUT_LICKS


def test_what_is_nothing_to_it_changes_nothing() -> None:
    mind = Mind("ideal", Random(3))
    assert not mind.notice("identify", {}) and not mind.notice("clear_screen", {})


def test_a_habit_is_one_side_and_an_ideal_subject_has_none() -> None:
    def lefts(model: SubjectModel) -> int:
        mind, found = Mind(model, Random(4)), 0
        for image in ["ask_left", "ask_right"] * 500:
            mind.notice("show_image", {"image": image})
            deed = mind.next_deed()
            found += deed is not None and deed.act == "touch" and deed.data["x"] < SCREEN_PX[0] / 2
        return found

    assert lefts("ideal") == 500
    assert not 250 < lefts("biased") < 600


def test_who_is_not_ideal_does_not_always_attend_and_looks_again() -> None:
    mind, away = Mind("biased", Random(5)), 0
    for _ in range(1000):
        mind.notice("show_image", {"image": "go"})
        deed = mind.next_deed()
        assert deed is not None
        if deed.act == "look":
            away += 1
            assert deed.after_s == AWAY_S
            mind.did(deed)
            again = mind.next_deed()
            assert again is not None and again.act != "look"
    assert 50 < away < 160


def test_speed_divides_reaction_times() -> None:
    slow = [reaction_s(Random(seed)) for seed in range(2000)]
    assert 0.6 < sorted(slow)[1000] < 0.8 and min(slow) >= 0.1
    mind = Mind("ideal", Random(6), speed=10)
    mind.notice("show_image", {"image": "lever"})
    times = []
    for _ in range(1000):
        deed = mind.next_deed()
        assert deed is not None
        times.append(deed.after_s)
    assert 0.05 < sorted(times)[500] < 0.1


def test_every_cage_of_the_demo_has_room_for_one() -> None:
    found = cages(demo_devices())
    assert len(found) == DEMO_CAGES and all(len(each) == 3 for each in found.values())
    assert not cages([each for each in counted_devices(30) if each.type != "lickometer"])


@pytest.mark.parametrize("name", classics())
def test_every_classic_fits_a_cage_of_the_demo(name: str) -> None:
    types = {each.id: each.type for each in demo_devices()}
    roles = protocol_of(name).roles
    fitting = [
        rig.name
        for rig in demo_rigs()
        if all(role in rig.devices and types[rig.devices[role]] == each.type for role, each in roles.items())
    ]
    assert fitting == (["cage-8"] if "feeder" in roles else [f"cage-{n}" for n in range(1, DEMO_CAGES)])
