"""What can be known of a protocol without running it: each finding with its path."""

from __future__ import annotations

import pytest

from drivers.native.spec import DEVICE_TYPES
from drivers.protocol import CommandSpec, Description, EventSpec, MetricSpec
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.problems import Problem, ProtocolError
from lics_actors.experiment.reading import read
from tests.unit.experiment.kitchen import KITCHEN

DEVICES = {
    **DEVICE_TYPES,
    "bare": Description(
        "bare",
        "1",
        {"odd": MetricSpec("furlongs")},
        {"go": CommandSpec({}, idempotent=True, actuates=False)},
        {"e": EventSpec({"properties": {"open": {"type": "boolean"}, "path": {"type": "array"}, "none": {}}})},
    ),
}


def found(*changes: tuple[str, str], base: str = KITCHEN) -> list[Problem]:
    text = base
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    try:
        return list(prepared(read(text), DEVICES)[1])
    except ProtocolError as error:
        return list(error.problems)


SMALL = """
protocol: 1
name: small
title: Small
roles:
  pump: {type: pump, commands: [dispense]}
  panel: {type: lickometer, events: [lick]}
parameters:
  volume: {default: 10 ul, min: 5 ul, max: 20 ul}
reward: {command: pump.dispense, argument: volume_ul, amount: volume}
limits: {time: 10 min, trials: 10, reward: 100 ul}
trial: {start: one, interval: 1 s}
outcomes: {done: {}}
states:
  one:
    transitions:
      - event: panel.lick
        to: two
      - after: 1 min
        end: done
  two:
    enter: [{reward: true}]
    transitions:
      - after: 1 s
        end: done
"""


def test_nothing_is_wrong_with_the_samples() -> None:
    assert found() == []
    assert found(base=SMALL) == []


