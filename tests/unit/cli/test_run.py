"""`lics run`, as people call it, and the example of docs/protocols.md."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lics_actors.cli.run import app

DOCS = Path(__file__).parents[3] / "docs"


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output


def test_the_example_of_the_docs_can_be_checked_and_rehearsed(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", (DOCS / "protocols.md").read_text(), re.DOTALL)
    assert example is not None
    file = tmp_path / "mine.yaml"
    file.write_text(example[1])
    code, text = run("check", str(file), "--json")
    assert (code, json.loads(text)["warnings"]) == (0, [])
    code, text = run("rehearse", str(file), "--trials", "200", "--subject-model", "ideal", "--json")
    told = json.loads(text)
    assert (code, told["replay"]) == (0, "identical")
    assert told["outcomes"]["correct"] == {"trials": 200, "share": 1.0}


def test_people_get_text() -> None:
    assert "can be run" in run("check", "two_choice")[1]
    code, text = run("rehearse", "progressive_ratio", "--trials", "20", "--parameter", "first=3")
    assert code == 0
    assert "pellets a session" in text
    assert "go_nogo" in run("classics")[1]
    assert len(json.loads(run("classics", "--json")[1])) == 6
    assert json.loads(run("schema")[1])["title"] == "Protocol"


def test_warnings_are_told_and_do_not_keep_it_from_running(tmp_path: Path) -> None:
    file = tmp_path / "idle.yaml"
    file.write_text((DOCS.parent / "lics_actors/experiment/classics/two_choice.yaml").read_text() + "\n" + "variables: {}\n")
    file.write_text(file.read_text().replace("parameters:\n", "parameters:\n  idle: {default: 1}\n"))
    assert "parameters.idle: nothing reads it" in run("check", str(file))[1]
    assert "parameters.idle: nothing reads it" in run("rehearse", str(file), "--trials", "5")[1]


def test_a_diagram_goes_to_stdout_or_a_file(tmp_path: Path) -> None:
    assert run("diagram", "go_nogo")[1].startswith("<svg")
    file = tmp_path / "x.svg"
    assert run("diagram", "go_nogo", "-o", str(file))[0] == 0
    assert file.read_text().startswith("<svg")
    assert run("diagram", "go_nogo", "-o", str(tmp_path / "no" / "x.svg"))[0] == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("check", "nothing"), 1),
        (("rehearse", "two_choice", "--parameter", "nothing=1"), 2),
        (("rehearse", "two_choice", "--parameter", "volume=1 galon"), 2),
        (("rehearse", "two_choice", "--parameter", "volume=1 s"), 2),
        (("rehearse", "two_choice", "--parameter", "volume=5 ml"), 2),
        (("rehearse", "two_choice", "--parameter", "volume"), 2),
        (("rehearse", "two_choice", "--subject-model", "clever"), 2),
        (("rehearse", "two_choice", "--trials", "0"), 2),
    ],
)
def test_what_cannot_be_is_refused(words: tuple[str, ...], code: int) -> None:
    assert run(*words)[0] == code


def test_a_broken_protocol_is_told_with_its_paths(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("protocol: 1\nstates: {a: {transitions: [{after: 5}]}}\n")
    assert run("check", str(file))[0] == 2
    assert run("check", str(file))[0] == run("rehearse", str(file))[0]


@pytest.mark.parametrize("name", ["a.nwb", "a.parquet.zip", "a.csv.zip"])
def test_a_rehearsal_leaves_a_file_that_proves_itself(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    assert run("rehearse", "go_nogo", "--trials", "6", "-o", str(file))[0] == 0
    code, text = run("replay", str(file))
    assert (code, "identical" in text) == (0, True)
    told = json.loads(run("replay", str(file), "--json")[1])
    assert (told["trials"], told["identical"], told["ended"]) == (6, True, "stopped: enough trials")


def test_a_file_that_does_not_prove_itself_is_told_of(tmp_path: Path) -> None:
    file = tmp_path / "a.csv.zip"
    run("rehearse", "go_nogo", "--trials", "3", "-o", str(file))
    with zipfile.ZipFile(file) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for part, data in parts.items():
            archive.writestr(part, data.replace(b"\r\n", b"\r\n9", 1) if part == "trials.csv" else data)
    code, text = run("replay", str(file))
    assert (code, "the file was changed: trials, row 0" in " ".join(text.split())) == (1, True)
    for bad in (tmp_path / "none.nwb", Path(__file__)):
        assert run("replay", str(bad))[0] == 1
    assert run("rehearse", "go_nogo", "--trials", "3", "-o", str(tmp_path / "a.doc"))[0] == 1
    assert run("rehearse", "go_nogo", "--trials", "3", "-o", str(tmp_path / "no" / "a.nwb"))[0] == 1
