"""create-, destroy- and query-instance."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

from promise.allocation.model import VmState
from promise.allocation.part import Part, PartKind, addresses
from promise.allocation.requests import CreateInstance
from promise.allocation.service import QueryInstance
from promise.capacity.refusal import Reason, Refusal
from promise.northbound import answers
from promise.northbound import bindings as yang
from promise.northbound.keys import idempotency
from promise.northbound.words import bare, bare_set, fresh_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from promise.actor import Actor
    from promise.allocation.requests import Admitted
    from promise.allocation.service import AllocationService


class InstanceRpcs:
    """The RPCs of the allocation room."""

    def __init__(self, service: AllocationService, new_id: Callable[[], str] = fresh_id) -> None:
        self._service = service
        self._new_id = new_id

    async def create(
        self, actor: Actor, asked: yang.CreateInstanceInput
    ) -> yang.CreateInstanceOutput | Awaitable[yang.CreateInstanceOutput]:
        """Decide on an instance; when it is accepted, the answer waits for the cloud for a while."""
        request = CreateInstance(
            id=self._new_id(),
            operation=self._new_id(),
            provider=bare(asked.provider_id) or "",
            name=asked.name,
            image=asked.image,
            flavor=asked.flavor,
            networks=asked.networks,
            reservation=bare(asked.reservation_id),
            zone=asked.zone,
            key_name=asked.key_name,
            security_groups=asked.security_groups,
            user_data=None if asked.user_data is None else base64.b64encode(asked.user_data).decode(),
            metadata={entry.key: entry.value for entry in asked.metadata},
            affinity=tuple((rule.kind, rule.group) for rule in asked.affinity),
            parts=(*(_volume(wanted) for wanted in asked.volumes), *addresses(asked.addresses or 0)),
        )
        key = idempotency(actor, yang.CREATE_INSTANCE_RPC, asked)
        answer = await self._service.create(actor, request, key)
        if isinstance(answer, Refusal):
            return yang.CreateInstanceOutput(
                **answers.not_ok(answer), status="rejected", refusal=answers.refused(answer)
            )
        return self._settled(answer.allocation.id)

    async def _settled(self, instance: str) -> yang.CreateInstanceOutput:
        """Answer once the cloud has accepted or refused, or when the answer can wait no longer."""
        record = await self._service.after(instance)
        if record.vm_state is VmState.ERROR and record.server is None:
            said = answers.not_ok(Refusal(Reason.PROVIDER_REFUSED, record.fault or "the cloud refused the server"))
            status = "rejected"
        else:
            said, status = answers.ok("instance accepted"), "in-progress"
        return yang.CreateInstanceOutput(
            **said,
            instance_id=record.id,
            status=status,
            vm_state=record.vm_state.value,
            server=record.server,
        )

    async def destroy(self, actor: Actor, asked: yang.DestroyInstanceInput) -> yang.DestroyInstanceOutput:
        """Ask for the end of an instance."""
        if asked.instance_ids:
            return await self._destroy_all(actor, asked.instance_ids)
        answer = await self._service.destroy(actor, bare(asked.instance_id) or "", self._new_id())
        if isinstance(answer, Refusal):
            return yang.DestroyInstanceOutput(**answers.not_ok(answer))
        state = answer.allocation.vm_state
        return yang.DestroyInstanceOutput(**answers.ok(_ending(state)), vm_state=state.value)

    async def _destroy_all(self, actor: Actor, ids: Sequence[str]) -> yang.DestroyInstanceOutput:
        """Decide on each of several instances for itself; they share a commit."""
        asked = list(dict.fromkeys(bare(each) or "" for each in ids))
        decided = await asyncio.gather(*(self._service.destroy(actor, each, self._new_id()) for each in asked))
        outcome = tuple(_outcome(*each) for each in zip(asked, decided, strict=True))
        return yang.DestroyInstanceOutput(**answers.of_several(decided, "instances"), outcome=outcome)

    async def query(self, actor: Actor, asked: yang.QueryInstanceInput) -> yang.QueryInstanceOutput:
        """List instances."""
        question = QueryInstance(
            ids=bare_set(asked.instance_id),
            reservation=bare(asked.reservation_id),
            provider=bare(asked.provider_id),
            states=frozenset(asked.vm_state),
            limit=asked.limit,
            resume=asked.marker,
        )
        found = await self._service.list(actor, question)
        if isinstance(found, Refusal):
            return yang.QueryInstanceOutput(**answers.not_ok(found))
        return yang.QueryInstanceOutput(
            **answers.ok(f"{len(found.allocations)} instances"),
            instance=tuple(answers.allocation(record) for record in found.allocations),
            next_marker=found.resume,
        )


def _volume(wanted: yang.VolumeRequest) -> Part:
    return Part(
        PartKind.VOLUME,
        wanted.name,
        wanted.size,
        wanted.type,
        boot=bool(wanted.boot),
        ends=bool(wanted.delete_on_termination),
    )


def _ending(state: VmState) -> str:
    return "instance destroyed" if state is VmState.DELETED else "instance is being destroyed"


def _outcome(instance: str, answer: Admitted | Refusal) -> yang.InstanceOutcome:
    if isinstance(answer, Refusal):
        return yang.InstanceOutcome(instance_id=instance, **answers.not_ok(answer))
    state = answer.allocation.vm_state
    return yang.InstanceOutcome(instance_id=instance, **answers.ok(_ending(state)), vm_state=state.value)
