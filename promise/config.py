"""The one configuration file, `promise.toml`: every key, its default and its meaning (design section 8).

Secrets may stand in the environment or in files of their own instead: `password_env`, `password_file`.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from promise.sections import Section, SubscriptionConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

ADMIN_PASSWORD = "PROMISE_ADMIN_PASSWORD"  # noqa: S105 - the name of an environment variable
"""In the environment it makes the user `admin`, also without a configuration file."""

Port = Annotated[int, Field(ge=0, le=65535)]


class ConfigError(Exception):
    """The configuration cannot be used; the message names the key and the rule."""


class UserConfig(Section):
    """A `[[user]]`: who may log in, with which password or keys, and what is theirs."""

    name: str = Field(min_length=1, description="the name to log in with")
    password: str | None = Field(None, description="the password itself; better one of the next three")
    password_hash: str | None = Field(None, description="what `promise hash-password` printed")
    password_env: str | None = Field(None, description="the environment variable that holds the password")
    password_file: Path | None = Field(None, description="the file whose first line is the password")
    authorized_keys: list[str] = Field([], description="public keys in the form of OpenSSH's authorized_keys")
    authorized_keys_file: Path | None = Field(None, description="a file with such keys, one a line")
    groups: list[str] = Field([], description="the groups of the user; see `[access]`")
    project: str = Field("", description="users of one project share their reservations and instances")

    @model_validator(mode="after")
    def _one_password(self) -> UserConfig:
        given = [self.password, self.password_hash, self.password_env, self.password_file]
        if sum(value is not None for value in given) > 1:
            raise ValueError("give at most one of password, password_hash, password_env and password_file")
        return self


class CertToNameConfig(Section):
    """A `[[netconf.tls.cert_to_name]]`: whose a client certificate is (RFC 7407); the first that fits counts."""

    fingerprint: str = Field(
        description="of the certificate or of an authority above it: `04:` and the bytes of its SHA-256, or these alone"
    )
    map_type: Literal["specified", "san-rfc822-name", "san-dns-name", "san-ip-address", "san-any", "common-name"] = (
        Field("specified", description="where the user's name stands: in `name`, or in the certificate")
    )
    name: str | None = Field(None, min_length=1, description="the user, where `map_type` is `specified`")

    @model_validator(mode="after")
    def _name_where_specified(self) -> CertToNameConfig:
        if (self.map_type == "specified") != (self.name is not None):
            raise ValueError("name belongs to map_type specified, and to no other")
        return self


class TlsConfig(Section):
    """The `[netconf.tls]` table: NETCONF over TLS (RFC 7589), where both sides show certificates."""

    listen: str | list[str] = Field([], description="HOST:PORT of NETCONF over TLS (usually port 6513), or several")
    certificate: Path = Field(description="a file with the server's certificate (PEM, with its chain)")
    key: Path | None = Field(None, description="the file with its private key; none = it is in `certificate`")
    ca: Path = Field(description="a file with the authorities (PEM) whose client certificates are taken")
    cert_to_name: list[CertToNameConfig] = Field([], description="whose the certificates are; see below")


class CallHomeConfig(Section):
    """A `[[netconf.call_home]]`: a client that we call (RFC 8071)."""

    name: str = Field(min_length=1, description="what the log calls it")
    transport: Literal["ssh", "tls"] = Field("ssh", description="`tls` with the certificates of `[netconf.tls]`")
    endpoints: list[str] = Field(
        min_length=1,
        description="HOST:PORT of the client (usually port 4334 for SSH, 4335 for TLS), or several",
    )
    period: int | None = Field(
        None, ge=1, description="seconds between the beginnings of two connections; none = again whenever one has ended"
    )
    start_with: Literal["first-listed", "last-connected"] = Field(
        "first-listed", description="which endpoint is tried first"
    )
    max_attempts: int = Field(3, ge=1, le=255, description="tries of one endpoint before the next one")
    first_pause: int = Field(1, ge=1, description="seconds between tries, and after a first vain round; then doubled")
    longest_pause: int = Field(300, ge=1, description="seconds between two rounds, at most")
    connect_timeout: float = Field(30.0, gt=0, description="seconds for a TCP connection")
    keepalive: float = Field(60.0, ge=0, description="seconds of silence after which the client is asked; 0 = never")


class NetconfConfig(Section):
    """The `[netconf]` table."""

    listen: str | list[str] = Field(
        "127.0.0.1:1830", description="HOST:PORT of NETCONF over SSH, or several; port 0 takes a free one"
    )
    host_keys: list[Path] = Field([], description="files with private host keys; none = made in the state directory")
    login_timeout: float = Field(60.0, gt=0, description="seconds for a log-in")
    hello_timeout: float = Field(60.0, gt=0, description="seconds for the subsystem and the hello")
    idle_timeout: float = Field(0.0, ge=0, description="seconds without a request that end a session; 0 = none")
    keepalive: float = Field(
        60.0,
        ge=0,
        description="seconds of silence after which TCP asks whether the client is there; 0 = never",
    )
    max_sessions: int = Field(4096, ge=1, description="sessions at a time, on SSH and TLS together")
    max_sessions_per_user: int = Field(3500, ge=1, description="sessions of one user at a time")
    max_channels: int = Field(64, ge=1, description="channels of one SSH connection at a time, each a session")
    max_unauthenticated: int = Field(1024, ge=1, description="connections at a time that have not logged in")
    max_unauthenticated_per_address: int = Field(256, ge=1, description="such connections from one address")
    password_tries: int = Field(6, ge=1, description="passwords that may be tried on one SSH connection")
    key_tries: int = Field(32, ge=1, description="keys that may be tried on one: an agent offers them one by one")
    max_message: int = Field(4 * 2**20, ge=4096, description="bytes of the largest message that is read")
    max_skipped: int = Field(
        256 * 2**20,
        ge=4096,
        description="bytes of the largest one that is skipped; a larger one ends its session",
    )
    max_unfinished: int = Field(
        256 * 2**20, ge=2**20, description="bytes of all messages together that have begun and not come to their end"
    )
    max_config: int = Field(
        100_000, ge=1000, description="nodes that a configuration may have, running or candidate, through all doors"
    )
    max_depth: int = Field(100, ge=16, le=100, description="how deep the elements of a message may be nested")
    message_timeout: float = Field(300.0, ge=0, description="seconds for a message to come to its end; 0 = for ever")
    stall_timeout: float = Field(
        120.0, ge=0, description="seconds in which a client may take nothing of what is sent to it; 0 = for ever"
    )
    max_pipeline: int = Field(64, ge=1, description="requests of one session that may wait for their answers")
    tls: TlsConfig | None = None
    call_home: list[CallHomeConfig] = Field([])

    @model_validator(mode="after")
    def _fits_together(self) -> NetconfConfig:
        if not self.listen:
            raise ValueError("listen must name an address")
        names = [home.name for home in self.call_home]
        for home in self.call_home:
            if names.count(home.name) > 1:
                raise ValueError(f"call_home {home.name} is there twice")
            if home.transport == "tls" and self.tls is None:
                raise ValueError(f"call_home {home.name} speaks TLS: that needs [netconf.tls]")
        return self


class KeystoneConfig(Section):
    """The `[restconf.keystone]` table: bearer tokens, and who their users are."""

    url: str = Field(min_length=1, description="the http or https URL of a Keystone v3, with or without `/v3`")
    username: str = Field(min_length=1, description="a service user that may validate tokens of others")
    password: str | None = Field(None, description="the password itself; better one of the next two")
    password_env: str | None = Field(None, description="the environment variable that holds the password")
    password_file: Path | None = Field(None, description="the file whose first line is the password")
    user_domain: str = Field("Default", description="the domain of that user")
    project: str = Field("service", description="the project that it works for")
    project_domain: str = Field("Default", description="the domain of that project")
    domains: list[str] = Field(
        ["Default"],
        min_length=1,
        description="domains whose users and projects are known here; those of the first go by their names alone",
    )
    identify_by: Literal["name", "id"] = Field(
        "name", description="what names users and projects here: `name` (`name@domain` if not of the first), or `id`"
    )
    role: str | None = Field(None, min_length=1, description="a role that whoever comes must have; none = any, or none")
    groups: dict[str, list[str]] = Field({}, description="the groups that a role brings: `{ admin = ['admin'] }`")
    revalidate: int = Field(60, ge=0, description="seconds for which a token that was valid is taken without asking")
    timeout: float = Field(10.0, gt=0, description="seconds for an answer of Keystone")

    @model_validator(mode="after")
    def _one_password(self) -> KeystoneConfig:
        if sum(value is not None for value in (self.password, self.password_env, self.password_file)) != 1:
            raise ValueError("give one of password, password_env and password_file")
        return self


class RestconfConfig(Section):
    """The `[restconf]` table: RESTCONF and `/healthz`."""

    listen: str | None = Field(None, description="HOST:PORT of HTTP; none = 127.0.0.1:8080, unless that is taken")
    url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s?#]+$",
        description="how clients reach it, for the places of streams and schemas that are told, such as "
        '"https://promise.example:8443"; none = from `listen`, by the name of the machine where that is every address',
    )
    certificate: Path | None = Field(None, description="a file with the certificate (PEM, with its chain): speak TLS")
    key: Path | None = Field(None, description="the file with its private key; none = it is in `certificate`")
    ca: Path | None = Field(None, description="a file with the authorities (PEM) whose client certificates log in")
    cert_to_name: list[CertToNameConfig] = Field([], description="whose they are, as in `netconf.tls.cert_to_name`")
    plain: bool = Field(
        default=False, description="take passwords without TLS also from other machines (behind a proxy)"
    )
    idle_timeout: float = Field(60.0, gt=0, description="seconds without a whole request that end a connection")
    request_timeout: float = Field(30.0, gt=0, description="seconds for a body to come, and for an answer to be taken")
    max_body: int = Field(4 * 2**20, ge=4096, description="bytes of the largest body that is read")
    max_head: int = Field(32 * 2**10, ge=4096, description="bytes of a request before its body")
    max_headers: int = Field(128, ge=16, description="header fields of a request")
    max_connections: int = Field(4096, ge=1, description="connections at a time")
    max_unauthenticated: int = Field(1024, ge=1, description="connections at a time on which nobody has logged in yet")
    max_unauthenticated_per_address: int = Field(256, ge=1, description="such connections from one address")
    stall_timeout: float = Field(
        120.0, gt=0, description="seconds in which the reader of an event stream may take nothing"
    )
    keepalive: float = Field(
        60.0,
        ge=0,
        description="seconds of silence after which TCP asks whether the client is there; 0 = never",
    )
    data_missing_is_404: bool = Field(
        default=False, description="answer data-missing with 404 for clients that want it so, not with RFC 8040's 409"
    )
    keystone: KeystoneConfig | None = None

    @model_validator(mode="after")
    def _key_of_something(self) -> RestconfConfig:
        if self.key is not None and self.certificate is None:
            raise ValueError("key is given without certificate")
        if self.ca is not None and self.certificate is None:
            raise ValueError("ca is given without certificate: clients show theirs over TLS only")
        if self.cert_to_name and self.ca is None:
            raise ValueError("cert_to_name is given without ca")
        return self


class AccessConfig(Section):
    """The `[access]` table: what stands above the access rules, which are configuration (`ietf-netconf-acm:nacm`)."""

    recovery_groups: list[str] = Field(
        ["admin"], description="groups whose users no access rule binds; an empty list binds everybody"
    )
    operator_groups: list[str] = Field(
        ["admin"], description="groups whose users see and change the reservations, instances and so on of everybody"
    )
    failures_per_user: int = Field(5, ge=0, description="wrong passwords for one user without a pause; 0 = all")
    failures_per_address: int = Field(50, ge=0, description="wrong passwords from one address without one; 0 = all")
    first_pause: int = Field(1, ge=1, description="seconds in which no password is looked at then; doubled each time")
    longest_pause: int = Field(60, ge=1, description="seconds of the longest such pause")
    give_way_after: int = Field(
        3, ge=0, description="seconds after which a connection without log-in gives way to a new one, at a full door"
    )


class LedgerConfig(Section):
    """The `[ledger]` table."""

    url: str | None = Field(None, description="a database URL; none = SQLite in the state directory")
    group: int = Field(256, ge=1, description="decisions in one commit, at most")
    journal_days: int = Field(365, ge=0, description="how long events can be replayed; 0 = for ever")


class CloudConfig(Section):
    """The `[cloud]` table: patience with OpenStack, in seconds."""

    discover_timeout: float = Field(30.0, gt=0, description="for one whole look at a cloud")
    request_timeout: float = Field(30.0, gt=0, description="for one answer, and for a look-up with its retries")
    reply_wait: float = Field(5.0, ge=0, description="how long a reply to create-instance waits for the cloud")
    create_settle: int = Field(120, ge=1, description="how long a server is looked for before it is asked for again")
    poll_interval: int = Field(1, ge=1, description="between looks at instances that are on their way")


class CallbackConfig(Section):
    """The `[callback]` table: patience with the receivers of subscriptions, in seconds."""

    timeout: float = Field(10.0, gt=0, description="for the answer to one post")
    first_pause: int = Field(1, ge=1, description="between a post that was not taken and the next try; then doubled")
    longest_pause: int = Field(300, ge=1, description="between two tries")
    give_up: int = Field(86_400, ge=1, description="without success, after which a receiver is suspended")


class PolicyConfig(Section):
    """The `[policy]` table: what `promise/policy/reservation` is at the very first start; later it is configuration."""

    max_future_start_range: Annotated[int, Field(ge=0, le=365)] | None = Field(None, description="days")
    max_future_end_range: Annotated[int, Field(ge=0, le=365)] | None = Field(None, description="days")
    max_duration: Annotated[int, Field(ge=1, le=65535)] | None = Field(None, description="hours")
    expiry: Annotated[int, Field(ge=1)] | None = Field(None, description="minutes")
    before_end: Annotated[int, Field(ge=1)] | None = Field(None, description="minutes")
    at_end: Literal["keep", "terminate"] = "keep"
    preempt: bool = False
    unreserved: Literal["best-effort", "strict"] = "best-effort"
    alternatives: int = Field(3, ge=0, le=100, description="windows that a refusal proposes, at most")
    search_horizon: int = Field(365, ge=1, le=36500, description="days to search for alternatives")
    retention: int = Field(30, ge=0, le=36500, description="days for which finished records stay readable")


class Config(Section):
    """The whole file."""

    state_dir: Path = Field(Path("promise-state"), description="where the ledger and the host keys are kept")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    netconf: NetconfConfig = NetconfConfig()
    restconf: RestconfConfig = RestconfConfig()
    access: AccessConfig = AccessConfig()
    ledger: LedgerConfig = LedgerConfig()
    cloud: CloudConfig = CloudConfig()
    callback: CallbackConfig = CallbackConfig()
    subscription: SubscriptionConfig = SubscriptionConfig()
    policy: PolicyConfig = PolicyConfig()
    user: list[UserConfig] = Field([])

    @property
    def ledger_url(self) -> str:
        """Return the URL of the ledger."""
        return self.ledger.url or f"sqlite:///{self.state_dir.absolute() / 'ledger.sqlite'}"

    @model_validator(mode="after")
    def _names_once(self) -> Config:
        names = [user.name for user in self.user]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"user {twice[0]} is there twice")
        return self


def read(path: Path | None, environment: Mapping[str, str] = os.environ) -> Config:
    """Read the configuration; without a file, all defaults and the administrator of the environment.

    Raises:
        ConfigError: the file cannot be read, or a key in it cannot be used.
    """
    values = _parsed(path) if path else {}
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_told(path, error)) from None
    if ADMIN_PASSWORD in environment and all(user.name != "admin" for user in config.user):
        admin = UserConfig(name="admin", password_env=ADMIN_PASSWORD, groups=["admin"])
        config = config.model_copy(update={"user": [*config.user, admin]})
    return config


def _parsed(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None


def _told(path: Path | None, error: ValidationError) -> str:
    lines = [f"{'.'.join(str(part) for part in one['loc']) or 'file'}: {one['msg']}" for one in error.errors()]
    return f"{path}: {'; '.join(lines)}"


def password_of(user: UserConfig, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the password of a user in plain, None for one that has only a hash, or keys, or nothing.

    Raises:
        ConfigError: the variable or the file that should hold it does not.
    """
    return _password(f"user {user.name}", user, environment)


