"""The fallback broker's process: amqtt's packet codecs around sessions of our own (mqtt_sessions.py); MQTT 3.1.1, loopback.

With a file of accounts nobody comes in without one, nor gets beyond his topics (dynamic_security.py).
Everything happens in one event loop. A PUBACK goes out once the message is in the queue of every subscriber.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import uuid
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path
from typing import Any

from amqtt.adapters import BufferReader, StreamReaderAdapter
from amqtt.errors import AMQTTError, CodecError, MQTTError, NoDataError
from amqtt.mqtt import packet_class
from amqtt.mqtt.connack import ConnackPacket
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.disconnect import DisconnectPacket
from amqtt.mqtt.packet import MQTTFixedHeader
from amqtt.mqtt.pingreq import PingReqPacket
from amqtt.mqtt.pingresp import PingRespPacket
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.pubcomp import PubcompPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.pubrec import PubrecPacket
from amqtt.mqtt.pubrel import PubrelPacket
from amqtt.mqtt.suback import SubackPacket
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.mqtt.unsuback import UnsubackPacket
from amqtt.mqtt.unsubscribe import UnsubscribePacket

from lics_actors.services.dynamic_security import CONTROL_TOPIC, RESPONSE_TOPIC, DynamicSecurity
from lics_actors.services.mqtt_sessions import Message, Session, Sessions, anybody, valid_filter, valid_topic

logger = logging.getLogger(__name__)
MAX_PACKET_BYTES = 16 * 1024 * 1024  # as in mosquitto.conf.template
CONNECT_S = 10.0  # for the first packet
GRACE = 1.5  # times the keep-alive without a packet, then the client is dead (section 3.1.2.10)
ACCEPTED, BAD_VERSION, BAD_CLIENT_ID, NOT_AUTHORIZED = 0, 1, 2, 5  # section 3.2.2.3
REFUSED_FILTER = 0x80
DRAIN_BYTES = 64 * 1024
DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"  # as in mosquitto, and as often
SPEAK_EVERY_S = 5.0


class BrokenContractError(Exception):
    """A client sent what MQTT 3.1.1 does not allow; its connection ends."""


async def read_packet(reader: StreamReaderAdapter) -> Any | None:
    """Return the next packet, None at the end of the stream; its body is read whole before it is understood."""
    header = await MQTTFixedHeader.from_stream(reader)
    if header is None:
        return None
    if header.remaining_length > MAX_PACKET_BYTES:
        raise BrokenContractError(f"packet of {header.remaining_length} bytes")
    body = await reader.read(header.remaining_length) if header.remaining_length else b""
    return await packet_class(header).from_stream(BufferReader(body), fixed_header=header)


class Connection:
    """One client's connection from CONNECT to its end."""

    def __init__(self, broker: AmqttBroker, reader: StreamReader, writer: StreamWriter) -> None:
        self._broker, self._reader, self._writer = broker, StreamReaderAdapter(reader), writer
        self._wake = asyncio.Event()
        self._will: Message | None = None
        self._unreleased: set[int] = set()  # QoS 2 messages taken, whose PUBREL is due
        self.ended = asyncio.Event()
        self.session: Session | None = None
        self.username = ""

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def close(self) -> None:
        """End the connection; the client's last will is published, for it did not disconnect."""
        self._writer.transport.abort()

    def cut(self) -> None:
        """End the connection of somebody who may not be here any more; he has no last will."""
        self._will = None
        self.close()

    async def serve(self) -> None:
        """Serve the client to its end; never raises for what a client does."""
        sender: asyncio.Task[None] | None = None
        try:
            patience_s = await asyncio.wait_for(self._connect(), CONNECT_S)
            sender = asyncio.create_task(self._send_queued())
            while (packet := await asyncio.wait_for(read_packet(self._reader), patience_s)) is not None:
                if isinstance(packet, DisconnectPacket):
                    self._will = None  # section 3.14.4
                    break
                self._take(packet)
        except (BrokenContractError, AMQTTError, MQTTError, CodecError, NoDataError, OSError, EOFError, TimeoutError) as error:
            logger.info("connection ended", extra={"client": self._name(), "reason": f"{type(error).__name__}: {error}"})
        except Exception:  # amqtt's codecs meet garbage in many ways
            logger.warning("connection ended", extra={"client": self._name()}, exc_info=True)
        finally:
            if sender is not None:
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)
            self._end()

    def _name(self) -> str:
        return self.session.client_id if self.session else "-"

    def _end(self) -> None:
        if self.session is not None:
            self._broker.forget(self.session, self)
        if self._will is not None and self._broker.may_send(self.username, self._will.topic):
            self._broker.publish(self._will)
        self._writer.close()
        self.ended.set()

    async def _connect(self) -> float | None:
        """Take the CONNECT; return the seconds without a packet after which the client is dead."""
        packet = await read_packet(self._reader)
        if not isinstance(packet, ConnectPacket) or packet.proto_name != "MQTT" or packet.reserved_flag:
            raise BrokenContractError("the first packet is not a CONNECT of MQTT")
        if packet.proto_level != 4:
            self._send(ConnackPacket.build(0, BAD_VERSION))
            raise BrokenContractError(f"protocol level {packet.proto_level}")
        clean = bool(packet.clean_session_flag)
        if packet.client_id_is_random and not clean:
            self._send(ConnackPacket.build(0, BAD_CLIENT_ID))
            raise BrokenContractError("a session that is to be kept needs a client id")
        client_id = packet.client_id if packet.client_id and not packet.client_id_is_random else f"auto-{uuid.uuid4().hex}"
        if not self._broker.admits(packet.username, packet.password, client_id):
            self._send(ConnackPacket.build(0, NOT_AUTHORIZED))
            raise BrokenContractError("not authorized")
        self.username = packet.username or ""
        self.session, present = await self._broker.admit(client_id, self, clean=clean)
        self._send(ConnackPacket.build(int(present), ACCEPTED))
        if packet.will_flag:
            payload = bytes(packet.will_message or b"")
            self._will = Message(packet.will_topic or "", payload, min(packet.will_qos, 1), bool(packet.will_retain_flag))
        return packet.keep_alive * GRACE or None

    def _take(self, packet: Any) -> None:
        session = self.session
        assert session is not None
        match packet:
            case PublishPacket():
                self._take_publish(packet)
            case PubackPacket():
                session.acknowledge(packet.packet_id)
                self.wake()
            case PubrelPacket():
                self._unreleased.discard(packet.packet_id)
                self._send(PubcompPacket.build(packet.packet_id))
            case SubscribePacket():
                self._subscribe(session, packet)
            case UnsubscribePacket():
                for topic_filter in packet.payload.topics:
                    self._broker.sessions.unsubscribe(session, topic_filter)
                self._send(UnsubackPacket.build(packet.variable_header.packet_id))
            case PingReqPacket():
                self._send(PingRespPacket.build())
            case _:
                raise BrokenContractError(f"{type(packet).__name__} from a client")

    def _take_publish(self, packet: PublishPacket) -> None:
        topic, qos, packet_id = packet.topic_name or "", packet.qos or 0, packet.packet_id
        if not (valid_topic(topic) or topic == CONTROL_TOPIC) or qos > 2 or (qos and not packet_id):
            raise BrokenContractError(f"PUBLISH to {topic!r} with QoS {qos}")
        if qos < 2 or packet_id not in self._unreleased:
            self._broker.taken(self, Message(topic, packet.data or b"", min(qos, 1), packet.retain_flag))
        if qos == 1 and packet_id:
            self._send(PubackPacket.build(packet_id))
        elif qos == 2 and packet_id:
            self._unreleased.add(packet_id)
            self._send(PubrecPacket.build(packet_id))

    def _subscribe(self, session: Session, packet: SubscribePacket) -> None:
        asked = packet.payload.topics
        # amqtt's codec reads what it can; section 3.8.3 wants at least one filter, and nothing torn
        if not asked or 2 + sum(3 + len(name.encode()) for name, _ in asked) != packet.fixed_header.remaining_length:
            raise BrokenContractError("SUBSCRIBE that is empty or torn")
        codes, retained = [], []
        for topic_filter, qos in asked:
            usable = valid_filter(topic_filter) and qos <= 2 and self._broker.may_subscribe(self.username, topic_filter)
            codes.append(min(qos, 1) if usable else REFUSED_FILTER)
            if usable:
                retained += self._broker.sessions.subscribe(session, topic_filter, min(qos, 1))
        self._send(SubackPacket.build(packet.variable_header.packet_id, codes))
        for message in retained:
            session.offer(message)
        self.wake()

    async def _send_queued(self) -> None:
        """Send again what is unacknowledged (section 4.4), then whatever is queued, as fast as the client reads."""
        session = self.session
        assert session is not None
        for packet_id, message in list(session.in_flight.items()):
            self._send_message(packet_id, message, again=True)
            await self._drain()
        while True:
            self._wake.clear()
            while (due := session.next_to_send()) is not None:
                self._send_message(*due)
                await self._drain()
            await self._wake.wait()

    def _send_message(self, packet_id: int | None, message: Message, *, again: bool = False) -> None:
        self._send(PublishPacket.build(message.topic, message.payload, packet_id, again, message.qos, message.retain))

    def _send(self, packet: Any) -> None:
        self._writer.write(packet.to_bytes())

    async def _drain(self) -> None:
        if self._writer.transport.get_write_buffer_size() > DRAIN_BYTES:
            await self._writer.drain()