@pytest.mark.parametrize(
    ("before", "after", "path", "reason"),
    [
        # ways
        ("  two:\n", "  lost:\n    transitions: [{end: done}]\n  two:\n", "states.lost", "no transition leads here"),
        ("      - after: 1 s\n        end: done\n", "      - after: 1 s\n        do: [{marker: m}]\n", "states.two", "dead end"),
        ("      - after: 1 s\n        end: done\n", "      - after: 1 s\n        to: two\n", "states.two", "no way from here"),
        ("      - after: 1 min\n        end: done\n", "", "states.one", "a subject that does nothing"),
        ("        to: two\n", "        to: tow\n", "states.one.transitions.0.to", "no state `tow`"),
        ("        to: two\n", "        to: {two: 1, tow: 1}\n", "states.one.transitions.0.to.tow", "no state `tow`"),
        ("        end: done\n", "        end: dome\n", "states.one.transitions.1.end", "no outcome `dome`"),
        ("start: one", "start: six", "trial.start", "no state `six`"),
        ("outcomes: {done: {}}", "outcomes: {done: {}, never: {}}", "outcomes.never", "no trial can end so"),
        (
            "      - after: 1 s\n",
            "      - when: true\n        to: two\n      - after: 1 s\n",
            "states.two",
            "for ever: two → two",
        ),
        (
            "      - after: 1 s\n",
            "      - when: 1 > 0\n        do: [{marker: m}]\n      - after: 1 s\n",
            "states.two.transitions.0",
            "must lead somewhere",
        ),
        # timers
        ("after: 1 min", "after: 20 min", "states.one.transitions.1", "the session is over before: 20 min"),
        ("after: 1 min", "after: 0 s - 1 s", "states.one.transitions.1", "negative"),
        ("after: 1 min", "after: 60", "states.one.transitions.1.after", "a number where a time is needed"),
        ("after: 1 min", "after: volume", "states.one.transitions.1.after", "a volume where a time is needed"),
        (
            "      - after: 1 min\n",
            "      - after: 1 s\n        end: done\n      - after: 1 min\n",
            "states.one.transitions.2",
            "always fires first",
        ),
        ("      - after: 1 s\n", "      - end: done\n      - after: 1 s\n", "states.two.transitions.1", "left before"),
        (
            "      - after: 1 min\n",
            "      - event: panel.lick\n        end: done\n      - after: 1 min\n",
            "states.one.transitions.1",
            "an earlier transition",
        ),
        ("after: 1 min\n", "after: 1 min\n        when: false\n", "states.one.transitions.1", "never holds"),
        # rewards
        ("reward: 100 ul}", "reward: 10 ul}", "states.two.enter.0.reward", "one reward can be 20 ul, and a run may give 10 ul"),
        ("amount: volume", "amount: 200 ul", "states.two.enter.0.reward", "one reward can be 200 ul"),
        ("reward: true", "reward: 0 ul", "states.two.enter.0.reward", "the amount can be 0 ul"),
        ("reward: true", "reward: 3", "states.two.enter.0.reward", "a number where a volume is needed"),
        (", reward: 100 ul}", "}", "limits.reward", "no limit"),
        ("reward: 100 ul}", "reward: 100 ms}", "limits.reward", "a time where a volume is needed"),
        ("max: 20 ul", "max: 2 ml", "reward.args.volume_ul", "it can be 2 ml, which the device refuses"),
        ("[{reward: true}]", "[{marker: m}]", "reward", "no state gives it"),
        (
            "reward: {command: pump.dispense, argument: volume_ul, amount: volume}\n",
            "",
            "states.two.enter.0.reward",
            "does not say how it rewards",
        ),
        ("states:\n", "safe: [{reward: true}]\nstates:\n", "safe.0", "a reward is given"),
        ("  two:\n", "  two:\n    exit: [{reward: true}]\n", "states.two.exit.0", "a reward is given"),
        ("argument: volume_ul", "argument: amount_ul", "reward", "needs the argument `volume_ul`"),
        ("argument: volume_ul", "argument: amount_ul", "reward.args.amount_ul", "no such argument"),
        # roles
        ("type: pump", "type: pomp", "roles.pump.type", "no device of type `pomp`"),
        ("[dispense]", "[dispense, squirt]", "roles.pump.commands.1", "a pump has no command `squirt`"),
        ("[lick]", "[lick, bark]", "roles.panel.events.1", "a lickometer has no event `bark`"),
        ("event: panel.lick", "event: panel.touch", "states.one.transitions.0.event", "does not ask for the event `touch`"),
        ("event: panel.lick", "event: paddle.lick", "states.one.transitions.0.event", "no role `paddle`"),
        ("command: pump.dispense", "command: pomp.dispense", "reward.command", "no role `pomp`"),
        ("  panel:", "  idle: {type: feeder}\n  panel:", "roles.idle", "nothing uses this role"),
        (
            "event: panel.lick",
            "metric: panel.lick_rate_hz\n        when: value > 1 s",
            "states.one.transitions.0.when",
            "frequency and time",
        ),
        (
            "event: panel.lick",
            "event: panel.lick\n        when: event.x > 1",
            "states.one.transitions.0.when",
            "nothing is called `event.x`",
        ),
        (
            "[{reward: true}]",
            "[{command: pump.dispense, args: {volume_ul: panel}}]",
            "states.two.enter.0.args.volume_ul",
            "nothing is called",
        ),
        (
            "[{reward: true}]",
            "[{command: pump.dispense, args: {volume_ul: 1 s}}]",
            "states.two.enter.0.args.volume_ul",
            "a time where a volume",
        ),
        # names and constants
        (
            "  volume: {default: 10 ul, min: 5 ul, max: 20 ul}",
            "  volume: {default: 10 galons}",
            "parameters.volume.default",
            "no unit 'galons'",
        ),
        ("min: 5 ul", "min: 5 ms", "parameters.volume.min", "a time where a volume is needed"),
        ("min: 5 ul", "min: 15 ul", "parameters.volume.default", "must be at least 15"),
        ("max: 20 ul", "max: 7 ul", "parameters.volume.default", "must be at most 7"),
        ("max: 20 ul}", "max: 20 ul, choices: [5 ul]}", "parameters.volume.default", "must be one of 5.0"),
        ("parameters:\n", "parameters:\n  event: {default: 1}\n", "parameters.event", "a word of the language"),
        ("parameters:\n", "parameters:\n  idle: {default: 1}\n", "parameters.idle", "nothing reads it"),
        ("parameters:\n", "variables: {volume: 1}\nparameters:\n", "variables.volume", "declared twice"),
        ("parameters:\n", "draws: {d: {values: {1 s: 1, two: 1}}}\nparameters:\n", "draws.d.values", "of several kinds"),
        ("parameters:\n", "draws: {d: {values: {a: 0, b: 0}}}\nparameters:\n", "draws.d.values", "no value has a weight"),
        ("parameters:\n", "draws: {d: {min: 1 s, max: 2}}\nparameters:\n", "draws.d.max", "a number where a time"),
        ("parameters:\n", "draws: {d: {min: \"'a'\", max: \"'b'\"}}\nparameters:\n", "draws.d.min", "a text is no quantity"),
        (
            "parameters:\n",
            "staircases: {c: {start: 9, min: 0, max: 5, steps: [{outcome: done, by: 1}]}}\nparameters:\n",
            "staircases.c.start",
            "outside",
        ),
        (
            "parameters:\n",
            "staircases: {c: {start: x, min: 0, max: 5, steps: [{outcome: dome, by: 1}]}}\nparameters:\n",
            "staircases.c.start",
            "no number",
        ),
        (
            "parameters:\n",
            "staircases: {c: {start: 1, min: 0, max: 5, steps: [{outcome: dome, by: 1 s}]}}\nparameters:\n",
            "staircases.c.steps.0.outcome",
            "no outcome",
        ),
        ("parameters:\n", "blocks: [{name: b, set: {nothing: 1}}]\nparameters:\n", "blocks.0.set.nothing", "cannot be set here"),
        ("parameters:\n", "blocks: [{name: b, until: 1 s}]\nparameters:\n", "blocks.0.until", "write a comparison"),
        ("{reward: true}", "{set: {volume: 12 ul}}", "states.two.enter.0.set.volume", "cannot be set here"),
        ("time: 10 min", "time: soon", "limits.time", "a text where a time"),
        ("time: 10 min", "time: 10 mon", "limits.time", "no unit"),
        ("interval: 1 s", "interval: 1 ul", "trial.interval", "write a time"),
    ],
)
def test_what_is_wrong_is_found_with_its_path(before: str, after: str, path: str, reason: str) -> None:
    problems = found((before, after), base=SMALL)
    assert any(each.path == path and any(part in each.reason + each.todo for part in reason.split("|")) for each in problems), (
        problems
    )
    assert all(each.todo for each in problems)


