"""The users of the configuration: what they may be, how they log in, and where their passwords are kept.

A password is kept as its hash, in the secret store: never in the configuration, the journal or an answer. It goes with
its user. Users of the configuration file exist besides; nobody can be both.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from promise.capacity.refusal import Reason, Refusal
from promise.errors import Inapplicable
from promise.events import Decision, Event
from promise.northbound.datastores.entries import USER, USERS
from promise.northbound.running import TOP
from promise.northbound.users import BadCredential, User, hash_password, public_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from promise.actor import Actor
    from promise.capacity.book import CapacityBook
    from promise.capacity.ledger import Decisions
    from promise.configuration.book import ConfigurationBook
    from promise.configuration.model import Section
    from promise.northbound.datastore import Tree


def check(before: Tree, after: Tree, reserved: frozenset[str]) -> None:
    """Raise Inapplicable where a user cannot be: its key is none, or its name is taken by the configuration file."""
    known = {user["name"] for user in _users_in(before)}
    for user in _users_in(after):
        path = f"/promise:promise/promise:users[promise:name='{user['name']}']"
        if user["name"] in reserved and user["name"] not in known:
            raise Inapplicable(f"{user['name']} is a user of the configuration file", path=path, app_tag="name-taken")
        for line in user.get("authorized-key", ()):
            try:
                public_key(line)
            except BadCredential as error:
                where = f"{path}/promise:authorized-key"
                raise Inapplicable(str(error), path=where, app_tag="bad-key") from None


def _users_in(tree: Tree) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = tree.get(TOP, {}).get("users", ())
    return found


class Accounts:
    """Sets passwords, and finds users for whoever logs in; `sections` are those of the running configuration."""

    def __init__(
        self,
        ledger: Decisions[CapacityBook],
        sections: Callable[[], Mapping[str, Section]],
        secret: Callable[[str], Awaitable[str | None]],
        permit: Callable[[Actor, CapacityBook], None],
    ) -> None:
        self._ledger = ledger
        self._sections = sections
        self._secret = secret
        self._permit = permit

    def user(self, name: str) -> User | None:
        """Return a user without its password, None when there is none of that name."""
        for said in _configured(self._sections()):
            if said["name"] == name:
                keys = tuple(public_key(line) for line in said.get("authorized-key", ()))
                return User(name, frozenset(said.get("group", ())), said.get("project", ""), public_keys=keys)
        return None

    async def password_hash(self, name: str) -> str:
        """Return the hash of a user's password, empty when there is none."""
        return await self._secret(USER + name) or ""

    async def put(self, actor: Actor, name: str, password: str | None) -> Refusal | None:
        """Keep the password of a configured user, or with None forget it."""
        hashed = None if password is None else await asyncio.to_thread(hash_password, password)

        def decide(book: CapacityBook, now: int) -> Decision[Refusal | None]:
            del now
            self._permit(actor, book)
            if all(user["name"] != name for user in _configured(book.sections)):
                return Decision(Refusal(Reason.NOT_FOUND, f"no user {name} is configured"))
            return Decision(None, (_told(book, name),), {USER + name: hashed})

        return await self._ledger.submit(decide, actor=actor.user)


def _configured(sections: Mapping[str, Section]) -> Sequence[Mapping[str, Any]]:
    section = sections.get(USERS)
    found: Any = () if section is None else section.value
    return found  # type: ignore[no-any-return]


def _told(book: ConfigurationBook, name: str) -> Event:
    """Return the event that a password was set; the configuration stays as it is."""
    section = book.sections[USERS]
    return Event("user-password-set", section.table, section.id, section, {"user": name})
