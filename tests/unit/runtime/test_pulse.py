"""Slots of shared memory between a supervisor and what it forks."""

from __future__ import annotations

import os
import time

import pytest

from lics_actors.runtime.pulse import SLOTS, Sheet, own_slot


def forked(sheet: Sheet, name: str) -> None:
    """Fork a child that beats once in each cell, and wait for its end."""
    sheet.offer(name)
    pid = os.fork()
    if pid == 0:
        slot = own_slot()
        slot.beat_thread()
        slot.beat_loop()
        slot.enter()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_child_writes_its_parent_reads_and_nobody_else_has_it() -> None:
    sheet, before = Sheet(), time.monotonic()
    sheet.offer("b")
    forked(sheet, "a")
    assert all(before <= at <= time.monotonic() for at in sheet.read("a"))
    assert sheet.read("b") == (0.0, 0.0, 0.0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_successor_begins_with_an_empty_slot_and_a_forgotten_one_is_used_again() -> None:
    sheet = Sheet()
    forked(sheet, "a")
    sheet.offer("a")
    assert sheet.read("a") == (0.0, 0.0, 0.0)
    for number in range(5 * SLOTS):  # more than a page holds, one after the other
        sheet.offer(str(number))
        sheet.forget(str(number))
    sheet.forget("nobody")
    for number in range(2 * SLOTS):  # and at the same time
        sheet.offer(str(number))
    assert sheet.read(str(2 * SLOTS - 1)) == (0.0, 0.0, 0.0)


def test_who_offered_a_slot_does_not_write_into_it_itself() -> None:
    sheet = Sheet()
    sheet.offer("a")
    own_slot().enter()
    assert sheet.read("a") == (0.0, 0.0, 0.0)


def test_going_into_and_out_of_things_shows() -> None:
    slot = own_slot()
    slot.enter()
    assert slot.read()[2] > 0
    slot.leave()
    slot.beat_thread()
    slot.beat_loop()
    slot.thread_rests()
    slot.loop_ended()
    assert slot.read() == (0.0, 0.0, 0.0)
