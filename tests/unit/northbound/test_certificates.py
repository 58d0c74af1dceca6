"""Whose a certificate is: fingerprints, and the ways to find a name (RFC 7407)."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from pki import issue

from promise.northbound.certificates import (
    BadFingerprint,
    CertToName,
    MapType,
    fingerprint,
    read_fingerprint,
    username,
)

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    x509.UniformResourceIdentifier("urn:x"),
    x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
    x509.DNSName("Host.Example"),
    x509.RFC822Name("Fred.Bloggs@Mail.Example"),
]


@pytest.mark.parametrize(
    ("map_type", "found"),
    [
        (MapType.SPECIFIED, "eve"),
        (MapType.SAN_RFC822_NAME, "Fred.Bloggs@mail.example"),
        (MapType.SAN_DNS_NAME, "host.example"),
        (MapType.SAN_IP_ADDRESS, "20010db8000000000000000000000001"),
        (MapType.SAN_ANY, "20010db8000000000000000000000001"),
        (MapType.COMMON_NAME, "fred"),
    ],
)
@pytest.mark.rfc("7407", "4.1", "map types")
def test_each_way_finds_its_name(tmp_path: Path, map_type: MapType, found: str) -> None:
    ca = issue(tmp_path, "ca", ca=True)
    one = issue(tmp_path, "fred", ca, names=NAMES)
    for authority in (one, ca):
        entry = CertToName.of(fingerprint(authority.der), map_type, "eve" if map_type is MapType.SPECIFIED else "")
        assert username([one.der, ca.der], [entry]) == found


@pytest.mark.rfc("7407", "4.1", "the entries are tried in order")
def test_the_first_entry_that_gives_a_name_wins(tmp_path: Path) -> None:
    one = issue(tmp_path, "fred")
    own = fingerprint(one.der)
    other = CertToName.of("04:" + "00:" * 31 + "00", MapType.SPECIFIED, "eve")
    nothing = CertToName.of(own, MapType.SAN_ANY)
    named = CertToName.of(own, MapType.COMMON_NAME)
    specified = CertToName.of(own, MapType.SPECIFIED, "admin")
    assert username([one.der], [other, nothing, named, specified]) == "fred"
    assert username([one.der], [specified, named]) == "admin"
    assert username([one.der], [other, nothing]) is None
    assert username([], [specified]) is None


@pytest.mark.rfc("7407", "4.1", "tls-fingerprint")
def test_fingerprints() -> None:
    digest = hashlib.sha256(b"x").digest()
    assert read_fingerprint(digest.hex(":").upper()) == ("sha256", digest)
    assert read_fingerprint("04:" + digest.hex(":")) == ("sha256", digest)
    sha512 = hashlib.sha512(b"x").digest()
    assert read_fingerprint("06:" + sha512.hex(":")) == ("sha512", sha512)
    for bad in (
        "",
        "04",
        "04:ab",
        digest.hex(),
        "02:" + ":".join(["ab"] * 20),
        "05:" + digest.hex(":"),
        "xx:yy",
    ):
        with pytest.raises(BadFingerprint):
            read_fingerprint(bad)
