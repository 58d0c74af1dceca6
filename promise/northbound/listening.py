"""What the configuration file says of NETCONF's transports, as the doors want it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.config import ConfigError, addresses_of
from promise.northbound.callhome import CallHome
from promise.northbound.certificates import BadFingerprint, CertToName, MapType, UnusableCertificate, server_context
from promise.northbound.tls import TlsOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promise.config import CertToNameConfig, NetconfConfig


def tls_options(said: NetconfConfig) -> TlsOptions | None:
    """Return how NETCONF speaks TLS, None where it does not; raises ConfigError, also for files that cannot be used."""
    if said.tls is None:
        return None
    try:
        server_context(said.tls.certificate, said.tls.key, said.tls.ca)
    except UnusableCertificate as error:
        raise ConfigError(f"netconf.tls: {error}") from None
    return TlsOptions(
        certificate=said.tls.certificate,
        key=said.tls.key,
        authorities=said.tls.ca,
        cert_to_name=cert_to_name("netconf.tls", said.tls.cert_to_name),
        addresses=addresses_of(said.tls.listen),
        login_timeout=said.login_timeout,
        keepalive=said.keepalive,
    )


def call_home(said: NetconfConfig) -> tuple[CallHome, ...]:
    """Return which clients are called; raises ConfigError."""
    return tuple(
        CallHome(
            name=each.name,
            endpoints=addresses_of(each.endpoints),
            transport=each.transport,
            period=each.period,
            start_with=each.start_with,
            max_attempts=each.max_attempts,
            first_pause=each.first_pause,
            longest_pause=each.longest_pause,
            connect_timeout=each.connect_timeout,
            keepalive=each.keepalive,
        )
        for each in said.call_home
    )


def cert_to_name(table: str, said: Iterable[CertToNameConfig]) -> tuple[CertToName, ...]:
    """Return whose certificates are whose; raises ConfigError, which names the table."""
    try:
        return tuple(CertToName.of(each.fingerprint, MapType(each.map_type), each.name or "") for each in said)
    except BadFingerprint as error:
        raise ConfigError(f"{table}.cert_to_name: {error}") from None
