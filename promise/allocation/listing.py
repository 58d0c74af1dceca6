"""What a listing of a cloud's servers says of our records; pure (design section 5, sync).

A listing is older than the state it is held against, so only the state tells whose a server is: the allocation that
has recorded it; else the one whose id it carries; else nobody's, and then somebody has made it directly.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from promise.allocation import outcome
from promise.allocation.model import Allocation, Asked, VmState
from promise.allocation.part import PARTS
from promise.allocation.server import ServerState, older
from promise.allocation.transitions import loose
from promise.events import Decision, fact
from promise.resources import without

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from promise.allocation.book import AllocationBook
    from promise.allocation.server import Server
    from promise.events import Event

_FOUND: Final = UUID("3f3c1f0e-6a0b-5c39-9d5e-0b8f6f2a7d41")
"""The namespace of the ids of what was made directly (RFC 9562 section 5.5)."""


def found_id(provider: str, server: str) -> str:
    """Return the id of the allocation of a server that was made directly: always the same for the same server."""
    return str(uuid5(_FOUND, f"{provider}/{server}"))


def known(book: AllocationBook, provider: str) -> Mapping[str, str]:
    """Return the instance of each server that is recorded and counts."""
    return {found.server: found.id for found in book.counted_on(provider) if found.server and not found.server_gone}


def compared(book: AllocationBook, provider: str, servers: Iterable[Server], now: int) -> Decision[Sequence[str]]:
    """Bring the records up to what the cloud shows of these servers; no difference changes nothing.

    The answer names the servers that have to go: made for an instance that has another one, or needs none any more.
    """
    if provider not in book.providers:
        return Decision(())
    events: list[Event] = []
    secrets: dict[str, str | None] = {}
    superfluous = []
    adopted: set[str] = set()  # the instances that have got their server in this listing, which the book does not know
    for server in {server.id: server for server in servers}.values():
        recorded = book.allocation_of(provider, server.id)
        if recorded is None:
            recorded = _named(book, provider, server)
        if recorded is None:
            events += _found(book, provider, server, now)
        elif recorded.id in adopted or _is_superfluous(book, recorded, server):
            if server.state is not ServerState.DELETING:
                superfluous.append(server.id)
        else:
            if recorded.server is None:
                adopted.add(recorded.id)
            shown = _shown(book, recorded, server, now)
            events += shown.events
            secrets |= shown.secrets
    return Decision(tuple(superfluous), tuple(events), secrets)


def _named(book: AllocationBook, provider: str, server: Server) -> Allocation | None:
    """Return the allocation whose id the server carries, unless somebody has copied that to one of his own."""
    named = book.allocations.get(server.allocation_id or "")
    if named is None or named.provider != provider or not named.ours or older(server, named.created):
        return None
    return named


def _is_superfluous(book: AllocationBook, recorded: Allocation, server: Server) -> bool:
    if recorded.server != server.id:
        return _create_of(book, recorded) is None
    return not recorded.counted and any(
        asked.instance == recorded.id and asked.asked is Asked.DELETE for asked in book.operations.values()
    )


def _shown(book: AllocationBook, recorded: Allocation, server: Server, now: int) -> Decision[object]:
    if recorded.server is None:
        create = _create_of(book, recorded)
        return outcome.created(book, create, server, now) if create else Decision(None)
    if recorded.counted:
        return outcome.observed(book, recorded.id, server, now)
    return Decision(None, _back(recorded, server, now))


def _create_of(book: AllocationBook, recorded: Allocation) -> str | None:
    """Return the open operation that makes the instance's server, None also when it has one."""
    if recorded.server is not None:
        return None
    asked = outcome.asked_of(book, recorded.id)
    return next((one.id for one in asked if one.asked is Asked.CREATE), None)


def _found(book: AllocationBook, provider: str, server: Server, now: int) -> Sequence[Event]:
    """Record a server that was made directly: loose, low priority, counted from now on.

    One of which the cloud tells only the id (its cell is down) is recorded when more is known: it may be ours.
    """
    if not server.needs:
        return ()
    flavor = book.providers[provider].flavor(server.flavor)
    allocation = Allocation(
        id=found_id(provider, server.id),
        name=server.name or server.id,
        owner="",
        project="",
        provider=provider,
        zone=server.zone,
        flavor=flavor.id if flavor else server.flavor,
        image=server.image,
        capacity=server.takes,
        start=now,
        vm_state=VmState(server.state),
        created=now,
        modified=now,
        server=server.id,
        host=server.host,
        fault=server.fault,
        ours=False,
    )
    return (fact("allocation-found", allocation),)


def _back(gone: Allocation, server: Server, now: int) -> tuple[Event, ...]:
    """Count a server again that was gone and that nobody asked us to destroy: restored in the cloud, for instance.

    Its volumes and addresses are not: they went with it, or stay by themselves.

    Its place under a claim may be taken, so that it is loose from now on.
    """
    if not server.needs:
        return ()
    back = replace(
        loose(gone),
        counted=True,
        start=now,
        end=None,
        vm_state=VmState(server.state),
        zone=server.zone or gone.zone,
        host=server.host or gone.host,
        fault=server.fault,
        told=None,
        overdue=False,
        server_gone=False,
        capacity=without(gone.capacity, PARTS),
        parts=(),
        modified=now,
    )
    return (fact("allocation-found", back, old_vm_state=gone.vm_state.value),)
