"""`lics subject`, `lics protocol` and `lics experiment`, as people call them, on a real database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lics_actors.cli import experiment, lab, protocol, subject, welfare
from lics_actors.experiment.library import text_of


@pytest.fixture(autouse=True)
def laboratory(monkeypatch: pytest.MonkeyPatch, data_dir: Path, database_url: str) -> None:
    """A laboratory of its own."""
    monkeypatch.setenv("LICS_DATA_DIR", str(data_dir))
    monkeypatch.setenv("DATABASE_URL", database_url)


def run(*words: str) -> tuple[int, str]:
    nouns = {"subject": subject, "protocol": protocol, "experiment": experiment, "welfare": welfare, "lab": lab}
    app = nouns[words[0]].app
    result = CliRunner().invoke(app, list(words[1:]))
    return result.exit_code, result.output


def test_subjects() -> None:
    words = ("subject", "add", "m-1", "--species", "Mus musculus", "--sex", "male", "--born", "2025-05-01", "--rfid", "tag-1")
    code, text = run(*words, "--daily", "fluid_ul.target=900", "--daily", "fluid_ul.max=1500", "--json")
    assert code == 0, text
    assert json.loads(text)["daily"] == {"fluid_ul": {"target": 900.0, "max": 1500.0}}
    assert run(*words)[0] == 1, "the name is in use"
    assert run("subject", "add", "m-2", "--species", "Mus musculus", "--sex", "x")[0] == 2
    assert run("subject", "add", "m-2", "--species", "Mus musculus", "--born", "May")[0] == 2
    assert run("subject", "weigh", "tag-1", "23.4", "--note", "before feeding") == (0, "m-1 weighs 23.4 g\n")
    assert run("subject", "change", "m-1", "--status", "retired")[0] == 2, "that needs a reason"
    assert run("subject", "change", "m-1", "--status", "retired", "--reason", "end of study")[0] == 0
    assert run("subject", "change", "m-1")[0] == 2
    _, listed = run("subject", "list", "--retired", "--json")
    (row,) = json.loads(listed)["items"]
    assert row["status"] == "retired"
    assert "no subjects" in run("subject", "list")[1]
    _, text = run("subject", "show", row["id"])
    for part in ("m-1", "target 900", "23.4 g  before feeding", "status: end of study"):
        assert part in text
    told = json.loads(run("subject", "show", row["id"], "--json")[1])
    assert (told["weights"][0]["weight_g"], [each["version"] for each in told["history"]]) == (23.4, [2, 1])
    assert run("subject", "show", "nobody")[0] == 1


def test_protocols(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text_of("fixed_ratio").replace("name: fixed_ratio", "name: mine"))
    code, text = run("protocol", "add", str(file), "--note", "first", "--json")
    assert code == 0, text
    assert (json.loads(text)["name"], json.loads(text)["number"], json.loads(text)["new"]) == ("mine", 1, True)
    assert "nothing new" in run("protocol", "add", str(file))[1]
    file.write_text(text_of("fixed_ratio").replace("to: respond", "to: nowhere", 1))
    code, text = run("protocol", "add", str(file))
    assert code == 2
    code, text = run("protocol", "rehearse", "mine", "--trials", "150", "--parameter", "ratio=2")
    assert (code, "sound: it may be armed" in text) == (0, True), text
    assert json.loads(run("protocol", "rehearse", "mine", "--trials", "5", "--json")[1])["sound"] is False
    told = json.loads(run("protocol", "show", "mine", "--json")[1])
    assert [each["sound"] for each in told["rehearsals"]] == [False, True]
    assert "name: mine" in run("protocol", "show", "mine", "-n", "1")[1]
    assert run("protocol", "show", "mine", "-n", "2")[0] == 1
    assert run("protocol", "diagram", "go_nogo", "-o", str(tmp_path / "x.svg"))[0] == 0, "a classic is there by its name"
    assert (tmp_path / "x.svg").read_text().startswith("<svg")
    assert [each["name"] for each in json.loads(run("protocol", "list", "--json")[1])["items"]] == ["go_nogo", "mine"]
    assert "fixed" not in run("protocol", "list")[1].lower() or "mine" in run("protocol", "list")[1]


PLAN = """
name: two choices, batch 3
about: what they learn
stages:
  - {name: ratio, protocol: fixed_ratio, parameters: {ratio: 2}, advance: {runs: 2, trials: 50, share: 0.8}}
  - {name: choice, protocol: two_choice, back: {most: 0.2}}
