"""Thespian's TCP transport made safe: one address bound, every frame signed, nothing unsigned unpickled.

Stock Thespian binds 0.0.0.0 and unpickles whatever arrives, which lets anyone who can connect run code. There is no protection
against replay: on loopback whoever can read a frame can read the key too, requests carry ids that are answered once, and a retry
after a lost acknowledgement resends the very same bytes. On another address than loopback put a private network under it.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import os
import pickle
from typing import Any

from thespian.actors import ActorAddress
from thespian.system import utilis
from thespian.system.transport import IPBase, SendStatus, TCPTransport, asyncTransportBase, streamBuffer

from lics_actors.errors import LicsError

SIGNATURE_BYTES = 32  # SHA-256
MIN_KEY_BYTES = 32  # RFC 2104 section 3: a key shorter than the hash weakens it
MAX_FRAME_BYTES = 16 * 1024 * 1024  # far above any message of ours (the largest is a rack's specification)
MAX_HEADER_BYTES = 20  # what Thespian reads of a frame before it knows its length; 16 MiB takes 9
SENDING_AT_ONCE = 256  # to all targets; stock 20 lets one hung receiver of twenty messages stop everything its sender sends
ACK = streamBuffer.ackPacket
REFUSED = streamBuffer.ackDataErrPacket

log = logging.getLogger(__name__)


class TransportError(LicsError):
    """The transport cannot be made safe as asked."""

    code = "TRANSPORT_UNSAFE"


class FrameRefusedError(LicsError):
    """A frame is unsigned, signed with another key, too large or malformed."""

    code = "FRAME_REFUSED"


class _Signer:
    """Stands in for `pickle` in the transport."""

    def __init__(self, key: bytes, bind: str) -> None:
        self.key, self.bind = key, bind
        self.refused = 0

    def dumps(self, message: object) -> bytes:
        body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        return hmac.digest(self.key, body, "sha256") + body

    def loads(self, frame: bytes) -> Any:
        signature, body = frame[:SIGNATURE_BYTES], frame[SIGNATURE_BYTES:]
        if not hmac.compare_digest(hmac.digest(self.key, body, "sha256"), signature):
            self.refuse("signature")
        return pickle.loads(body)  # noqa: S301 - signed by this installation

    def refuse(self, reason: str) -> None:
        self.refused += 1
        if self.refused.bit_count() == 1:  # 1, 2, 4, 8 … : a flood does not become a flood of lines
            log.warning("frame refused", extra={"reason": reason, "refused": self.refused})
        raise FrameRefusedError(f"a frame was refused: {reason}", reason=reason)


class _BoundedReceiveBuffer(streamBuffer.ReceiveBuffer):  # type: ignore[misc]
    """Refuses a length that is negative (which would end the actor), too large, or never comes."""

    def addMore(self, buf: bytes) -> None:  # noqa: N802 - Thespian's name
        if self._size is None and b">" not in buf and len(self._buf) + len(buf) > MAX_HEADER_BYTES:
            _installed().refuse("header")
        super().addMore(buf)
        if self._size is not None and not 0 <= self._size <= MAX_FRAME_BYTES:
            _installed().refuse("length")


_signer: _Signer | None = None  # the transport itself is patched per process, so this is per process too


def _installed() -> _Signer:
    if _signer is None:
        raise TransportError("the transport is not signed yet: call transport.install first")
    return _signer


def install(key: bytes, bind: str = "127.0.0.1") -> None:
    """Sign every frame with `key` and bind every listening socket to `bind`, in this process and those forked from it.

    Must run before any ActorSystem or Peer. Repeating it with the same arguments does nothing; other arguments hold from then on.

    Raises:
        TransportError: weak key, or an address that means "all interfaces".
    """
    global _signer  # noqa: PLW0603 - see above
    if _signer is not None and (_signer.key, _signer.bind) == (key, bind):
        return
    if len(key) < MIN_KEY_BYTES:
        raise TransportError(f"the transport key has {len(key)} bytes; it needs {MIN_KEY_BYTES} at least")
    _refuse_public(bind)
    if _signer is None:
        _give_up_on_forged_acknowledgements()
    _signer = _Signer(key, bind)
    _bind_all_to(bind)
    _sign_all_with(_signer)
    asyncTransportBase.MAX_PENDING_TRANSMITS = SENDING_AT_ONCE
    utilis.thesplog_control(logging.CRITICAL, False, 0)  # else it writes messages into a file everybody can read in /tmp


def _refuse_public(bind: str) -> None:
    try:
        address = ipaddress.IPv4Address(bind)
    except ValueError as error:
        raise TransportError(f"{bind!r} is not an IPv4 address; the actors bind 127.0.0.1 or a private address") from error
    if address.is_unspecified or address.is_multicast:
        raise TransportError(f"{bind} is every interface; name the one address that the actors shall bind")


def _bind_all_to(bind: str) -> None:
    # Both are needed: without the variable the admin advertises another address than it is bound to, and its start hangs.
    os.environ["THESPIAN_BASE_IPADDR"] = bind
    IPBase.thisSystem.add_local_addr(bind)
    IPBase.IPActorAddress.bindArgs = property(lambda address: ((bind, address.bindname[1]),))


def _sign_all_with(signer: _Signer) -> None:
    TCPTransport.serializer = signer
    TCPTransport.ReceiveBuffer = _BoundedReceiveBuffer
    for module in (streamBuffer, TCPTransport):  # made when the modules were imported, with plain pickle
        module.ackMsg = streamBuffer.toSendBuffer(ACK, signer.dumps)
        module.ackDataErrMsg = streamBuffer.toSendBuffer(REFUSED, signer.dumps)


def _give_up_on_forged_acknowledgements() -> None:
    check = TCPTransport.TCPTransport._check_XMIT_4_done

    def check_acknowledgement(transport: Any, intent: Any, received: bytes) -> Any:
        try:
            return check(transport, intent, received)
        except FrameRefusedError:  # stock code would leak the intent for good, and enough leaked ones stop all sending
            intent.result = SendStatus.BadPacket
            intent.stage = transport._XMITStepFinishCleanup
            return transport._nextTransmitStep(intent)

    TCPTransport.TCPTransport._check_XMIT_4_done = check_acknowledgement


def require_installed() -> None:
    """Raise TransportError unless `install` has run."""
    _installed()


def bound_host() -> str:
    """Return the address that this process's listening sockets are bound to."""
    return _installed().bind


