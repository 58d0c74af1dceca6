"""Certificates for tests: an authority, servers and clients, made on the spot and valid for a day."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Issued:
    """A certificate and its key; `file` holds both, in PEM."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    file: Path

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)


def issue(folder: Path, name: str, by: Issued | None = None, *, ca: bool = False, names: Any = ()) -> Issued:
    """Make a certificate with this common name and these alternative names; without `by` it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - TLS asks the machine what time it is
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
    certificate = builder.sign(by.key if by else key, hashes.SHA256())
    file = folder / f"{name}.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Issued(certificate, key, file)


def local() -> list[x509.GeneralName]:
    """Return the names of a server on this machine."""
    return [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


def mutual(folder: Path, user: str, **listening: Any) -> tuple[dict[str, Any], Issued, Issued]:
    """Return a [netconf.tls] whose clients have their names in their certificates, the authority, and this user's."""
    ca = issue(folder, "ca", ca=True)
    server = issue(folder, "server", ca, names=local())
    digest = ca.certificate.fingerprint(hashes.SHA256()).hex(":")
    entry = {"fingerprint": f"04:{digest}", "map_type": "common-name"}
    tls = {"certificate": server.file, "ca": ca.file, "cert_to_name": [entry], **listening}
    return tls, ca, issue(folder, user, ca)
