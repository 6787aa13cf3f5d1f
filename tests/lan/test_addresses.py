"""Addresses of this machine: their order, what is left out, and who counts as a neighbour."""

from __future__ import annotations

import ipaddress

import pytest

from gallery.lan.addresses import Address, host_name, local_addresses, names, neighbour, ranked, usable_name


def _at(text: str, interface: str = "eth0") -> Address:
    whole = ipaddress.IPv4Interface(text)
    return Address(whole.ip, whole.network, interface)


WLAN = _at("192.168.1.20/24", "wlan0")
CABLE = _at("10.0.0.7/8", "eth0")
DOCKER = _at("172.17.0.1/16", "docker0")
TUNNEL = _at("10.8.0.2/24", "tun0")
PUBLIC = _at("141.30.1.5/16", "eth1")
ALONE = _at("169.254.10.1/16", "eth2")
LOOP = _at("127.0.0.1/8", "lo")


@pytest.mark.parametrize(
    ("found", "default", "expected"),
    [
        ([], "", []),
        ([LOOP], "", []),
        ([LOOP, WLAN], "", [WLAN]),
        ([DOCKER, WLAN], "", [WLAN, DOCKER]),
        ([ALONE, DOCKER, PUBLIC, WLAN], "", [WLAN, PUBLIC, DOCKER, ALONE]),
        ([CABLE, WLAN], "", [CABLE, WLAN]),
        ([CABLE, WLAN], "192.168.1.20", [WLAN, CABLE]),
        ([TUNNEL, WLAN], "10.8.0.2", [WLAN, TUNNEL]),  # everything goes through a tunnel, but the room does not
        ([WLAN, WLAN], "", [WLAN]),
        ([_at("0.0.0.0/0"), WLAN], "", [WLAN]),
    ],
)
def test_the_most_useful_address_comes_first(found: list[Address], default: str, expected: list[Address]) -> None:
    assert list(ranked(found, default)) == expected


def test_this_machine_can_be_asked() -> None:
    found = local_addresses()
    assert all(not address.ip.is_loopback and address.ip in address.network for address in found)
    assert host_name() == usable_name(host_name())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Laptop", "laptop"),
        ("laptop.fritz.box.", "laptop.fritz.box"),
        ("a-b", "a-b"),
        ("", ""),
        ("localhost", ""),
        ("localhost.localdomain", ""),
        ("192.168.1.1", ""),
        ("my laptop", ""),
        ("-x", ""),
        ("büro", ""),
        ("a_b", ""),
        ("evil\r\nSet-Cookie: a=b", ""),
        ("a" * 64, ""),
        ("\x1b[31m", ""),
    ],
)
def test_only_a_name_that_may_stand_in_an_address_is_used(name: str, expected: str) -> None:
    assert usable_name(name) == expected


def test_names_for_certificate_and_host_check() -> None:
    assert names([WLAN, CABLE], "laptop.lan") == (
        "localhost", "127.0.0.1", "laptop.lan", "laptop.local", "192.168.1.20", "10.0.0.7",
    )  # fmt: skip
    assert names([], "") == ("localhost", "127.0.0.1")
    assert names([], "laptop.local") == ("localhost", "127.0.0.1", "laptop.local")


@pytest.mark.parametrize(
    ("peer", "ours", "expected"),
    [
        ("192.168.1.99", [], True),
        ("10.1.2.3", [], True),
        ("169.254.1.1", [], True),
        ("100.64.1.1", [], True),  # networks that are joined by a tunnel use these
        ("127.0.0.1", [], True),
        ("8.8.8.8", [WLAN], False),
        ("141.30.200.1", [PUBLIC], True),
        ("141.31.0.1", [PUBLIC], False),
        ("::ffff:8.8.8.8", [], False),
        ("::ffff:192.168.1.4", [], True),
        ("2001:4860:4860::8888", [], False),
        ("fe80::1", [], True),
        ("", [], False),
        ("nonsense", [], False),
    ],
)
def test_nobody_from_the_internet_is_a_neighbour(peer: str, ours: list[Address], expected: bool) -> None:
    assert neighbour(peer, ours) is expected
