"""docs/security.md names the test that shows each thing: each of them exists, and every risk of the OWASP list has one."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text()


def test_every_test_that_is_named_exists() -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    functions = set(re.findall(r"def (test_\w+)\(", "".join(path.read_text() for path in files)))
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    modules = set(re.findall(r"`(test_\w+\.py)`", TEXT))
    assert len(named) > 20
    assert named <= functions, named - functions
    assert modules <= {path.name for path in files}


def test_all_ten_risks_have_a_line_with_a_test() -> None:
    lines = {match[1]: match[0] for match in re.finditer(r"^\| (API\d+) \|.*$", TEXT, re.MULTILINE)}
    assert list(lines) == [f"API{n}" for n in range(1, 11)]
    assert all("`test_" in line for line in lines.values()), lines
