"""Where a request comes from, if proxies stand before LICS: only those that are trusted are believed. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network
MAX_HOPS: Final = 20  # addresses in X-Forwarded-For that are looked at, from the right
SCHEMES: Final = frozenset({"http", "https"})


def networks_of(text: str) -> tuple[Network, ...]:
    """Return the networks that a setting names, separated by commas.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())


def is_trusted(address: str, trusted: tuple[Network, ...]) -> bool:
    """Return whether an address is a trusted proxy's."""
    found = _address(address)
    return found is not None and any(found in network for network in trusted if network.version == found.version)


def origin_of(peer: str, forwarded_for: str, trusted: tuple[Network, ...]) -> str:
    """Return the address a request comes from: of those named by trusted proxies the rightmost that is not one itself.

    What stands left of it is said by whoever asks. What is no address ends the reading: the last that was good counts.
    """
    at = peer
    for said in reversed(forwarded_for.split(",")[-MAX_HOPS:] if forwarded_for else []):
        if not is_trusted(at, trusted):
            return at
        found = _address(said.strip())
        if found is None:
            return at
        at = str(found)
    return at


def scheme_of(peer: str, forwarded_proto: str, scheme: str, trusted: tuple[Network, ...]) -> str:
    """Return the scheme a request was made with: what the nearest proxy says, if it is trusted."""
    said = forwarded_proto.rpartition(",")[2].strip().lower()
    return said if said in SCHEMES and is_trusted(peer, trusted) else scheme


def _address(text: str) -> IPv4Address | IPv6Address | None:
    bare = text[1 : text.find("]")] if text.startswith("[") else text.partition(":")[0] if text.count(":") == 1 else text
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
