"""Under which addresses and names other machines of the local network reach this one."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

#: Interfaces that other machines of the room do not reach: containers, virtual machines, tunnels.
_VIRTUAL = re.compile(
    r"(docker|br-|veth|virbr|vmnet|vboxnet|vEthernet|podman|cni|flannel|lxc|lxd|tun|tap|wg|tailscale|zt|utun)", re.I
)
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class Address:
    """One IPv4 address of this machine.

    Attributes:
        ip: the address.
        network: everything that is reached from it without a router.
        interface: name of the network card, as the system has it.
    """

    ip: ipaddress.IPv4Address
    network: ipaddress.IPv4Network
    interface: str


def local_addresses() -> tuple[Address, ...]:
    """This machine's addresses on the local network, the most useful one first; empty without a network."""
    import psutil

    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    found = []
    for interface, entries in psutil.net_if_addrs().items():
        for entry in entries:
            if entry.family == socket.AF_INET and interface in up:
                address = _address(entry.address, entry.netmask, interface)
                if address is not None:
                    found.append(address)
    return ranked(found, _of_default_route())


def ranked(found: Iterable[Address], default: str = "") -> tuple[Address, ...]:
    """Addresses in the order in which a person should try them; those of this machine alone are left out.

    Args:
        found: in any order.
        default: address of the default route, when there is one; it comes first among its equals.
    """

    def order(address: Address) -> tuple[int, bool, int]:
        if address.ip.is_link_local:
            rank = 3
        elif _VIRTUAL.match(address.interface):
            rank = 2
        else:
            rank = 0 if address.ip.is_private else 1
        return rank, str(address.ip) != default, int(address.ip)

    usable = {a.ip: a for a in found if not (a.ip.is_loopback or a.ip.is_unspecified or a.ip.is_multicast)}
    return tuple(sorted(usable.values(), key=order))


def host_name() -> str:
    """This machine's own name in lower case, or nothing where it has none that an address may hold."""
    return usable_name(socket.gethostname())


def usable_name(name: str) -> str:
    """A host name in lower case; empty when it may not stand in an address or means this machine to everybody."""
    name = name.strip().rstrip(".").lower()
    if len(name) > 253 or not _NAME.fullmatch(name) or name.split(".")[0] == "localhost" or _is_ip(name):
        return ""
    return name


def names(addresses: Iterable[Address], host: str) -> tuple[str, ...]:
    """Everything that may stand for this machine in an address: for the certificate and for the check of ``Host``."""
    named = [host, f"{host.split('.')[0]}.local"] if host else []
    return tuple(dict.fromkeys(["localhost", "127.0.0.1", *named, *(str(address.ip) for address in addresses)]))


def neighbour(peer: str, addresses: Iterable[Address]) -> bool:
    """Whether a connection comes from this machine or the local network, and not from the internet.

    Args:
        peer: address of the other end.
        addresses: of this machine; where they are public, as at some universities, their own network counts as local.
    """
    try:
        other = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(other, ipaddress.IPv6Address):
        mapped = other.ipv4_mapped
        if mapped is None:
            return not other.is_global
        other = mapped
    return not other.is_global or any(other in address.network for address in addresses)


def _address(ip: str, netmask: str | None, interface: str) -> Address | None:
    try:
        network = ipaddress.IPv4Network(f"{ip}/{netmask or 32}", strict=False)
        return Address(ipaddress.IPv4Address(ip), network, interface)
    except ValueError:
        return None


def _of_default_route() -> str:
    """The address that the system would use for a distant machine. It is asked of the system; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # an address that is kept for documents
            return str(probe.getsockname()[0])
        except OSError:
            return ""


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
