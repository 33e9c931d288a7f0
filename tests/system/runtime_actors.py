"""Actors for the tests of the runtime, and the launcher process that runs them: `python -m tests.system.runtime_actors …`.

The launcher answers in JSON lines on stdout and ends when its stdin says `stop` or is closed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from thespian.actors import ActorAddress

from lics_actors.errors import LicsError, QueueFullError
from lics_actors.runtime.actor import LeafActor, LicsActor
from lics_actors.runtime.launcher import FleetDiedError, Launched, launch
from lics_actors.runtime.messages import ActorBegun, ActorPong, ActorStopped, BeginActor, PingActor, StopActor
from lics_actors.runtime.transport import host_port

KEY = b"only for tests, thirty-two bytes."
Reply = Callable[[object], None]


class TestLeaf(LeafActor):
    """Does what it is asked for: requests are tuples `(word, …)`."""

    __test__ = False

    def begin(self, spec: object) -> None:
        self.served = 0
        self.expected: tuple[int, float, Reply] | None = None
        self.events: list[object] = []
        self.crash = asyncio.Event()
        self.stubborn = False
        if spec != "no loop":
            self.start_loop()

    async def run(self) -> None:
        try:
            await self.crash.wait()
        except asyncio.CancelledError:
            if self.stubborn:
                await asyncio.sleep(3600)
            self.post("cancelled")
            raise
        raise RuntimeError("the loop was told to fail")

    def on_request(self, body: object, reply: Reply) -> None:
        self.served += 1
        match body:
            case ("echo", value):
                reply(value)
            case ("hang", seconds):
                time.sleep(seconds)
                reply("awake")
            case ("later", seconds, value):
                self.wake_after(seconds, (reply, value))
            case ("twice", value):
                reply(value)
                reply("again")
            case ("served",):
                reply(self.served)
            case ("refuse",):
                raise QueueFullError("no more", waiting=7)
            case ("fail",):
                raise ValueError("a secret of the implementation")
            case ("unpicklable",):
                reply(lambda: 0)
            case ("post", count):
                self.events = []
                self.expected = (count, time.perf_counter(), reply)
                self.in_loop(self._post, count)
            case ("exit",):
                os._exit(1)
            case ("crash the loop",):
                self.in_loop(self.crash.set)
                reply("told")
            case ("be stubborn",):
                self.stubborn = True
                reply("so be it")
            case ("stop the loop", timeout_s):
                began = time.perf_counter()
                self.stop_loop(lambda: reply((time.perf_counter() - began, self.events)), timeout_s)
            case ("threads",):
                reply([thread.name for thread in threading.enumerate()])
            case _:
                super().on_request(body, reply)

    def _post(self, count: int, number: int = 0) -> None:
        """One event a turn of the loop, as a socket would bring them."""
        if number < count:
            self.post(number)
            asyncio.get_running_loop().call_soon(self._post, count, number + 1)

    def on_events(self, events: list[object]) -> None:
        self.events += events
        if self.expected is not None and len(self.events) >= self.expected[0]:
            count, began, reply = self.expected
            self.expected = None
            reply((self.events == list(range(count)), time.perf_counter() - began))

    def on_message(self, message: object, sender: ActorAddress) -> None:
        if message == "fail":
            self.counters["fails_handled"] += 1
            raise ValueError("as told")
        super().on_message(message, sender)

    def on_wakeup(self, payload: object) -> None:
        match payload:
            case (reply, value):
                reply(value)

    def state_word(self) -> str:
        return "fine"


class TestSupervisor(LicsActor):
    """Has leaves, and says to its launcher when all have begun and when one exits."""

    __test__ = False

    def begin(self, spec: object) -> None:
        match spec:
            case int(count):
                self.awaited = count
            case "fail":
                raise RuntimeError("no such laboratory")
            case "die":
                os._exit(1)
            case "hang":
                time.sleep(3600)
        self.leaves: dict[str, tuple[ActorAddress, int]] = {}
        self.exits: list[str] = []
        self.pongs: list[tuple[str, Mapping[str, float]]] = []
        self.pong_asked: Reply | None = None
        self.began_at = time.perf_counter()
        self.names = [f"leaf-{number}" for number in range(self.awaited)]
        for name in self.names:
            self.send(self.createActor(TestLeaf), BeginActor(name, 1, None))

    def on_message(self, message: object, sender: ActorAddress) -> None:
        match message:
            case ActorBegun(name=name, pid=pid):
                self.leaves[name] = (sender, pid)
                if len(self.leaves) == self.awaited:
                    self.send(self.supervisor, {"began": self._places(), "seconds": time.perf_counter() - self.began_at})
            case ActorPong(state=state, stats=stats):
                assert self.pong_asked is not None
                self.pong_asked((state, dict(stats)))
            case ActorStopped(name=name):
                del self.leaves[name]
                if not self.leaves:
                    self.stopped()
            case _:
                super().on_message(message, sender)

    def _places(self) -> list[tuple[str, int, int]]:
        return [(*host_port(self.leaves[name][0]), self.leaves[name][1]) for name in self.names]

    def on_request(self, body: object, reply: Reply) -> None:
        match body:
            case ("exits",):
                reply(self.exits)
            case ("tell", name, message):
                self.send(self.leaves[name][0], message)
                reply("told")
            case ("ping", name):
                self.pong_asked = reply
                self.send(self.leaves[name][0], PingActor(1))
            case ("threads",):
                reply([thread.name for thread in threading.enumerate()])
            case ("print",):
                print("an actor prints")
                sys.stdout.flush()
                logging.getLogger("an.actor").warning("an actor logs", extra={"fact": 1})
                reply("printed")
            case _:
                super().on_request(body, reply)

    def on_child_exited(self, address: ActorAddress) -> None:
        name = next((name for name, (leaf, _pid) in self.leaves.items() if leaf == address), "?")
        self.exits.append(name)
        self.send(self.supervisor, {"exited": name})

    def stop(self, reason: str) -> None:
        for address, _pid in self.leaves.values():
            self.send(address, StopActor(reason))
        if not self.leaves:
            self.stopped()


class UnmakeableSupervisor(LicsActor):
    """Fails before it can be told anything."""

    def __init__(self) -> None:
        super().__init__()
        raise RuntimeError("cannot be made")


def say(**facts: object) -> None:
    """Tell the test."""
    print(json.dumps(facts), flush=True)


def main() -> int:
    """Launch, report, wait for `stop`."""
    words = argparse.ArgumentParser()
    words.add_argument("folder", type=Path)
    words.add_argument("port", type=int)
    words.add_argument("spec")
    words.add_argument("--unmakeable", action="store_true")
    words.add_argument("--thread", action="store_true")
    words.add_argument("--begin-timeout", type=float, default=30.0)
    words.add_argument("--stop-timeout", type=float, default=10.0)
    given = words.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    if given.thread:
        threading.Thread(target=time.sleep, args=(3600,), daemon=True, name="left over").start()
    try:
        launched = launch(
            UnmakeableSupervisor if given.unmakeable else TestSupervisor,
            int(given.spec) if given.spec.isdecimal() else given.spec,
            admin_port=given.port,
            key=KEY,
            pid_file=given.folder / "pids",
            preload=["asyncio"],
            begin_timeout_s=given.begin_timeout,
        )
    except LicsError as error:
        say(failed=type(error).__name__, message=error.message)
        return 1
    say(launched=host_port(launched.address), pid=launched.pid, admin_pid=launched.admin_pid)
    return _serve(launched, given.stop_timeout)


def _serve(launched: Launched, stop_timeout_s: float) -> int:
    try:
        while not select.select([sys.stdin], [], [], 0)[0]:
            message = launched.receive(0.05)
            if isinstance(message, dict):
                say(**message)
    except FleetDiedError as error:
        say(died=error.message)
        launched.shutdown(stop_timeout_s)
        say(ended=True)
        return 3
    began = time.perf_counter()
    orderly = launched.shutdown(stop_timeout_s)
    say(orderly=orderly, seconds=time.perf_counter() - began)
    return 0


if __name__ == "__main__":
    # As a module of its own name, so that the actors' processes find the classes where they are.
    import tests.system.runtime_actors as this

    raise SystemExit(this.main())
