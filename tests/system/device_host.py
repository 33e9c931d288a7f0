"""One DeviceActor under a tiny root that starts it again, as its own process: `python -m tests.system.device_host …`.

For the test, `DeviceHost` starts that process and talks to the actor as a peer.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from thespian.actors import ActorAddress

from lics_actors.device.actor import DeviceActor
from lics_actors.device.messages import AskTwin, ChangeDeviceSpec, DeviceActorSpec, DeviceSpec, DeviceTwin
from lics_actors.runtime import transport
from lics_actors.runtime.actor import LicsActor
from lics_actors.runtime.launcher import FleetDiedError, launch
from lics_actors.runtime.messages import ActorBegun, ActorStopped, BeginActor, StopActor
from lics_actors.runtime.peer import Peer, actor_address, host_port
from tests.system.runtime_actors import KEY
from tests.waiting import PATIENCE_S, eventually

ROOT = Path(__file__).resolve().parents[2]
PRELOAD = ("lics_actors.device.preload",)  # as the launcher of the fleet does
Where = tuple[tuple[str, int], int, int]  # address, pid, incarnation


class DeviceRoot(LicsActor):
    """Keeps one DeviceActor alive, at once and for ever."""

    def begin(self, spec: object) -> None:
        assert isinstance(spec, DeviceActorSpec)
        self.spec, self.starts = spec, 0
        self.device: ActorAddress | None = None
        self.where: Where | None = None
        self.ending = False
        self.create()

    def create(self) -> None:
        self.starts += 1
        self.device, self.where = self.createActor(DeviceActor), None
        self.send(self.device, BeginActor(f"device:{self.spec.device.device_id}", self.starts, self.spec))

    def on_message(self, message: object, sender: ActorAddress) -> None:
        match message:
            case ActorBegun(incarnation=incarnation, pid=pid):
                self.where = (host_port(sender), pid, incarnation)
            case ActorStopped() if self.ending:
                self.stopped()
            case _:
                pass

    def on_child_exited(self, address: ActorAddress) -> None:
        if not self.ending:
            self.create()

    def on_request(self, body: object, reply: Callable[[object], None]) -> None:
        if isinstance(body, ChangeDeviceSpec):
            self.send(self.device, body)
        reply(self.where)

    def stop(self, reason: str) -> None:
        self.ending = True
        self.send(self.device, StopActor(reason))


def main() -> None:
    """Run until stdin is closed."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(process)d %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    folder, port, spec = Path(sys.argv[1]), int(sys.argv[2]), pickle.loads(base64.b64decode(sys.argv[3]))
    ending: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ending.append(number))
    launched = launch(DeviceRoot, spec, admin_port=port, key=KEY, pid_file=folder / "pids", preload=PRELOAD)
    print(json.dumps(host_port(launched.address)), flush=True)
    try:
        while not ending:
            launched.receive(0.2)
    except FleetDiedError:
        pass
    finally:
        launched.shutdown()


@dataclass
class DeviceHost:
    """`async with DeviceHost(folder, port, spec) as host:` runs the actor; `ask` speaks to its present incarnation."""

    folder: Path
    port: int
    spec: DeviceActorSpec
    peer: Peer = field(init=False)
    process: subprocess.Popen[str] = field(init=False)
    root: ActorAddress = field(init=False)

    async def __aenter__(self) -> Self:
        transport.install(KEY)
        self.process = self._start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (self.folder / "host.log").read_text()
        host, port = json.loads(line)
        self.root = actor_address(host, port)
        self.peer = await Peer.open()
        return self

    def _start(self) -> subprocess.Popen[str]:
        spec = base64.b64encode(pickle.dumps(self.spec)).decode()
        words = [sys.executable, "-m", "tests.system.device_host", str(self.folder), str(self.port), spec]
        with (self.folder / "host.log").open("a") as errors:
            return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            print((self.folder / "host.log").read_text()[-8000:])
        await self.peer.close()
        await self.stop()

    async def stop(self) -> None:
        """Stop it in an orderly way."""
        if self.process.poll() is None:
            self.process.terminate()
            await eventually(lambda: self.process.poll() is not None, what="the host has ended")
        assert self.process.stdout is not None
        self.process.stdout.close()

    async def where(self) -> Where:
        """Return the actor's address, pid and incarnation, once it has begun."""
        found: Any = await eventually(lambda: self.peer.ask(self.root, "where", 10.0), what="the actor has begun")
        return found

    async def ask(self, body: object, timeout_s: float = PATIENCE_S) -> Any:
        """Ask the device's actor."""
        (host, port), _, _ = await self.where()
        return await self.peer.ask(actor_address(host, port), body, timeout_s)

    async def twin(self) -> DeviceTwin:
        """Return the device's twin."""
        twin: DeviceTwin = await self.ask(AskTwin(self.spec.device.device_id))
        return twin

    async def link(self, link: str, timeout_s: float = PATIENCE_S) -> DeviceTwin:
        """Wait for a link state."""

        async def reached() -> DeviceTwin | None:
            twin = await self.twin()
            return twin if twin.link == link else None

        twin: DeviceTwin = await eventually(reached, timeout_s, f"the link is {link}")
        return twin

    async def change(self, spec: DeviceSpec) -> None:
        """Tell the actor a new specification."""
        await self.peer.ask(self.root, ChangeDeviceSpec(spec), PATIENCE_S)

    async def kill(self) -> int:
        """SIGKILL the actor's process; returns the incarnation that died."""
        _, pid, incarnation = await self.where()
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: self._incarnation_after(incarnation), what="a new incarnation")
        return incarnation

    async def _incarnation_after(self, incarnation: int) -> bool:
        return (await self.where())[2] > incarnation


if __name__ == "__main__":
    from tests.system import device_host  # the classes that are pickled are those of the module, not of `__main__`

    device_host.main()
