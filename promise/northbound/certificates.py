"""Who a client certificate belongs to: the cert-to-name list of RFC 7407 (as RFC 7589 section 7 uses it); pure.

An entry whose fingerprint is that of the certificate, or of an authority above it, says how the user's name is found:

    specified         the name of the entry
    san-rfc822-name   the first e-mail address among the subject's alternative names; its host in lower case
    san-dns-name      the first host name there, in lower case
    san-ip-address    the first address there: "192.0.2.7", or the 32 hexadecimal digits of an IPv6 address
    san-any           the first of any of these three
    common-name       the subject's common name

The first entry that gives a name wins. The list says nothing of whether a certificate is valid: TLS has verified that.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HASHES: Final = {4: "sha256", 5: "sha384", 6: "sha512"}
"""What a fingerprint may be made with, by the number that it begins with (RFC 5246 section 7.4.1.4.1)."""

_SHA256: Final = 32
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}:)+[0-9a-fA-F]{2}")


class MapType(StrEnum):
    """How the name is found (RFC 7407, ietf-x509-cert-to-name)."""

    SPECIFIED = "specified"
    SAN_RFC822_NAME = "san-rfc822-name"
    SAN_DNS_NAME = "san-dns-name"
    SAN_IP_ADDRESS = "san-ip-address"
    SAN_ANY = "san-any"
    COMMON_NAME = "common-name"


_ALTERNATIVES: Final[dict[MapType, tuple[type[x509.GeneralName], ...]]] = {
    MapType.SAN_RFC822_NAME: (x509.RFC822Name,),
    MapType.SAN_DNS_NAME: (x509.DNSName,),
    MapType.SAN_IP_ADDRESS: (x509.IPAddress,),
    MapType.SAN_ANY: (x509.RFC822Name, x509.DNSName, x509.IPAddress),
}


class BadFingerprint(ValueError):
    """A text is no fingerprint; the message says which form one has."""


class UnusableCertificate(Exception):
    """A file of certificates, or of a key, cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class CertToName:
    """One entry of the list; `algorithm` and `digest` are the fingerprint, `name` is for `specified` alone."""

    algorithm: str
    digest: bytes
    map_type: MapType
    name: str = ""

    @classmethod
    def of(cls, fingerprint: str, map_type: MapType, name: str = "") -> CertToName:
        """Return an entry; raises BadFingerprint."""
        return cls(*read_fingerprint(fingerprint), map_type, name)

    def covers(self, certificate: bytes) -> bool:
        """Tell whether the fingerprint is that of a certificate (DER)."""
        return hashlib.new(self.algorithm, certificate).digest() == self.digest

    def name_in(self, certificate: bytes) -> str | None:
        """Return the name of the user that a certificate belongs to, None where it does not say."""
        if self.map_type is MapType.SPECIFIED:
            return self.name or None
        try:
            read = x509.load_der_x509_certificate(certificate)
            return _common_name(read) if self.map_type is MapType.COMMON_NAME else self._alternative(read)
        except ValueError:  # TLS takes some certificates that this reader does not
            return None

    def _alternative(self, certificate: x509.Certificate) -> str | None:
        try:
            names: Any = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        except x509.ExtensionNotFound:
            return None
        return next((_text(one) for one in names if isinstance(one, _ALTERNATIVES[self.map_type])), None)


def read_fingerprint(text: str) -> tuple[str, bytes]:
    """Return the hash and the digest of "04:AB:CD…" (RFC 7407: tls-fingerprint), or of the 32 bytes of a SHA-256 alone.

    Raises:
        BadFingerprint: it is no fingerprint, or made with a hash that can be forged.
    """
    if _HEX.fullmatch(text) is None:
        raise BadFingerprint(f"{text!r} is not a fingerprint: hexadecimal bytes with colons between them")
    given = bytes.fromhex(text.replace(":", ""))
    if len(given) == _SHA256:
        return "sha256", given
    algorithm = HASHES.get(given[0])
    if algorithm is None or len(given) != 1 + hashlib.new(algorithm).digest_size:
        known = ", ".join(f"{number:02x} = {name}" for number, name in HASHES.items())
        raise BadFingerprint(f"{text!r} is not a fingerprint: it begins with its hash ({known}), the digest follows")
    return algorithm, given[1:]


def fingerprint(certificate: bytes) -> str:
    """Return the fingerprint of a certificate (DER) as it is configured, made with SHA-256."""
    return f"04:{hashlib.sha256(certificate).digest().hex(':')}"


def username(chain: Sequence[bytes], entries: Sequence[CertToName]) -> str | None:
    """Return whose a certificate is; `chain` (DER) begins with it, and goes on with the authorities above it."""
    for entry in entries:
        if any(entry.covers(one) for one in chain):
            name = entry.name_in(chain[0])
            if name:
                return name
    return None


def chain_of(tls: ssl.SSLObject | ssl.SSLSocket) -> list[bytes]:
    """Return the verified chain (DER) of the peer, its own certificate first; empty when it has shown none."""
    own = tls.getpeercert(binary_form=True)
    if own is None:
        return []
    verified = getattr(tls, "get_verified_chain", None)  # since Python 3.13
    if verified is not None:
        return [bytes(one) for one in verified()]
    found: Any = tls._sslobj.get_verified_chain()  # type: ignore[union-attr]  # noqa: SLF001 - before, it is only here
    return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in found or ()] or [own]


def server_context(certificate: Path, key: Path | None, authorities: Path, *, required: bool = True) -> ssl.SSLContext:
    """Return how to speak TLS (1.2 or later) as a server whose clients show a certificate of one of the authorities.

    Without `required` a client may show none. Raises UnusableCertificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UnusableCertificate(f"certificate {certificate} with key {key or certificate}: {error}") from None
    try:
        context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as error:
        raise UnusableCertificate(f"ca {authorities}: {error}") from None
    return context


def _common_name(certificate: x509.Certificate) -> str | None:
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else None


def _text(name: x509.GeneralName) -> str:
    if isinstance(name, x509.IPAddress):
        value = name.value
        return str(value) if value.version == 4 else value.packed.hex()  # type: ignore[union-attr]  # noqa: PLR2004
    text = str(name.value)
    if isinstance(name, x509.RFC822Name):
        local, at, host = text.rpartition("@")
        return f"{local}{at}{host.lower()}"
    return text.lower()
