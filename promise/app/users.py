"""The users of the configuration file, as the doors know them, and how fast passwords may be guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.config import ConfigError, password_of
from promise.northbound.brakes import Brakes, Limits
from promise.northbound.users import BadCredential, User, Users, hash_password, public_key

if TYPE_CHECKING:
    from promise.clock import Clock
    from promise.config import Config, UserConfig


def users_of(config: Config, clock: Clock) -> Users:
    """Return the users of the file; raises ConfigError for one that cannot be used."""
    said = config.access
    limits = Limits(said.failures_per_user, said.failures_per_address, said.first_pause, said.longest_pause)
    return Users([_user(user) for user in config.user], brakes=Brakes(limits, clock.now))


def _user(configured: UserConfig) -> User:
    """Return a user of the configuration as the doors know it; passwords are hashed at once."""
    try:
        password = password_of(configured)
        hashed = configured.password_hash or (hash_password(password) if password else "")
        lines = list(configured.authorized_keys)
        if configured.authorized_keys_file:
            lines += configured.authorized_keys_file.read_text(encoding="utf-8").splitlines()
        keys = tuple(public_key(line) for line in lines if line.strip() and not line.startswith("#"))
    except (BadCredential, OSError) as error:
        raise ConfigError(f"user {configured.name}: {error}") from None
    return User(configured.name, frozenset(configured.groups), configured.project, hashed, keys)
