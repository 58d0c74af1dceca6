"""The use cases of the allocation room: create, destroy and show instances."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from promise.allocation import outcome
from promise.allocation.create import create
from promise.allocation.model import VmState
from promise.allocation.removal import remove
from promise.allocation.requests import Admitted
from promise.capacity.idempotency import once
from promise.capacity.refusal import Reason, Refusal
from promise.capacity.service import no_page
from promise.errors import CloudError, CloudRefused, CredentialsRejected
from promise.events import Decision

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from promise.actor import Actor
    from promise.allocation.book import AllocationBook
    from promise.allocation.model import Allocation
    from promise.allocation.removal import Removed
    from promise.allocation.requests import CreateInstance
    from promise.capacity.idempotency import Key
    from promise.capacity.ledger import Decisions


class Catalogue(Protocol):
    """What the room looks up in a cloud before it decides."""

    async def image(self, name_or_id: str) -> Sequence[str]:
        """Return the ids of the images with this id, else with this name."""

    async def network(self, name_or_id: str) -> Sequence[str]:
        """Return the ids of the networks with this id, else with this name."""

    async def networks(self) -> Sequence[str]:
        """Return the ids of all networks on which our project may put a server."""


@dataclass(frozen=True, slots=True)
class QueryInstance:
    """Which instances to list: all filters must hold; `states` empty = all but DELETED."""

    ids: frozenset[str] = frozenset()
    reservation: str | None = None
    provider: str | None = None
    states: frozenset[str] = frozenset()
    limit: int | None = None
    resume: str | None = None


@dataclass(frozen=True, slots=True)
class Instances:
    """The instances of one page; `resume` is the id of the last one when there are more."""

    allocations: tuple[Allocation, ...]
    resume: str | None


class AllocationService:
    """The allocation room's door for the northbound.

    `clouds` gives the cloud of a provider, and may raise `errors.CloudError`. `settled(instance)` is awaited for the
    time that a reply to create-instance waits for the cloud. `refresh` looks at a provider now: a flavor may be new.
    `permit` raises when the actor may not change the running configuration at the moment.
    """

    def __init__(
        self,
        ledger: Decisions[AllocationBook],
        clouds: Callable[[str], Awaitable[Catalogue]],
        settled: Callable[[str], Awaitable[Allocation | None]],
        refresh: Callable[[str], Awaitable[None]],
        permit: Callable[[Actor, AllocationBook], None] = lambda _actor, _book: None,
    ) -> None:
        self._ledger = ledger
        self._clouds = clouds
        self._settled = settled
        self._refresh = refresh
        self._permit = permit

    async def create(self, actor: Actor, request: CreateInstance, key: Key | None = None) -> Admitted | Refusal:
        """Decide on an instance; the cloud is asked once the decision is durable."""
        found = request
        if not await self._ledger.read(lambda book, _now: key is not None and key.id in book.keys):
            prepared = await self._prepared(actor, request)
            if isinstance(prepared, Refusal):
                return prepared
            found = prepared

        def decide(book: AllocationBook, now: int) -> Decision[Admitted | Refusal]:
            return once(
                book,
                key,
                now,
                lambda: create(book, found, actor, now),
                again=lambda instance: Admitted(book.allocations[instance]),
                subject=lambda admitted: admitted.allocation.id,
            )

        return await self._ledger.submit(decide, actor=actor.user)

    async def _prepared(self, actor: Actor, request: CreateInstance) -> CreateInstance | Refusal:
        """Return the request with its provider, and with what only the cloud knows."""
        placed = await self._ledger.read(lambda book, _now: _placed(book, request, actor))
        if isinstance(placed, Refusal):
            return placed
        if not await self._ledger.read(lambda book, _now: _knows_flavor(book, placed)):
            await self._refresh(placed.provider)
        return await self._looked_up(placed)

    async def remove_provider(self, actor: Actor, provider: str, *, force: bool) -> Removed | Refusal:
        """Take a provider out of the configuration; with `force` also what counts on it."""

        def decide(book: AllocationBook, now: int) -> Decision[Removed | Refusal]:
            self._permit(actor, book)
            return remove(book, provider, now, force=force, session=actor.session_id)

        return await self._ledger.submit(decide, actor=actor.user)

    async def after(self, instance: str) -> Allocation:
        """Return the instance once the cloud has answered, or when the reply can wait no longer.

        Raises:
            CloudRefused: its provider was removed meanwhile, and the instance forgotten.
        """
        heard = await self._settled(instance)
        found = await self._ledger.read(lambda book, _now: book.allocations.get(instance))
        if found is None and heard is not None and heard.vm_state is VmState.ERROR:
            return heard  # refused, and with retention 0 forgotten since
        if found is None:
            raise CloudRefused(f"the provider of instance {instance} was removed by force, and the instance forgotten")
        return found

    async def _looked_up(self, request: CreateInstance) -> CreateInstance | Refusal:
        """Return the request with the ids of its image and networks."""
        try:
            cloud = await self._clouds(request.provider)
            images = await cloud.image(request.image)
            if len(images) != 1:
                why = "there are several" if images else "there is none"
                return Refusal(Reason.IMAGE_UNKNOWN, f"image {request.image}: {why}")
            networks = await _networks(cloud, request.networks)
        except CredentialsRejected as error:
            return Refusal(Reason.CREDENTIALS_REJECTED, error.message)
        except CloudError as error:
            return Refusal(Reason.PROVIDER_UNREACHABLE, error.message)
        if isinstance(networks, Refusal):
            return networks
        return replace(request, image=images[0], networks=networks)

    async def destroy(self, actor: Actor, instance: str, operation: str) -> Admitted | Refusal:
        """Ask for the end of an instance; of one that is gone already nothing changes."""
        return await self._ledger.submit(
            lambda book, now: _destroy(book, instance, operation, actor, now), actor=actor.user
        )

    async def list(self, actor: Actor, question: QueryInstance) -> Instances | Refusal:
        """List instances that the actor may see."""
        return await self._ledger.read(lambda book, _now: listed(book, question, actor))


async def _networks(cloud: Catalogue, asked: Sequence[str]) -> tuple[str, ...] | Refusal:
    """Return the ids of the networks asked for, in order; of none, the project's only one (contract)."""
    if not asked:
        every = await cloud.networks()
        if len(every) > 1:
            return Refusal(Reason.NETWORK_UNKNOWN, f"the project has {len(every)} networks; name the ones to use")
        return tuple(every)
    ids = []
    for name in asked:
        found = await cloud.network(name)
        if len(found) != 1:
            why = "there are several" if found else "there is none"
            return Refusal(Reason.NETWORK_UNKNOWN, f"network {name}: {why}")
        ids.append(found[0])
    return tuple(ids)


