"""What a run tells the world, behind its journal: `experiments/{run_id}/events` at QoS 1, and the live bus.

Steps are numbered, and told at least once: after a reconnect, and by the next incarnation of the actor, the last ones come again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from drivers.protocol import Publication
from lics_actors.experiment.messages import CancelTimer, SetTimer
from lics_actors.live.bus import LivePublisher
from lics_actors.live.messages import RUNS, RunLive, RunStepLive, run_topic
from lics_actors.run.messages import RunView
from lics_actors.store.run_records import RunStepped

AGAIN: Final = 64  # steps told again; more are not under way at once
QUEUE_BYTES: Final = 256 << 10

_encoder = msgspec.json.Encoder()


def events_topic(prefix: str, run_id: UUID) -> str:
    """Return the MQTT topic of a run's steps."""
    return f"{prefix}experiments/{run_id}/events"


def step_json(step: RunStepped) -> dict[str, Any]:
    """Return a step as it is told; timers are nobody's business."""
    effects = [each for each in step.effects if not isinstance(each, SetTimer | CancelTimer)]
    told: dict[str, Any] = {
        "v": 1,
        "run_id": step.run_id,
        "n": step.n,
        "time": step.time,
        "event": step.event,
        "effects": effects,
    }
    return told | ({"barred": step.barred} if step.barred else {})


class Telling:
    """One run's. `publish` sends MQTT messages where there is a session."""

    def __init__(
        self,
        run_id: UUID,
        laboratory_id: UUID,
        prefix: str,
        publish: Callable[[Sequence[Publication]], None],
        publisher: LivePublisher | None,
    ) -> None:
        self._run_id, self._laboratory_id = run_id, laboratory_id
        self._topic, self._publish, self._publisher = events_topic(prefix, run_id), publish, publisher
        self._last: deque[Publication] = deque(maxlen=AGAIN)
        self._shown: tuple[str, int] = ("", 0)

    def told(self, step: RunStepped, view: RunView) -> None:
        """Tell of a step that is in the journal."""
        said = self.remember(step)
        self._publish([said])
        if self._publisher is not None:
            live = RunStepLive(self._run_id, step.time, step.n, msgspec.Raw(said.payload))
            self._publisher.publish(run_topic(self._run_id), live, keep=True)
            if (view.phase, view.trial) != self._shown:
                self.show(step, view)

    def remember(self, step: RunStepped) -> Publication:
        """Keep a step to be told again with the next session."""
        said = Publication(self._topic, _encoder.encode(step_json(step)), 1)
        self._last.append(said)
        return said

    def again(self) -> None:
        """Tell the last steps once more: the last session may not have brought them."""
        self._publish(list(self._last))

    def show(self, step: RunStepped, view: RunView) -> None:
        """Tell those who watch all runs how this one is."""
        self._shown = (view.phase, view.trial)
        if self._publisher is not None:
            live = RunLive(
                self._run_id, self._laboratory_id, step.time, view.phase, view.reason, view.trial, view.rewarded, step.n
            )
            self._publisher.publish(RUNS, live, keep=True)
            self._publisher.publish(run_topic(self._run_id), live, keep=True)
