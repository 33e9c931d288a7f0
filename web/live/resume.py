"""How a client that subscribes comes to a complete picture: what it missed, then how things are, then what follows. Pure.

The channel is listened to before anything is read, and what arrives meanwhile waits. So everything after the snapshot's `n`
is either waiting or still to come, and everything up to it is in the snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from web.live.posts import Post
from web.live.protocol import Gap


def wanted_after(after: int | Mapping[str, int] | None, topic: str) -> int | None:
    """Return what a client says it has of a topic: nothing unless it says so."""
    return after.get(topic) if isinstance(after, Mapping) else after


def missed(topic: str, after: int | None, n: int, kept: Sequence[Post] | None) -> list[Post | Gap]:
    """Return what happened after `after` and up to `n`: as it was where the bus still has it (`kept` is not None), else the gap.

    A client that claims to be ahead of us has seen another bus: nobody knows what it missed; the snapshot says how things are.
    """
    if after is None or after >= n:
        return []
    if kept is None:
        return [Gap(topic, after + 1, n)]
    return [post for post in kept if after < post.n <= n]


def unseen(waiting: Sequence[Post], n: int) -> list[Post]:
    """Return what came in meanwhile and is not part of a snapshot at `n`, each once, in order."""
    found: list[Post] = []
    for post in waiting:
        if post.n > n:
            found.append(post)
            n = post.n
    return found


class Meanwhile:
    """What a topic tells while its snapshot is taken: in order and bounded; too much becomes a gap. Pure, but remembers."""

    __slots__ = ("_limit", "_lost", "_posts")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._posts: list[Post] = []
        self._lost: Gap | None = None

    def put(self, post: Post) -> None:
        """Keep a post until the snapshot is there."""
        self._posts.append(post)
        if len(self._posts) > self._limit:
            first = self._lost.first if self._lost else self._posts[0].n
            self._lost = Gap(post.topic, first, post.n)
            self._posts = []

    def take(self, n: int) -> list[Post | Gap]:
        """Return what is not part of a snapshot at `n`, in order, and keep nothing of it."""
        posts, self._posts = self._posts, []
        lost, self._lost = self._lost, None
        if lost is None or lost.last <= n:
            return list(unseen(posts, n))
        return [Gap(lost.topic, max(lost.first, n + 1), lost.last), *unseen(posts, lost.last)]
