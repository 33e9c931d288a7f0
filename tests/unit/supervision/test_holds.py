"""What is kept down, on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from lics_actors.supervision.holds import Holds
from lics_actors.supervision.specs import Hold, Phase

HOLD = Hold(Phase.DRAINED, "cli:ada", "cage / 7 is cleaned")


def test_a_hold_is_read_back_by_another_and_lifted(tmp_path: Path) -> None:
    folder = tmp_path / "held"
    Holds(folder).keep("device:x/../y", HOLD)
    Holds(folder).keep("rack:1", Hold(Phase.QUARANTINED, "system:fleet"))
    assert Holds(folder).read("device:x/../y") == HOLD
    assert sorted(path.parent for path in folder.iterdir()) == [folder, folder]
    Holds(folder).lift("device:x/../y")
    Holds(folder).lift("device:x/../y")
    assert Holds(folder).read("device:x/../y") is None
    assert Holds(folder).read("rack:1") == Hold(Phase.QUARANTINED, "system:fleet")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"phase":"asleep","principal":"x"}', b'{"phase":"running","principal":"x"}']
)
def test_an_unreadable_hold_keeps_nobody_down(tmp_path: Path, text: bytes) -> None:
    Holds(tmp_path).keep("recorder", HOLD)
    (file,) = tmp_path.iterdir()
    file.write_bytes(text)
    assert Holds(tmp_path).read("recorder") is None


def test_a_disk_that_takes_nothing_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "held").write_text("in the way")
    holds = Holds(tmp_path / "held")
    holds.keep("recorder", HOLD)
    holds.lift("recorder")
    assert holds.read("recorder") is None
