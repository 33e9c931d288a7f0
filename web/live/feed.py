"""A topic as one worker has it: who wants it, who waits for its snapshot, which values wait. Pure, but remembers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lics_actors.access.laboratories import Laboratories
from lics_actors.live.messages import TelemetryLive, merged
from web.live.client import Client, Subscription
from web.live.posts import Post
from web.live.resume import missed

Reach = tuple[int, Sequence[Post]]  # the bus has everything after the number, and that is this


@dataclass(eq=False, slots=True)
class Feed:
    """`n`: the last number heard. `stale`: the snapshot being taken may be older than what was missed.

    `next_at`: when the next snapshot may be begun, by the loop's clock. `audience`: it tells of these laboratories only.
    """

    topic: str
    audience: Laboratories = None
    subscriptions: dict[Client, Subscription] = field(default_factory=dict)
    joining: list[Subscription] = field(default_factory=list)
    building: bool = False
    stale: bool = False
    n: int = 0
    next_at: float = 0.0
    values: tuple[int, TelemetryLive] | None = None

    def happened(self, post: Post) -> Iterable[Client]:
        """Give everyone who has the topic what happened; yield who has something to send now.

        Who gave a command is told of it with its `ref`, elsewhere.
        """
        for subscription in self.subscriptions.values():
            if subscription.ref is not None:
                continue
            if subscription.joining:
                subscription.meanwhile.put(post)
            elif post.n > subscription.n:
                subscription.n = post.n
                subscription.client.add((post,))
                yield subscription.client

    def measured(self, n: int, values: TelemetryLive) -> None:
        """Let values wait for the next round."""
        self.values = n, merged(self.values[1], values) if self.values else values

    def welcome(self, subscription: Subscription, n: int, reach: Reach | None, snapshot: Post) -> None:
        """Tell one who subscribes what it missed, how things are at `n`, and what came since."""
        after = subscription.after
        kept = reach[1] if reach is not None and after is not None and reach[0] <= after else None
        before = missed(self.topic, after, n, kept)
        subscription.client.add([*before, snapshot, *subscription.joined(n)])

    def anew(self) -> list[Subscription]:
        """Have everyone join again, from what they have been told: something may not have been heard."""
        self.stale = self.building
        again = [each for each in self.subscriptions.values() if not each.joining and each.ref is None]
        for subscription in again:
            subscription.after, subscription.joining = subscription.n or None, True
        return again
