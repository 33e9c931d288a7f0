"""Simulated devices that speak the native contract over a real broker."""

from drivers.native.simulator.connection import BrokerLike
from drivers.native.simulator.device import SimulatedDevice, SimulatedDeviceSpec
from drivers.native.simulator.faults import Faults, knobs
from drivers.native.simulator.laboratory import Simulator
from drivers.native.simulator.provisioning import ClaimRefusedError, WayIn, present
from drivers.native.simulator.residence import SubjectSpec

__all__ = [
    "BrokerLike",
    "ClaimRefusedError",
    "Faults",
    "SimulatedDevice",
    "SimulatedDeviceSpec",
    "Simulator",
    "SubjectSpec",
    "WayIn",
    "knobs",
    "present",
]
