"""The doors from the configuration: how NETCONF and RESTCONF listen, and what they allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from promise.config import address_of, addresses_of
from promise.northbound import defaults
from promise.northbound.bindings import MODULES
from promise.northbound.listening import call_home, cert_to_name, tls_options
from promise.northbound.netconf import NetconfOptions
from promise.northbound.patience import Limits
from promise.northbound.port import Module
from promise.northbound.restconf.authentication import Basic, ClientCertificate
from promise.northbound.restconf.bearer import Bearer, Mapped
from promise.northbound.restconf.server import HttpOptions
from promise.northbound.strangers import Room

if TYPE_CHECKING:
    from promise.clock import Clock
    from promise.config import Config
    from promise.northbound.restconf.authentication import Proof
    from promise.northbound.users import Users
    from promise.vim.openstack import Keystone

USUAL_HTTP: Final = "127.0.0.1:8080"
CAPABILITIES: Final = (
    "urn:ietf:params:netconf:capability:writable-running:1.0",
    "urn:ietf:params:netconf:capability:candidate:1.0",
    "urn:ietf:params:netconf:capability:confirmed-commit:1.0",
    "urn:ietf:params:netconf:capability:confirmed-commit:1.1",
    "urn:ietf:params:netconf:capability:validate:1.0",
    "urn:ietf:params:netconf:capability:validate:1.1",
    "urn:ietf:params:netconf:capability:rollback-on-error:1.0",
    "urn:ietf:params:netconf:capability:xpath:1.0",
    defaults.CAPABILITY,
    defaults.OPERATIONAL,
)


def netconf_options(config: Config) -> NetconfOptions:
    """Return how NETCONF listens; raises ConfigError for an address, key or certificate that cannot be used."""
    said = config.netconf
    (host, port), *further = addresses_of(said.listen)
    return NetconfOptions(
        state_dir=config.state_dir,
        modules=_modules(),
        capabilities=CAPABILITIES,
        host=host,
        port=port,
        further=tuple(further),
        host_key_files=tuple(said.host_keys),
        login_timeout=said.login_timeout,
        keepalive=said.keepalive,
        strangers=Room(said.max_unauthenticated, said.max_unauthenticated_per_address, config.access.give_way_after),
        password_tries=said.password_tries,
        key_tries=said.key_tries,
        max_channels=said.max_channels,
        max_sessions=said.max_sessions,
        max_sessions_per_user=said.max_sessions_per_user,
        largest_message=said.max_message,
        largest_skipped=said.max_skipped,
        largest_unfinished=said.max_unfinished,
        deepest=said.max_depth,
        limits=Limits(
            said.max_pipeline, said.hello_timeout, said.idle_timeout, said.message_timeout, said.stall_timeout
        ),
        tls=tls_options(said),
        call_home=call_home(said),
    )


def http_options(config: Config) -> HttpOptions:
    """Return how RESTCONF listens."""
    said = config.restconf
    host, port = address_of(said.listen or USUAL_HTTP)
    return HttpOptions(
        host=host,
        port=port,
        certificate=said.certificate,
        key=said.key,
        authorities=said.ca,
        idle_timeout=said.idle_timeout,
        request_timeout=said.request_timeout,
        max_body=said.max_body,
        max_head=said.max_head,
        max_headers=said.max_headers,
        max_connections=said.max_connections,
        stall_timeout=said.stall_timeout,
        keepalive=said.keepalive,
        strangers=Room(said.max_unauthenticated, said.max_unauthenticated_per_address, config.access.give_way_after),
    )


def proofs_of(config: Config, users: Users, tokens: Bearer | None) -> list[Proof]:
    """Return how somebody may prove at RESTCONF who he is: by his client certificate, a token, or a password."""
    said = config.restconf
    certificate = ClientCertificate(cert_to_name("restconf", said.cert_to_name), users.by_certificate)
    return [certificate, *([tokens] if tokens else ()), Basic(users, in_clear=said.plain)]


def tokens_of(config: Config, keystone: Keystone | None, clock: Clock) -> Bearer | None:
    """Return the proof by token of a Keystone, None where none is configured."""
    said = config.restconf.keystone
    if said is None or keystone is None:
        return None
    groups = {role: tuple(found) for role, found in said.groups.items()}
    mapped = Mapped(tuple(said.domains), said.identify_by == "id", groups, said.role)
    return Bearer(keystone, mapped, clock.now, span=said.revalidate, in_clear=config.restconf.plain)


def _modules() -> tuple[Module, ...]:
    """Return the modules whose operations are in the table."""
    implemented = [module for module in MODULES.values() if module.conformance == "implement"]
    return tuple(Module(one.name, one.revision, one.namespace, one.prefix, one.features) for one in implemented)
