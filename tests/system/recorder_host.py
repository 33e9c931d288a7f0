"""The Recorder under a tiny root that starts it again at once, as its own process: `python -m tests.system.recorder_host …`."""

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
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from thespian.actors import ActorAddress

from lics_actors.device.messages import DeviceSpec
from lics_actors.fleet.messages import DevicesKnown, RecorderSpec
from lics_actors.recorder.actor import Recorder
from lics_actors.runtime import transport
from lics_actors.runtime.actor import LicsActor
from lics_actors.runtime.launcher import FleetDiedError, launch
from lics_actors.runtime.messages import ActorBegun, ActorPong, ActorStopped, BeginActor, PingActor, StopActor
from lics_actors.runtime.peer import Peer, actor_address, host_port
from tests.system.runtime_actors import KEY
from tests.waiting import eventually

HERE = Path(__file__).resolve().parents[2]


class RecorderRoot(LicsActor):
    """Keeps one Recorder alive and tells it of the devices. Answers "how" with the last pong, for which it asks anew."""

    def begin(self, spec: object) -> None:
        self.spec, self.devices = spec  # type: ignore[misc]
        self.starts = 0
        self.pong: ActorPong | None = None
        self.ending = False
        self.recorder: ActorAddress | None = None
        self.create()

    def create(self) -> None:
        self.starts += 1
        self.pong = None
        self.recorder = self.createActor(Recorder)
        self.send(self.recorder, BeginActor("recorder", self.starts, self.spec))

    def on_message(self, message: object, sender: ActorAddress) -> None:
        match message:
            case ActorBegun():
                self.send(sender, DevicesKnown(self.devices))
                self.send(sender, PingActor(self.starts))
            case ActorPong(serial=serial) if serial == self.starts:
                self.pong = message
            case ActorStopped() if self.ending:
                self.stopped()

    def on_child_exited(self, address: ActorAddress) -> None:
        if not self.ending:
            self.create()

    def on_request(self, body: object, reply: Callable[[object], None]) -> None:
        if isinstance(body, DevicesKnown):
            self.devices = body.devices
            self.send(self.recorder, body)
        elif self.pong:
            self.send(self.recorder, PingActor(self.starts))
        reply(self.pong)

    def stop(self, reason: str) -> None:
        self.ending = True
        self.send(self.recorder, StopActor(reason))


def main() -> None:
    """Run until SIGTERM."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(process)d %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    folder, port, spec = Path(sys.argv[1]), int(sys.argv[2]), pickle.loads(base64.b64decode(sys.argv[3]))
    ending: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ending.append(number))
    launched = launch(RecorderRoot, spec, admin_port=port, key=KEY, pid_file=folder / "pids")
    print(json.dumps(host_port(launched.address)), flush=True)
    with suppress(FleetDiedError):
        while not ending:
            launched.receive(0.2)
    launched.shutdown()


@dataclass
class RecorderHost:
    """`async with RecorderHost(folder, port, spec, devices) as host:` records."""

    folder: Path
    port: int
    spec: RecorderSpec
    devices: tuple[DeviceSpec, ...]
    peer: Peer = field(init=False)
    process: subprocess.Popen[str] = field(init=False)
    root: ActorAddress = field(init=False)

    async def __aenter__(self) -> Self:
        transport.install(KEY)
        self.process = self._start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        self.root = actor_address(*json.loads(line))
        self.peer = await Peer.open()
        await eventually(self.connected, what="the recorder is connected to the broker")
        return self

    def _start(self) -> subprocess.Popen[str]:
        what = base64.b64encode(pickle.dumps((self.spec, self.devices))).decode()
        words = [sys.executable, "-m", "tests.system.recorder_host", str(self.folder), str(self.port), what]
        with self.log.open("a") as errors:
            return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=HERE)

    @property
    def log(self) -> Path:
        """Return the file of what it logs."""
        return self.folder / "host.log"

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            print(self.log.read_text()[-8000:])
        await self.peer.close()
        await self.stop()

    async def stop(self) -> None:
        """Stop it in an orderly way."""
        if self.process.poll() is None:
            self.process.terminate()
            await eventually(lambda: self.process.poll() is not None, what="the host has ended")
        assert self.process.stdout is not None
        self.process.stdout.close()

    async def how(self) -> ActorPong:
        """Return how the present incarnation is doing, as of the last time this was asked."""
        pong: Any = await eventually(lambda: self.peer.ask(self.root, "how", 10.0), what="the recorder has begun")
        assert isinstance(pong, ActorPong)
        return pong

    async def connected(self) -> bool:
        """Return whether it hears the broker: the session is there, and subscribes."""
        stats = (await self.how()).stats
        return stats["broker_up"] == 1 and stats["recorder_subscriptions"] > 0

    async def word(self) -> str:
        """Return its state in words."""
        return (await self.how()).state

    async def kill(self) -> None:
        """SIGKILL the Recorder's process and wait for the next one."""
        pid = (await self.how()).pid
        os.kill(pid, signal.SIGKILL)

        async def another() -> bool:
            return (await self.how()).pid != pid

        await eventually(another, what="a new incarnation")


if __name__ == "__main__":
    from tests.system import recorder_host  # the classes that are pickled are those of the module, not of `__main__`

    recorder_host.main()
