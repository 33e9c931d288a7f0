"""What the command line prints: the words of others as they stand, errors with a next step."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lics_actors.cli.next_steps import NEXT_STEPS
from lics_actors.cli.output import PlainConsole, fail, lead, told_errors
from lics_actors.errors import DeviceNotFoundError, LicsError, NodeNotFoundError

HOME = Path(__file__).parents[3]
ODD = ["[/]", "[/x]", "[bold]", ":cat:", "\x1b[2J"]
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30) | st.sampled_from(ODD)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def shown(what: object) -> str:
    console = PlainConsole(file=io.StringIO(), width=400, markup=False, emoji=False)
    console.print(what, highlight=False, soft_wrap=True)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


@given(NAMES)
def test_nothing_that_others_named_breaks_or_steers_a_terminal(name: str) -> None:
    table = Table(box=None)
    table.add_column("name", overflow="fold")
    table.add_row(name)
    for what in (name, Text(name), lead("bold", name, name, before=name), table):
        assert not CONTROL.search(shown(what))


@pytest.mark.parametrize("name", ["[/x]", "[bold]a[/bold]", ":cat:", "a [0] b"])
def test_brackets_stay_what_they_are(name: str) -> None:
    assert shown(f"called {name}").strip() == f"called {name}"
    assert name in shown(lead("bold", name))


def test_also_what_moves_is_made_visible() -> None:
    console = PlainConsole(file=io.StringIO(), width=80, force_terminal=True, color_system=None, markup=False)
    with Live(Text("cage\x1b]0;owned\x07"), console=console, refresh_per_second=1):
        pass
    file = console.file
    assert isinstance(file, io.StringIO)
    assert "\x1b]0" not in file.getvalue() and "owned" in file.getvalue()


def test_an_error_names_what_comes_next_as_it_is_typed_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICS_CALLED_AS", "./lics")
    with pytest.raises(SystemExit) as ended, told_errors():
        raise DeviceNotFoundError("no device called '[/x]'")
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: no device called '[/x]'\nnext:  `./lics device list` shows them\n"


def test_nothing_is_said_twice(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), told_errors():
        raise NodeNotFoundError("no such node; see `lics fleet tree`")
    assert "next:" not in capsys.readouterr().err
    with pytest.raises(SystemExit):
        fail("no")
    assert capsys.readouterr().err == "error: no\n"


def test_every_next_step_belongs_to_an_error() -> None:
    source = "\n".join(path.read_text() for part in ("lics_actors", "web") for path in sorted((HOME / part).rglob("*.py")))
    declared = set(re.findall(r'^    code = "([A-Z_]+)"', source, re.MULTILINE)) | {LicsError.code}
    assert NEXT_STEPS.keys() <= declared


def test_ctrl_c_while_it_is_imported_leaves_no_traceback() -> None:
    early = "import lics_actors.__main__ as m\ndef stop(): raise KeyboardInterrupt\nm.shadowed = stop\nm.main()"
    done = subprocess.run([sys.executable, "-c", early], cwd=HOME, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (130, "")
