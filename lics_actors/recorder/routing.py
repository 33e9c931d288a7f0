"""Which device a topic belongs to, and what the Recorder subscribes to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from drivers.errors import DriverError
from drivers.protocol import DeviceRef, Driver, TopicFilter
from drivers.topics import matches
from lics_actors.device.messages import DeviceSpec

NOBODY = UUID(int=0)  # the sender of a payload that no device can have sent
GONE_GRACE_US = 5_000_000  # what a device said before it was retired may reach us a little after we heard of that
_REMEMBERED_TOPICS = 100_000


@dataclass(frozen=True, slots=True)
class Route:
    """The device a message came from, and the driver that understands it.

    `gone_us`: the device was retired by then (microseconds since the Unix epoch); what it said before still counts.
    """

    device: DeviceRef
    driver: Driver
    gone_us: int | None = None


@dataclass(frozen=True, slots=True)
class NoRoute:
    """No device that is known. `device_id` is the one the topic names, `NOBODY` where it names none."""

    device_id: UUID


class Routes:
    """From topics to devices, for one state of the laboratory; only its memory of topics already seen changes.

    `filters`: what to subscribe to, with the QoS of each. `unusable`: why a device's data cannot be recorded at all.
    """

    def __init__(self, drivers: Mapping[str, Driver], prefix: str) -> None:
        self._drivers, self._prefix = drivers, prefix
        self._routes: dict[UUID, Route] = {}
        self._exact: dict[str, Route] = {}
        self._wild: list[tuple[str, Route]] = []
        self._seen: dict[bytes, Route | NoRoute] = {}
        self._shared = {name: driver for name, driver in drivers.items() if driver.shared_filters(prefix)}
        self.filters: dict[str, int] = {}
        self.unusable: dict[UUID, str] = {}
        for driver in self._shared.values():
            self.filters |= _wanted(driver.shared_filters(prefix))

    def of(self, devices: Iterable[DeviceSpec], now_us: int) -> Routes:
        """Return the routes to `devices`, all there are now; those that were routed to before are gone since `now_us`."""
        routes = Routes(self._drivers, self._prefix)
        for spec in devices:
            routes._add(spec)
        for device_id, route in self._routes.items():
            if device_id not in routes._routes:
                routes._place(route if route.gone_us is not None else replace(route, gone_us=now_us))
        return routes

    def find(self, topic: bytes, received_us: int) -> Route | NoRoute:
        """Return whose message it is that came on `topic` at `received_us`."""
        found = self._seen.get(topic)
        if found is None:
            found = self._look_up(topic.decode(errors="replace"))
            if len(self._seen) >= _REMEMBERED_TOPICS:
                self._seen.clear()
            self._seen[topic] = found
        if isinstance(found, Route) and found.gone_us is not None and received_us > found.gone_us + GONE_GRACE_US:
            return NoRoute(found.device.device_id)
        return found

    def _look_up(self, topic: str) -> Route | NoRoute:
        own = self._exact.get(topic) or next((route for name, route in self._wild if matches(name, topic)), None)
        if own:
            return own
        for driver in self._shared.values():
            device_id = driver.device_of(topic, self._prefix)
            if device_id is not None:
                route = self._routes.get(device_id)
                return route if route and route.driver is driver else NoRoute(device_id)
        return NoRoute(NOBODY)

    def _add(self, spec: DeviceSpec) -> None:
        driver = self._drivers.get(spec.driver)
        if driver is None:
            self.unusable[spec.device_id] = f"no driver {spec.driver!r}"
            return
        try:
            self._place(Route(DeviceRef(spec.device_id, spec.settings, self._prefix), driver))
        except DriverError as error:
            self.unusable[spec.device_id] = str(error)

    def _place(self, route: Route) -> None:
        wanted = {} if route.driver.name in self._shared else _wanted(route.driver.subscriptions(route.device))
        self._routes[route.device.device_id] = route
        if route.gone_us is None:
            self.filters |= wanted
        for name in wanted:
            if "+" in name or "#" in name:
                self._wild.append((name, route))
            else:
                self._exact.setdefault(name, route)  # a device that took over a gone one's topics comes before it


def _wanted(filters: Iterable[TopicFilter]) -> dict[str, int]:
    return {each.filter: min(each.qos, 1) for each in filters if each.data}
