"""`lics subject` and `lics protocol`, as people call them, on a real database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lics_actors.cli import protocol, subject
from lics_actors.experiment.library import text_of


@pytest.fixture(autouse=True)
def laboratory(monkeypatch: pytest.MonkeyPatch, data_dir: Path, database_url: str) -> None:
    """A laboratory of its own."""
    monkeypatch.setenv("LICS_DATA_DIR", str(data_dir))
    monkeypatch.setenv("DATABASE_URL", database_url)


def run(*words: str) -> tuple[int, str]:
    app = {"subject": subject.app, "protocol": protocol.app}[words[0]]
    result = CliRunner().invoke(app, list(words[1:]))
    return result.exit_code, result.output


def test_subjects() -> None:
    words = ("subject", "add", "m-1", "--species", "mouse", "--sex", "male", "--born", "2025-05-01", "--rfid", "tag-1")
    code, text = run(*words, "--daily", "fluid_ul.target=900", "--daily", "fluid_ul.max=1500", "--json")
    assert code == 0, text
    assert json.loads(text)["daily"] == {"fluid_ul": {"target": 900.0, "max": 1500.0}}
    assert run(*words)[0] == 1, "the name is in use"
    assert run("subject", "add", "m-2", "--species", "mouse", "--sex", "x")[0] == 2
    assert run("subject", "add", "m-2", "--species", "mouse", "--born", "May")[0] == 2
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
