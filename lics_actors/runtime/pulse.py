"""Heartbeats in shared memory: each child writes the time into a slot of its own, and its supervisor reads it for nothing.

The supervisor makes the page before it forks, so the child has it too. All times are `time.monotonic()`: one clock for all
processes of a host, which on Linux stands still while the host sleeps. A slot is aligned doubles, each written with one store.
"""

from __future__ import annotations

import mmap
import os
import time
from dataclasses import dataclass

BEAT_S = 2.0  # a beat costs a loop about 0.1 ms: three within the six seconds after which silence is a hang
THREAD, LOOP, BUSY, CELLS = 0, 1, 2, 4  # cells of a slot; the fourth is spare: two slots a cache line
SLOTS = mmap.PAGESIZE // (CELLS * 8)


@dataclass(slots=True)
class _Offer:
    """The slot of the child that is about to be forked, and by whom."""

    slot: Slot | None = None
    by: int = 0


_offer = _Offer()


class Slot:
    """One child's slot, on either side."""

    def __init__(self, cells: memoryview[float]) -> None:
        self._cells = cells

    def clear(self) -> None:
        """Forget who had it before."""
        for cell in range(CELLS):
            self._cells[cell] = 0.0

    def beat_thread(self) -> None:
        """Say that the actor's thread is alive (from that thread, again and again once begun)."""
        self._cells[THREAD] = time.monotonic()

    def beat_loop(self) -> None:
        """Say that the loop is alive (from the loop)."""
        self._cells[LOOP] = time.monotonic()

    def thread_rests(self) -> None:
        """Say that the thread's silence means nothing from here on: a loop beats instead."""
        self._cells[THREAD] = 0.0

    def loop_ended(self) -> None:
        """Say that there is no loop any more whose silence could mean anything."""
        self._cells[LOOP] = 0.0

    def enter(self) -> None:
        """Say that the actor's thread goes into a handler."""
        self._cells[BUSY] = time.monotonic()

    def leave(self) -> None:
        """Say that it came out."""
        self._cells[BUSY] = 0.0

    def read(self) -> tuple[float, float, float]:
        """Return the last beats of thread and loop, and since when the thread is in a handler; 0 where there is none."""
        return self._cells[THREAD], self._cells[LOOP], self._cells[BUSY]


class Sheet:
    """A supervisor's slots, one for each name; as many pages as it takes."""

    def __init__(self) -> None:
        self._slots: dict[str, Slot] = {}
        self._free: list[Slot] = []

    def offer(self, name: str) -> None:
        """Give the child that is forked next the slot of this name, cleared. Its predecessor must be dead."""
        if name not in self._slots:
            if not self._free:
                self._grow()
            self._slots[name] = self._free.pop()
        self._slots[name].clear()
        _offer.slot, _offer.by = self._slots[name], os.getpid()

    def read(self, name: str) -> tuple[float, float, float]:
        """Return what a child's slot says."""
        return self._slots[name].read()

    def forget(self, name: str) -> None:
        """Let another child have the slot."""
        slot = self._slots.pop(name, None)
        if slot is not None:
            self._free.append(slot)

    def _grow(self) -> None:
        cells = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")
        self._free += [Slot(cells[start : start + CELLS]) for start in range(0, SLOTS * CELLS, CELLS)]


def own_slot() -> Slot:
    """Return the slot that this process was offered by its parent before the fork, or one that nobody reads."""
    if _offer.slot is not None and _offer.by != os.getpid():
        return _offer.slot
    return _unseen()


def _unseen() -> Slot:
    return Slot(memoryview(bytearray(CELLS * 8)).cast("d"))
