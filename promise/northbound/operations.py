"""The table: YANG operation -> binding and use case. Both doors end here, so they cannot differ in meaning."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from promise.errors import Denied, PromiseError, UnknownElement
from promise.northbound import bindings as yang
from promise.northbound.message import split
from promise.northbound.port import Pending
from promise.northbound.rooms.capacity import CapacityRpcs
from promise.northbound.rooms.instances import InstanceRpcs
from promise.northbound.rooms.providers import ProviderRpcs
from promise.northbound.rooms.reservations import ReservationRpcs
from promise.northbound.rooms.subscriptions import SubscriptionRpcs
from promise.northbound.rooms.users import UserRpcs
from promise.northbound.words import actor_of, fresh_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element

    from promise.actor import Actor
    from promise.allocation.service import AllocationService
    from promise.capacity.service import CapacityService
    from promise.northbound.access import Caller
    from promise.northbound.codec import Rpc
    from promise.northbound.nacm.control import Control
    from promise.northbound.port import Subscriptions
    from promise.northbound.rooms.users import Passwords
    from promise.reservation.service import ReservationService

Input = TypeVar("Input")
Output = TypeVar("Output")

Who = TypeVar("Who", "Actor", "Caller")

UseCase: TypeAlias = Callable[[Who, Input], Awaitable[Output | Awaitable[Output]]]
"""Decides when it is awaited; what it returns is the output, or is awaited for it while others are decided."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[Input, Output]):
    """One row: an RPC of the YANG, and who answers it.

    `prompt` tells that the use case is queued for its decision as soon as it runs, so that requests that come after
    it are decided after it; one that first asks a cloud is not, and later requests wait until it is decided. Where that
    depends on the input, `prompt` tells it of the input.
    `on_session` tells that the use case is about the caller's session, and so is given the caller.
    """

    rpc: Rpc[Input, Output]
    use_case: UseCase[Any, Input, Output]
    prompt: bool | Callable[[Input], bool] = True
    on_session: bool = False

    def is_prompt(self, asked: Input) -> bool:
        """Tell whether this request is queued at once."""
        return self.prompt if isinstance(self.prompt, bool) else self.prompt(asked)


def _without_elements(asked: yang.CreateReservationInput | yang.UpdateReservationInput) -> bool:
    """Tell whether no cloud has to be asked for elements first."""
    return not asked.elements


@dataclass(frozen=True, slots=True)
class Rooms:
    """The rooms behind the table; `new_id` makes the ids of what they make."""

    capacity: CapacityService
    reservation: ReservationService
    allocation: AllocationService
    subscriptions: Subscriptions
    passwords: Passwords
    new_id: Callable[[], str] = fresh_id


LATER: frozenset[str] = frozenset()
"""The operations of the YANG that this server does not implement yet: it says operation-not-supported."""


class Unwired(PromiseError):
    """A modelled operation has no handler, or a handler no model: the server does not start like this."""


def table(rooms: Rooms) -> list[Operation[Any, Any]]:
    """Return the rows, in the order of the YANG."""
    capacity = CapacityRpcs(rooms.capacity, rooms.new_id)
    reservations = ReservationRpcs(rooms.reservation, rooms.new_id)
    instances = InstanceRpcs(rooms.allocation, rooms.new_id)
    providers = ProviderRpcs(rooms.capacity, rooms.allocation, rooms.new_id)
    users = UserRpcs(rooms.passwords)
    told = SubscriptionRpcs(rooms.subscriptions)
    return [
        Operation(yang.QUERY_CAPACITY_RPC, capacity.query),
        Operation(yang.INCREASE_CAPACITY_RPC, capacity.increase),
        Operation(yang.DECREASE_CAPACITY_RPC, capacity.decrease),
        Operation(yang.REMOVE_POOL_RPC, capacity.remove_pool),
        Operation(yang.CREATE_RESERVATION_RPC, reservations.create, prompt=_without_elements),
        Operation(yang.UPDATE_RESERVATION_RPC, reservations.update, prompt=_without_elements),
        Operation(yang.CANCEL_RESERVATION_RPC, reservations.cancel),
        Operation(yang.QUERY_RESERVATION_RPC, reservations.query),
        Operation(yang.CREATE_INSTANCE_RPC, instances.create, prompt=False),
        Operation(yang.DESTROY_INSTANCE_RPC, instances.destroy),
        Operation(yang.QUERY_INSTANCE_RPC, instances.query),
        Operation(yang.ADD_PROVIDER_RPC, providers.add, prompt=False),
        Operation(yang.REMOVE_PROVIDER_RPC, providers.remove),
        Operation(yang.SET_PROVIDER_CREDENTIALS_RPC, providers.set_credentials, prompt=False),
        Operation(yang.SET_USER_PASSWORD_RPC, users.set_password, prompt=False),
        Operation(yang.SUBSCRIBE_CAPACITY_EVENTS_RPC, told.capacity, prompt=False, on_session=True),
        Operation(yang.SUBSCRIBE_RESERVATION_EVENTS_RPC, told.reservations, prompt=False, on_session=True),
        Operation(yang.SUBSCRIBE_INSTANCE_EVENTS_RPC, told.instances, prompt=False, on_session=True),
        Operation(yang.UNSUBSCRIBE_RPC, told.unsubscribe, prompt=False, on_session=True),
    ]


