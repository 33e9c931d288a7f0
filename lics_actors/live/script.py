"""What the live bus keeps in Redis, and the script that writes it. Pure.

Of each topic there are a channel and, under the channel's name, a stream of what is kept; beside it a hash with
`n`, the topic's last number, `kept`, the last number in the stream, and `from`: everything kept after that number is in the
stream, or was trimmed from its beginning.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from enum import Enum

from lics_actors.live.messages import COMMAND

KEPT_MESSAGES = 1000  # of a topic, for `subscribe` with `after`: a few minutes of a busy device
KEPT_S = 3600  # a viewer who was away for longer starts anew

_GLOB = re.compile(r"([\\*?\[\]])")


class Mark(Enum):
    """What becomes of a message in the script."""

    PASSING = b"0"  # said once, to those who listen
    KEPT = b"1"
    ON_DEMAND = b"2"  # kept where somebody has asked for the topic's number within KEPT_S
    BROKEN = b"3"  # no message: some that should have been kept were lost


PUBLISH = f"""\
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local last, heard = {{}}, 0
for i, topic in ipairs(KEYS) do
  local mark, body, state = ARGV[2 * i - 1], ARGV[2 * i], topic .. ':n'
  local known = redis.pcall('HMGET', state, 'n', 'kept', 'from')
  if known.err then
    redis.call('DEL', state)
    known = {{false, false, false}}
  end
  local n = math.max(now, (tonumber(known[1] or '0') or 0) + 1, (last[topic] or 0) + 1)
  last[topic] = n
  local text, before = string.format('%.0f', n), string.format('%.0f', n - 1)
  if known[1] or mark == '0' or mark == '1' then
    redis.call('HSET', state, 'n', text)
    if mark == '3' then
      redis.call('HSET', state, 'from', text)
    elseif not known[1] then
      redis.call('HSET', state, 'from', before)
    end
    if mark == '1' or mark == '2' then
      if known[2] and tonumber(known[2]) > tonumber(known[3]) and redis.call('EXISTS', topic) == 0 then
        redis.call('HSET', state, 'from', known[2])
      end
      local added = redis.pcall('XADD', topic, 'MAXLEN', '=', {KEPT_MESSAGES}, text .. '-0', 'm', body)
      if type(added) == 'table' and added.err then
        redis.call('DEL', topic)
        redis.call('XADD', topic, text .. '-0', 'm', body)
        redis.call('HSET', state, 'from', before)
      end
      redis.call('HSET', state, 'kept', text)
      redis.call('EXPIRE', topic, {KEPT_S})
    end
    redis.call('EXPIRE', state, {KEPT_S})
  end
  if mark ~= '3' then
    heard = heard + redis.call('PUBLISH', topic, text .. '\\n' .. body)
  end
end
return heard
"""

CURRENT = f"""\
local state = KEYS[1] .. ':n'
local n = redis.call('HGET', state, 'n')
if not n then
  local time = redis.call('TIME')
  n = string.format('%.0f', time[1] * 1000000 + time[2])
  redis.call('HSET', state, 'n', n, 'from', n)
end
redis.call('EXPIRE', state, {KEPT_S})
return n
"""

PUBLISH_SHA = hashlib.sha1(PUBLISH.encode(), usedforsecurity=False).hexdigest().encode()

Entry = tuple[bytes, Mark, bytes]  # channel, mark, body


def channel(prefix: str, topic: str) -> str:
    """Return the channel, and the stream, of a topic."""
    return f"lics:{prefix}live:{topic}"


def channels_pattern(prefix: str) -> str:
    """Return the pattern of all channels, whatever signs the prefix has."""
    return _GLOB.sub(r"\\\1", channel(prefix, "")) + "*"


def mark_of(topic: str, keep: bool) -> Mark:
    """Return how a message is to be treated. A command is told whole, so its stream is worth something to few."""
    if not keep:
        return Mark.PASSING
    return Mark.ON_DEMAND if topic.startswith(COMMAND) else Mark.KEPT


def packed(verb: bytes, script: bytes, entries: Sequence[Entry]) -> bytes:
    """Return the request that publishes a batch (RESP: https://valkey.io/topics/protocol). `verb`: EVALSHA or EVAL."""
    words = [verb, script, b"%d" % len(entries)]
    words += [channel for channel, _, _ in entries]
    for _, mark, body in entries:
        words += [mark.value, body]
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


def covered(after: int, state: Sequence[bytes | None], length: int, first: int | None) -> bool:
    """Return whether everything kept after `after` is in a stream of that length that begins with the number `first`.

    `state`: the fields `n`, `kept` and `from` of the topic's hash.
    """
    n, kept, since = (None if field is None else int(field) for field in state)
    if n is None or since is None or not since <= after <= n:
        return False
    if kept is None or after >= kept:
        return True
    return first is not None and (length < KEPT_MESSAGES or first <= after)