def acknowledgement() -> bytes:
    """Return the frame that acknowledges a frame."""
    frame: bytes = TCPTransport.ackMsg
    return frame


def refusal() -> bytes:
    """Return the frame that says that a frame could not be read."""
    frame: bytes = TCPTransport.ackDataErrMsg
    return frame


def seal(message: object) -> bytes:
    """Return the signed frame of `message`, header included."""
    frame: bytes = streamBuffer.toSendBuffer(message, _installed().dumps)
    return frame


def unseal(frame: bytes) -> Any:
    """Return the message of a frame without its header.

    Raises:
        FrameRefusedError: not signed by this installation.
    """
    return _installed().loads(frame)


def refuse(reason: str) -> None:
    """Count and refuse a frame. Raises FrameRefusedError, always."""
    _installed().refuse(reason)


def refused_frames() -> int:
    """Return how many frames this process has refused."""
    return 0 if _signer is None else _signer.refused


def actor_address(host: str, port: int) -> ActorAddress:
    """Return the address of the actor that listens on `host`:`port`."""
    return ActorAddress(IPBase.TCPv4ActorAddress(host, port, external=True))


def host_port(address: ActorAddress) -> tuple[str, int]:
    """Return where an actor listens."""
    host, port = address.addressDetails.sockname[:2]
    return host, port