def test_an_argument_of_another_kind_is_found() -> None:
    led = "roles:\n  led: {type: pump, commands: [identify]}\n"
    safe = "safe: [{command: led.identify, args: {seconds: \"'x'\"}}]\nstates:\n"
    problems = found(("roles:\n", led), ("states:\n", safe), base=SMALL)
    assert [(each.path, each.reason) for each in problems] == [
        ("safe.0.args.seconds", "`'x'` is a text where a number is needed")
    ]


def test_an_undescribed_device_has_events_of_unknown_fields() -> None:
    problems = found(
        ("type: lickometer", "type: nobody"), ("event: panel.lick", "event: panel.lick\n        when: event.x > 1 s"), base=SMALL
    )
    assert [each.path for each in problems] == ["roles.panel.type"]


def test_a_bare_device_is_taken_at_its_word() -> None:
    changes = [
        ("{type: lickometer, events: [lick]}", "{type: bare, events: [e], metrics: [odd], commands: [go]}"),
        ("event: panel.lick", "event: panel.e"),
        (
            "      - after: 1 min\n",
            "      - metric: panel.odd\n        when: value > 3\n        end: done\n      - after: 1 min\n",
        ),
        ("[{reward: true}]", "[{reward: true}, {command: panel.go}]"),
    ]
    assert found(*changes, base=SMALL) == []
    changes[1] = ("event: panel.lick", "event: panel.e\n        when: event.open and event.path != event.none")
    assert found(*changes, base=SMALL) == []


def test_a_metric_of_nobody_has_the_unit_in_its_name() -> None:
    change = ("event: panel.lick", "metric: nobody.wait_s\n        when: value > 3 s")
    assert "states.one.transitions.0.metric" in [each.path for each in found(change, base=SMALL)]


def test_conditional_ways_at_once_are_no_circle() -> None:
    ways = "      - when: trial.time > 1 s\n        to: {one: 1, two: 2}\n      - when: trial.number > 3\n        to: two\n"
    assert found(("      - after: 1 s\n", ways + "      - after: 1 s\n"), base=SMALL) == []
    drawn = "      - when: true\n        to: {one: 1, two: 2}\n"
    assert found(("      - after: 1 s\n        end: done\n", drawn), base=SMALL) == []


def test_longer_timers_behind_conditional_ones_may_fire() -> None:
    conditional = (
        "      - after: 2 s\n        when: trial.number > 2\n        end: done\n"
        "      - after: volume / 1 ul * 1 s\n        end: done\n"
    )
    assert found(("      - after: 1 min\n", conditional + "      - after: 1 min\n"), base=SMALL) == []
    assert found(("      - after: 1 min\n", "      - after: 2 min\n        end: done\n      - after: 1 min\n"), base=SMALL) == []


def test_a_command_outcome_hides_none_of_another() -> None:
    both = (
        "      - command: pump.dispense\n        outcome: failed\n        end: done\n"
        "      - command: pump.dispense\n        end: done\n"
    )
    assert found(("      - after: 1 s\n", both + "      - after: 1 s\n"), base=SMALL) == []
