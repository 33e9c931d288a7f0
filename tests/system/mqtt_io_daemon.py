"""The real mqtt-io daemon as a device: its configuration, and the LICS settings that belong to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lics_actors.device.messages import BrokerSpec

SETTINGS: dict[str, Any] = {
    "topic_prefix": "cage-9/io",
    "sensors": {"nest_c": {"unit": "°C"}},
    "inputs": {"door": {}, "lever": {"report": "metric", "on_payload": "pressed", "off_payload": "free"}},
    "outputs": {"valve": {}, "light": {"on_payload": "bright", "off_payload": "dark"}},
}


def configuration(broker: BrokerSpec) -> dict[str, Any]:
    """mqtt-io's configuration that belongs to SETTINGS (JSON is YAML)."""
    slow = {"poll_interval": 0.1, "module": "fixed"}
    return {
        "mqtt": {"host": broker.host, "port": broker.port, "topic_prefix": f"{broker.prefix}cage-9/io", "keepalive": 2},
        "gpio_modules": [{"name": "printed", "module": "stdio"}, {"name": "fixed", "module": "mock"}],
        "sensor_modules": [{"name": "steady", "module": "mock"}],
        "sensor_inputs": [{"name": "nest_c", "module": "steady", "interval": 1, "digits": 2}],
        "digital_inputs": [
            {"name": "door", "pin": 1, **slow},
            {"name": "lever", "pin": 2, "on_payload": "pressed", "off_payload": "free", **slow},
        ],
        "digital_outputs": [
            {"name": "valve", "module": "printed", "pin": 3},
            {"name": "light", "module": "printed", "pin": 4, "on_payload": "bright", "off_payload": "dark", "retain": True},
        ],
        "options": {"install_requirements": False},
    }


@contextmanager
def mqtt_io(broker: BrokerSpec, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run mqtt-io; what it prints goes to `folder/printed`."""
    config = folder / "config.yml"
    config.write_text(json.dumps(configuration(broker)))
    with (folder / "printed").open("wb") as printed:
        process = subprocess.Popen([sys.executable, "-u", "-m", "mqtt_io", str(config)], stdout=printed, stderr=printed)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