class OperationTable:
    """Answers the operations of the modules, to those who may ask them by `access`; see `port.Operations`."""

    def __init__(self, rooms: Rooms, access: Control | None = None) -> None:
        self._access = access
        rows = table(rooms)
        modelled, handled = set(yang.RPCS), {row.rpc.name for row in rows}
        if wrong := (modelled - LATER).symmetric_difference(handled) | (LATER - modelled):
            raise Unwired(f"operations and handlers disagree on {', '.join(sorted(wrong))}")
        self._rows = {row.rpc.tag: row for row in rows}
        self.rpcs: Mapping[str, Rpc[Any, Any]] = {f"{rpc.module.name}:{rpc.name}": rpc for rpc in yang.RPCS.values()}
        """The operations of the modules, by their name with that of the module."""

    def permit(self, caller: Caller, rpc: Rpc[Any, Any]) -> None:
        """Raise Denied unless the caller may run an operation."""
        if self._access is not None:
            self._access.execute(caller, rpc.namespace, rpc.name)

    async def invoke(self, caller: Caller, rpc: Rpc[Input, Output], asked: Input) -> Output:
        """Decide a request that was read already, and return its answer when that is there."""
        self.permit(caller, rpc)
        row = self._rows[rpc.tag]
        with self._counting(caller, rpc):
            answer = await row.use_case(caller if row.on_session else self._actor(caller), asked)
            found: Output = await answer if inspect.isawaitable(answer) else answer
            return found

    async def call(self, caller: Caller, operation: _Element) -> bytes | Pending:
        """Decide a request that came as XML; returns the content of the reply."""
        row = self._rows.get(str(operation.tag))
        if row is None:
            raise _unknown(operation)
        self.permit(caller, row.rpc)
        asked = row.rpc.decode_input_xml(operation)
        use_case = row.use_case(caller if row.on_session else self._actor(caller), asked)
        if row.is_prompt(asked):
            # Requests that come together share a commit: the next is queued behind this one, not after its answer.
            return Pending(self._encoded(caller, row, asyncio.ensure_future(use_case)))
        await asyncio.sleep(0)  # those that came before are queued first
        with self._counting(caller, row.rpc):
            answer = await use_case
        if inspect.isawaitable(answer):
            return Pending(self._encoded(caller, row, answer))
        return row.rpc.encode_output_xml(answer)

    async def _encoded(self, caller: Caller, row: Operation[Any, Any], answer: Awaitable[Any]) -> bytes:
        with self._counting(caller, row.rpc):
            return row.rpc.encode_output_xml(await answer)

    def _actor(self, caller: Caller) -> Actor:
        """Return on whose behalf a request is decided."""
        return actor_of(caller) if self._access is None else self._access.actor(caller)

    @contextmanager
    def _counting(self, caller: Caller, rpc: Rpc[Any, Any]) -> Iterator[None]:
        """Let a denial of what a request has named be counted and logged like all others."""
        try:
            yield
        except Denied as error:
            if self._access is not None:
                self._access.denied(caller, error, rpc.namespace, rpc.name)
            raise


def _unknown(operation: _Element) -> PromiseError:
    namespace, name = split(operation.tag)
    return UnknownElement(f"no module has an operation <{name}>", path="/nc:rpc", name=name, namespace=namespace)


def verify() -> tuple[int, int]:
    """Return how many operations are implemented and how many come later.

    Raises:
        Unwired: the table and the YANG do not agree.
    """
    nowhere: Any = None
    OperationTable(Rooms(nowhere, nowhere, nowhere, nowhere, nowhere))
    return len(yang.RPCS) - len(LATER), len(LATER)