def _placed(book: AllocationBook, request: CreateInstance, actor: Actor) -> CreateInstance | Refusal:
    """Return the request with its provider: the one named, else the reservation's, else the only one."""
    if request.provider:
        known = request.provider in book.providers
        return request if known else Refusal(Reason.NOT_FOUND, f"there is no provider {request.provider}")
    if request.reservation is not None:
        held = book.reservations.get(request.reservation)
        if held is None or not actor.sees(held):
            return Refusal(Reason.NOT_FOUND, f"there is no reservation {request.reservation}")
        actor.demand(held, "reservation")
        return replace(request, provider=held.provider)
    if len(book.providers) == 1:
        return replace(request, provider=next(iter(book.providers)))
    if not book.providers:
        return Refusal(Reason.NOT_FOUND, "no provider is registered; add-provider does that")
    return Refusal(Reason.PROVIDER_AMBIGUOUS, f"there are {len(book.providers)} providers; name the one to use")


def _knows_flavor(book: AllocationBook, request: CreateInstance) -> bool:
    provider = book.providers.get(request.provider)
    return provider is None or provider.flavor(request.flavor) is not None


def _destroy(
    book: AllocationBook, instance: str, operation: str, actor: Actor, now: int
) -> Decision[Admitted | Refusal]:
    found = book.allocations.get(instance)
    if found is None or not actor.sees(found):
        return Decision(Refusal(Reason.NOT_FOUND, f"there is no instance {instance}"))
    actor.demand(found, "instance")
    decided = outcome.destroy(book, found, operation, now)
    return Decision(Admitted(decided.answer), decided.events, decided.secrets)


def listed(book: AllocationBook, question: QueryInstance, actor: Actor) -> Instances | Refusal:
    """Answer a question about instances from memory."""
    candidates = iter(book.allocations.values())
    resume = question.resume
    if resume is not None and not any(found.id == resume and actor.sees(found) for found in candidates):
        return no_page(resume)
    wanted = (found for found in candidates if actor.sees(found) and _matches(found, question))
    some = list(islice(wanted, None if question.limit is None else question.limit + 1))
    page = some[: question.limit]
    return Instances(tuple(page), page[-1].id if len(page) < len(some) else None)


def _matches(found: Allocation, question: QueryInstance) -> bool:
    if question.states:
        stands = found.vm_state in question.states
    else:
        stands = bool(question.ids) or found.vm_state is not VmState.DELETED
    return (
        stands
        and (not question.ids or found.id in question.ids)
        and (question.reservation is None or found.reservation == question.reservation)
        and (question.provider is None or found.provider == question.provider)
    )
