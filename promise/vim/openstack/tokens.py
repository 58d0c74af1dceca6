"""What the tokens of other people are worth: a Keystone is asked, as a service user who may validate tokens.

The token that is asked about is in no message and in no log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from promise.errors import CloudRefused
from promise.vim.openstack import failures
from promise.vim.openstack.calls import Calls
from promise.vim.openstack.session import Limits, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.capacity.provider import Access

_WHO: Final = "Keystone"


@dataclass(frozen=True, slots=True)
class Named:
    """Something of Keystone's: its id, its name, and the name of its domain."""

    id: str
    name: str
    domain: str


@dataclass(frozen=True, slots=True)
class Token:
    """What a valid token says: whose it is, the project that it is scoped to (None = to none), until when (seconds)."""

    user: Named
    project: Named | None
    roles: frozenset[str]
    expires: int


class Keystone:
    """Asks one Keystone. Nothing is contacted before the first question.

    Raises:
        BadValue: the endpoint is not the http or https URL of a Keystone.
    """

    def __init__(self, access: Access, password: str, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._calls = Calls(access, password, self._limits)

    async def validate(self, token: str) -> Token | None:
        """Return what a token says, None when it is not valid (any more).

        Raises:
            CloudError: Keystone does not answer, or does not let us ask.
        """
        async with self._calls.within(self._limits.whole, "the validation of a token"):
            answer = await self._calls.judge(token)
        if answer.status == HTTPStatus.NOT_FOUND and isinstance(answer.body, dict) and "error" in answer.body:
            return None  # Keystone's own word, not that of a proxy which does not find it
        if answer.status == HTTPStatus.FORBIDDEN:
            raise CloudRefused("Keystone does not let our user validate tokens", status=answer.status)
        if error := verdict(_WHO, answer, effect=False):
            raise error
        with failures.reading(_WHO):
            return _token(answer.body["token"])

    async def close(self) -> None:
        """Let go of the connections."""
        await self._calls.close()


def _token(said: Mapping[str, Any]) -> Token:
    return Token(
        user=_named(said["user"]),
        project=_named(said["project"]) if "project" in said else None,
        roles=frozenset(str(role["name"]) for role in said.get("roles", ())),
        expires=_seconds(str(said["expires_at"])),
    )


def _named(said: Mapping[str, Any]) -> Named:
    return Named(str(said["id"]), str(said["name"]), str(said["domain"]["name"]))


def _seconds(text: str) -> int:
    found = datetime.fromisoformat(text)
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
