"""What is measured of the live view."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class LiveMetrics:
    """Of one worker; Prometheus is told the sum of all."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def now(name: str, meaning: str) -> Gauge:
            return Gauge(name, meaning, registry=registry, multiprocess_mode="livesum")

        self.clients = now("lics_live_clients", "WebSocket connections")
        self.subscriptions = now("lics_live_subscriptions", "topics that WebSocket connections are subscribed to")
        self.messages = Counter("lics_live_messages", "messages sent over WebSockets", registry=registry)
        self.gaps = Counter("lics_live_gaps", "gaps told to clients that read too slowly", registry=registry)
        self.closed = Counter("lics_live_closed", "WebSocket connections closed by us", ["code"], registry=registry)
        self.heard = Counter("lics_live_heard", "messages from the live bus", registry=registry)
