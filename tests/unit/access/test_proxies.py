"""Where requests come from: what a proxy that is trusted says, and never what somebody says of himself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.access.proxies import is_trusted, networks_of, origin_of, scheme_of

TRUSTED = networks_of("10.0.0.0/8, 192.168.1.7 ,fd00::/8,")
PEOPLE = "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "forwarded", "origin"),
    [
        (PEOPLE, "", PEOPLE),
        (PEOPLE, "1.2.3.4", PEOPLE),  # nobody's word but his own
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", PEOPLE, PEOPLE),
        ("10.0.0.1", f"1.2.3.4, {PEOPLE}", PEOPLE),  # he wrote the left one himself
        ("10.0.0.1", f"1.2.3.4, {PEOPLE}, 10.0.0.2,192.168.1.7", PEOPLE),
        ("10.0.0.1", f"{PEOPLE}, 192.168.1.8", "192.168.1.8"),
        ("10.0.0.1", "10.0.0.5, 10.0.0.6", "10.0.0.5"),
        ("10.0.0.1", f"{PEOPLE}, unknown", "10.0.0.1"),
        ("10.0.0.1", f"{PEOPLE}:4711", PEOPLE),
        ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", f"::ffff:{PEOPLE}", PEOPLE),
        ("10.0.0.1", "1.1.1.1," * 50 + "10.0.0.2", "1.1.1.1"),
        ("no address", PEOPLE, "no address"),
    ],
)
def test_the_rightmost_that_is_not_trusted(peer: str, forwarded: str, origin: str) -> None:
    assert origin_of(peer, forwarded, TRUSTED) == origin


@given(st.text(), st.sampled_from([PEOPLE, "8.8.8.8"]))
def test_whatever_a_stranger_says_he_is_where_he_is(said: str, peer: str) -> None:
    assert origin_of(peer, said, TRUSTED) == peer
    assert origin_of(peer, said, ()) == peer
    assert scheme_of(peer, said, "http", TRUSTED) == "http"


@given(st.text())
def test_whatever_stands_left_of_the_proxys_word_changes_nothing(said: str) -> None:
    assert origin_of("10.0.0.1", f"{said},{PEOPLE}", TRUSTED) == PEOPLE


def test_the_scheme_is_the_nearest_proxys() -> None:
    assert scheme_of("10.0.0.1", "https", "http", TRUSTED) == "https"
    assert scheme_of("10.0.0.1", "https, HTTP", "https", TRUSTED) == "http"
    assert scheme_of("10.0.0.1", "gopher", "http", TRUSTED) == "http"
    assert not is_trusted("", TRUSTED)
    with pytest.raises(ValueError):
        networks_of("10.0.0.1/8/8")
