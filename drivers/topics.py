"""MQTT topic names and filters (MQTT 3.1.1, section 4.7). Pure."""

from __future__ import annotations


def matches(topic_filter: str, topic: str) -> bool:
    """Return whether `topic` is among those `topic_filter` asks for."""
    return overlap(topic_filter, topic)


def overlap(one: str, other: str) -> bool:
    """Return whether some topic satisfies both filters."""
    if _hides(one, other) or _hides(other, one):
        return False
    left, right = one.split("/"), other.split("/")
    for mine, yours in zip(left, right, strict=False):
        if "#" in (mine, yours):
            return True
        if mine != yours and "+" not in (mine, yours):
            return False
    if len(left) == len(right):
        return True
    longer = max(left, right, key=len)
    return abs(len(left) - len(right)) == 1 and longer[-1] == "#"  # "a/#" also asks for "a"


def _hides(wild: str, system: str) -> bool:
    """Return whether `wild` starts with a wildcard, which never matches topics that start with `$`."""
    return wild[:1] in {"+", "#"} and system[:1] == "$"


def covers(wide: str, narrow: str) -> bool:
    """Return whether `wide` certainly has every topic that `narrow` asks for; `$share/…` and `$SYS/…` are no exceptions.

    Never true where it is not so; `+/#` is not seen to have all that `#` has.
    """
    if _hides(wide, narrow):
        return False
    wanted, asked = wide.split("/"), narrow.split("/")
    for depth, level in enumerate(wanted):
        if level == "#":
            return depth == len(wanted) - 1
        if depth >= len(asked) or asked[depth] == "#" or level not in {"+", asked[depth]}:
            return False
    return len(wanted) == len(asked)