class AmqttBroker:
    """Accepts connections and carries messages between their sessions."""

    def __init__(self, security: DynamicSecurity | None = None) -> None:
        self._security = security
        self.sessions = Sessions(anybody if security is None else security.may_receive)
        self._connections: dict[str, Connection] = {}

    def admits(self, username: str | None, password: str | None, client_id: str) -> bool:
        """Return whether somebody may come in; without accounts, anybody."""
        return self._security is None or self._security.admits(username, password, client_id)

    def may_send(self, username: str, topic: str) -> bool:
        """Return whether an account may publish there."""
        return self._security is None or self._security.may_send(username, topic)

    def may_subscribe(self, username: str, topic_filter: str) -> bool:
        """Return whether an account may ask for that."""
        return self._security is None or self._security.may_subscribe(username, topic_filter)

    def taken(self, connection: Connection, message: Message) -> None:
        """A client has published: what it may not is dropped, though acknowledged (as mosquitto does; 3.1.1 knows no refusal)."""
        if not self.may_send(connection.username, message.topic):
            logger.warning("dropped, not allowed", extra={"username": connection.username, "topic": message.topic})
        elif message.topic != CONTROL_TOPIC:
            self.publish(message)
        elif self._security is not None and connection.session is not None:
            answer = self._security.control(message.payload)
            connection.session.offer(Message(RESPONSE_TOPIC, answer.payload, 0))
            connection.wake()
            for each in [each for each in self._connections.values() if each.username in answer.cut]:
                each.cut()

    async def connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection."""
        await Connection(self, reader, writer).serve()

    async def admit(self, client_id: str, connection: Connection, *, clean: bool) -> tuple[Session, bool]:
        """Return the client's session and whether it was kept; a connection that holds the client id is ended first."""
        while (holder := self._connections.get(client_id)) is not None:
            holder.close()
            await holder.ended.wait()
        self._connections[client_id] = connection
        return self.sessions.open(client_id, clean=clean, username=connection.username)

    def forget(self, session: Session, connection: Connection) -> None:
        """A connection has ended."""
        if self._connections.get(session.client_id) is connection:
            del self._connections[session.client_id]
            self.sessions.close(session)

    async def speak_of_itself(self) -> None:
        """Publish what was dropped, for ever; retained, so that whoever subscribes hears it at once."""
        while True:
            self.publish(Message(DROPPED_TOPIC, str(self.sessions.dropped).encode(), 0, retain=True))
            await asyncio.sleep(SPEAK_EVERY_S)

    def publish(self, message: Message) -> None:
        """Queue a message for its subscribers."""
        for session in self.sessions.route(message):
            if connection := self._connections.get(session.client_id):
                connection.wake()


async def main(port: int, accounts: Path | None = None) -> None:
    """Serve on loopback until SIGTERM, to those in the file of accounts, or to anybody."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    broker = AmqttBroker(None if accounts is None else DynamicSecurity(accounts))
    server = await asyncio.start_server(broker.connected, "127.0.0.1", port)
    speaking = asyncio.create_task(broker.speak_of_itself())
    await stop.wait()
    speaking.cancel()
    server.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]), *(Path(each) for each in sys.argv[2:3])))
