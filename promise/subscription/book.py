"""What this room needs of the ledger's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from promise.allocation.book import AllocationBook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.subscription.model import Subscription


class SubscriptionBook(AllocationBook, Protocol):
    """Those subscriptions that outlive sessions, beside everything that they may be about."""

    @property
    def subscriptions(self) -> Mapping[str, Subscription]:
        """Return every subscription by id, oldest first."""
