"""`lics user` as a person types it, on a real database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from lics_actors.access.roles import Role
from lics_actors.store.repository import Repository


def lics(data_dir: Path, database_url: str, words: str, code: int = 0) -> Any:
    """Run it; return the document it prints, or what it says on stderr."""
    env = {**os.environ, "LICS_DATA_DIR": str(data_dir), "DATABASE_URL": database_url}
    run = subprocess.run(
        [sys.executable, "-m", "lics_actors", "user", *words.split(), *(["--json"] if code == 0 else [])],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == code, run.stderr
    assert "Traceback" not in run.stderr
    return json.loads(run.stdout) if code == 0 else run.stderr


async def test_the_first_administrator_and_his_people(data_dir: Path, database_url: str) -> None:
    added = lics(data_dir, database_url, "add Ada@Lab.Example --role admin")
    assert (added["email"], added["role"], added["password_at"]) == ("ada@lab.example", "super_admin", None)
    assert len(added["code"]) == 43
    assert "has an account" in lics(data_dir, database_url, "add ada@lab.example --role observer", 1)
    assert "no role 'root'" in lics(data_dir, database_url, "add eve@lab.example --role root", 2)
    assert "only super_admin" in lics(data_dir, database_url, "disable ada@lab.example", 1)
    lics(data_dir, database_url, "add bob@lab.example --role technician")
    assert lics(data_dir, database_url, "disable bob@lab.example --reason left")["disabled_at"] is not None
    assert lics(data_dir, database_url, "password ada@lab.example")["code"] != added["code"]
    listed = lics(data_dir, database_url, "list")["items"]
    assert [(each["email"], each["disabled_at"] is None) for each in listed] == [
        ("ada@lab.example", True),
        ("bob@lab.example", False),
    ]
    assert "code" not in str(listed)
    repository = await Repository.connect(database_url)
    account = await repository.account_by_email("ada@lab.example")
    await repository.close()
    assert account is not None
    assert (account.role, account.created_by.partition(":")[0]) == (Role.SUPER_ADMIN, "cli")
