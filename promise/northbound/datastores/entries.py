"""Which entries of the secret store a configuration names; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from promise.allocation.book import AllocationBook
    from promise.allocation.configuration import Configuration

USERS: Final = "opnfv-promise:promise/users"
"""The section of the users."""

USER: Final = "user/"
"""How the key of a user's password begins."""


def mentioned(book: AllocationBook) -> frozenset[str]:
    """Return the keys of the passwords that providers and users may have."""
    users = book.sections.get(USERS)
    return frozenset([*(one.secret for one in book.providers.values()), *_of_users(users and users.value)])


def used(configuration: Configuration) -> frozenset[str]:
    """Return the keys of the passwords that are still good for something once this is configured."""
    providers = [one.secret for one in configuration.providers if one.access.username]
    return frozenset([*providers, *_of_users(configuration.sections.get(USERS))])


def _of_users(users: Any) -> list[str]:
    return [USER + user["name"] for user in users or ()]