subjects: [m-1, m-2]
schedule: {zone: Europe/Berlin, windows: [{begin: "08:00", end: "18:00", days: [mon, tue]}]}
"""


def test_experiments(tmp_path: Path) -> None:
    for name in ("m-1", "m-2"):
        assert run("subject", "add", name, "--species", "Mus musculus")[0] == 0
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN)
    assert "no experiments" in run("experiment", "list")[1]
    code, text = run("experiment", "create", "--file", str(file), "--reason", "approved", "--json")
    assert code == 0, text
    made = json.loads(text)
    assert (made["name"], made["status"], len(made["subjects"]), made["schedule"]["missed"]) == (
        "two choices, batch 3", "draft", 2, "ask"
    )  # fmt: skip
    assert run("experiment", "create", "-f", str(file))[0] == 1, "the name is in use"
    _, text = run("experiment", "show", "two choices, batch 3")
    for part in (
        "what they learn",
        "0  ratio: version",
        "advance 2 runs of 50 trials with at least 80% good",
        "m-1, m-2",
        "approved",
    ):
        assert part in text, text
    told = json.loads(run("experiment", "progress", made["id"], "--json")[1])["items"]
    assert [(each["subject"], each["stage"], each["name"], each["runs"]) for each in told] == [
        ("m-1", 0, "ratio", 0), ("m-2", 0, "ratio", 0)
    ]  # fmt: skip
    assert "0 ratio" in run("experiment", "progress", made["id"])[1]
    file.write_text("subjects: [m-2]")
    code, text = run("experiment", "update", made["id"], "--file", str(file), "--status", "active", "--json")
    assert code == 0, text
    assert (json.loads(text)["status"], len(json.loads(text)["subjects"]), json.loads(text)["version"]) == ("active", 1, 2)
    assert run("experiment", "update", made["id"])[0] == 2, "nothing to change"
    assert run("experiment", "archive", made["id"], "--reason", "published")[0] == 0
    assert "no experiments" in run("experiment", "list")[1]
    (row,) = json.loads(run("experiment", "list", "--done", "--json")[1])["items"]
    assert row["status"] == "done"
    assert [each["reason"] for each in json.loads(run("experiment", "show", row["id"], "--json")[1])["history"]] == [
        "published", None, "approved"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("- 1", "file"),
        ("name: x", "stages"),
        ("{name: x, stages: 3}", "stages"),
        ("{name: x, stages: [], colour: red}", "colour"),
        ("{name: x, stages: [], status: lost}", "status"),
        ("{name: ' ', stages: []}", "name"),
        ("{name: x, stages: [3]}", "stages.0"),
        ("{name: x, stages: [{name: a, protocol: two_choice, number: -1}]}", "stages.0"),
        ("{name: x, stages: [{name: a, protocol: two_choice, advance: {share: 0.5}}]}", "nothing after the last"),
        ("{name: x, stages: [{name: a, protocol: nowhere}]}", "nowhere"),
        ("{name: x, stages: [{name: a, protocol: two_choice}], subjects: [nobody]}", "nobody"),
        ("{name: x, stages: [{name: a, protocol: two_choice}], schedule: {zone: Mars}}", "Mars"),
        ("{name: [", ""),
    ],
)
def test_an_experiment_that_is_none_is_refused_with_its_place(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    code, said = run("experiment", "create", "--file", str(file))
    assert code in {1, 2}, said
    assert what in said and "Traceback" not in said


def test_limits_and_overrides() -> None:
    assert run("subject", "add", "m-7", "--species", "Mus musculus", "--daily", "fluid_ul.max=1500")[0] == 0
    assert run("welfare", "limits", "m-7") == (0, "max_fluid    1500 µl\n")
    assert run("welfare", "limits", "m-7", "--session", "90m")[0] == 2, "a limit needs a reason"
    assert run("welfare", "limits", "m-7", "--session", "32d", "--reason", "x")[0] == 2
    assert run("welfare", "limits", "m-7", "--session", "90", "--reason", "x")[0] == 2, "no unit"
    code, text = run("welfare", "limits", "m-7", "--session", "90m", "--between", "2h", "--reason", "17/4")
    assert (code, text.split()) == (0, ["max_fluid", "1500", "µl", "session", "1h30m", "between", "2h00m"])
    code, text = run("welfare", "limits", "m-7", "--between", "none", "--reason", "17/5", "--json")
    held = json.loads(text)
    assert (code, held["session_s"], held["between_s"]) == (0, 5400.0, None), "what is not said stays"
    assert "no overrides" in run("welfare", "overrides", "m-7")[1]
    assert run("welfare", "override", "m-7", "max_fluid", "3000", "--hours", "2", "--reason", "hot [bold]day")[0] == 0
    assert "hot [bold]day" in run("welfare", "overrides", "m-7")[1]
    (row,) = json.loads(run("welfare", "overrides", "m-7", "--json")[1])["items"]
    assert (row["limit"], row["value"], row["reason"]) == ("max_fluid", 3000.0, "hot [bold]day")
    assert run("welfare", "end-override", "m-7", row["id"]) == (0, "m-7: max_fluid is no longer 3000\n")
    assert "no overrides" in run("welfare", "overrides", "m-7")[1]
    assert run("welfare", "end-override", "m-7", row["id"])[0] == 1, "it is over"


def test_another_laboratory_and_names_that_two_have(tmp_path: Path) -> None:
    assert run("lab", "add", "east")[0] == 0
    here, there = ("--species", "Mus musculus"), ("--species", "Rattus norvegicus", "--lab", "east")
    assert run("subject", "add", "m-1", *here, "--rfid", "tag-1")[0] == 0
    code, text = run("subject", "add", "m-1", *there, "--json")
    assert code == 0, text
    rat = json.loads(text)
    assert run("subject", "add", "m-3", "--species", "Mus musculus", "--lab", "nowhere")[0] == 1
    code, text = run("subject", "weigh", "m-1", "300")
    assert code == 1, "whose animal is it?"
    assert "several laboratories" in text
    assert run("subject", "weigh", "tag-1", "23")[0] == 0
    assert run("subject", "weigh", rat["id"], "300")[0] == 0

    file = tmp_path / "plan.yaml"
    file.write_text("name: twin\nstages: [{name: a, protocol: fixed_ratio}]\nsubjects: [m-1]\n")
    made = []
    for words in ((), ("--lab", "east")):
        code, text = run("experiment", "create", "-f", str(file), *words, "--json")
        assert code == 0, text
        made.append(json.loads(text))
    assert made[1]["subjects"] == [rat["id"]]
    assert made[0]["subjects"] != made[1]["subjects"]
    assert "several laboratories" in run("experiment", "show", "twin")[1]
    code, text = run("experiment", "update", made[1]["id"], "-f", str(file), "--json")
    assert (code, json.loads(text)["subjects"]) == (0, [rat["id"]]), "its own laboratory's animal still"
    file.write_text(text_of("fixed_ratio").replace("name: fixed_ratio", "name: eastern"))
    assert run("protocol", "add", str(file), "--lab", "east")[0] == 0
    assert run("protocol", "show", "eastern", "--lab", "east")[0] == 0
    assert run("protocol", "show", "eastern")[0] == 1