def service_password(said: KeystoneConfig, environment: Mapping[str, str] = os.environ) -> str:
    """Return the password of the service user; raises ConfigError as `password_of` does."""
    return _password("restconf.keystone", said, environment) or ""


def _password(whose: str, said: UserConfig | KeystoneConfig, environment: Mapping[str, str]) -> str | None:
    if said.password_env is not None:
        found = environment.get(said.password_env)
        if not found:
            raise ConfigError(f"{whose}: {said.password_env} is not in the environment, or empty")
        return found
    if said.password_file is not None:
        try:
            return said.password_file.read_text(encoding="utf-8").splitlines()[0]
        except (OSError, UnicodeDecodeError, IndexError) as error:
            raise ConfigError(f"{whose}: password_file {said.password_file}: {error}") from None
    return said.password


def addresses_of(listen: str | list[str]) -> tuple[tuple[str, int], ...]:
    """Return host and port of each; raises ConfigError as `address_of` does."""
    return tuple(address_of(each) for each in ([listen] if isinstance(listen, str) else listen))


def address_of(listen: str) -> tuple[str, int]:
    """Return host and port of "HOST:PORT" or "[HOST]:PORT".

    Raises:
        ConfigError: it has another form.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the largest port
        raise ConfigError(f"{listen!r} is not of the form HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)
