"""set-user-password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from promise.capacity.refusal import Refusal
from promise.northbound import answers
from promise.northbound import bindings as yang

if TYPE_CHECKING:
    from promise.actor import Actor


class Passwords(Protocol):
    """Where the passwords of users are kept."""

    async def put(self, actor: Actor, name: str, password: str | None) -> Refusal | None:
        """Keep the password of a configured user, or with None forget it."""


class UserRpcs:
    """The RPCs about users."""

    def __init__(self, passwords: Passwords) -> None:
        self._passwords = passwords

    async def set_password(self, actor: Actor, asked: yang.SetUserPasswordInput) -> yang.SetUserPasswordOutput:
        """Give a user a password, or take it away."""
        refusal = await self._passwords.put(actor, asked.name, asked.password)
        if isinstance(refusal, Refusal):
            return yang.SetUserPasswordOutput(**answers.not_ok(refusal))
        what = "has a new password" if asked.password is not None else "has no password any more"
        return yang.SetUserPasswordOutput(**answers.ok(f"user {asked.name} {what}"))
