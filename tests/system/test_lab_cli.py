"""`lics lab` as a person types it, on a real database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def lics(data_dir: Path, database_url: str, *words: str, code: int = 0) -> Any:
    """Run it; return the document it prints, or what it says on stderr."""
    env = {**os.environ, "LICS_DATA_DIR": str(data_dir), "DATABASE_URL": database_url}
    command = [sys.executable, "-m", "lics_actors", *words, *(["--json"] if code == 0 else [])]
    run = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == code, run.stderr
    assert "Traceback" not in run.stderr
    return json.loads(run.stdout) if code == 0 else run.stderr


async def test_a_laboratory_its_people_and_its_devices(data_dir: Path, database_url: str) -> None:
    def ask(*words: str, code: int = 0) -> Any:
        return lics(data_dir, database_url, *words, code=code)

    made = ask("lab", "add", "vision")
    assert ask("lab", "rename", "vision", "sight")["id"] == made["id"]
    assert "no laboratory 'vision'" in ask("user", "add", "ada@lab.example", "--role", "observer", "--lab", "vision", code=1)
    ask("user", "add", "ada@lab.example", "--role", "observer", "--lab", "sight")
    ask("lab", "member", "add", "laboratory", "ada@lab.example", "--role", "technician")
    members = ask("lab", "member", "list", "sight")["items"]
    assert [(each["email"], each["role"]) for each in members] == [("ada@lab.example", "observer")]
    assert ask("lab", "member", "remove", "sight", "ada@lab.example", "--reason", "left")["role"] is None
    ask("device", "add", "pump-1", "--type", "pump", "--lab", "sight")
    moved = ask("lab", "move-device", "pump-1", "laboratory", "--reason", "lent")
    assert moved["laboratory_id"] == "00000000-0000-0000-0000-000000000001"
