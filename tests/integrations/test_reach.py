"""To which machines somebody's address may lead."""

from __future__ import annotations

import ipaddress

import pytest

from video_classifier.integrations import reach


def allowed(ip: str, *networks: str, or_public: bool = True) -> bool:
    return reach.is_allowed(ipaddress.ip_address(ip), networks, or_public=or_public)


@pytest.mark.parametrize("ip", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_the_internet_is_open_to_alerts_and_not_to_cameras(ip: str) -> None:
    assert allowed(ip)
    assert not allowed(ip, or_public=False)


@pytest.mark.parametrize(
    "ip",
    [
        *("127.0.0.1", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1"),
        *("192.0.0.192", "100.100.100.200", "168.63.129.16"),  # of clouds
        # other ways to write those
        *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "64:ff9b:1::1"),
    ],
)
def test_nothing_else_is(ip: str) -> None:
    assert not allowed(ip)


def test_a_network_is_open_if_it_is_listed() -> None:
    assert allowed("10.0.0.1", "10.0.0.0/8")
    assert not allowed("10.0.0.1", "192.168.0.0/16")


def test_what_clouds_tell_their_machines_has_to_be_listed_itself() -> None:
    assert not allowed("100.100.100.200", "100.64.0.0/10")
    assert allowed("100.64.0.1", "100.64.0.0/10")
    assert allowed("168.63.129.16", "168.63.129.16/32")


def test_this_machine_has_to_be_listed_itself() -> None:
    assert not allowed("127.0.0.1", "0.0.0.0/0")
    assert allowed("127.0.0.1", "127.0.0.0/8")
