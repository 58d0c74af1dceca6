"""Validating, committing, cancelling, discarding, locking (RFC 6241 sections 7.5, 7.6 and 8.3 to 8.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from promise.errors import BadElement, BadValue, Invalid
from promise.northbound.port import Confirm
from promise.northbound.rpcs.parameters import OK, datastore_of, parameters_of, path_of, source_of, text_of

if TYPE_CHECKING:
    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.port import Datastores

USUAL_TIMEOUT: Final = 600
"""Seconds after which a commit goes back that nobody has confirmed."""

LONGEST_TIMEOUT: Final = 2**32 - 1


class Commits:
    """The operations that put a configuration into force, and those that keep others away meanwhile."""

    def __init__(self, datastores: Datastores) -> None:
        self._datastores = datastores

    async def validate(self, caller: Caller, operation: _Element) -> bytes:
        """See whether a configuration could be put into force."""
        parameters = parameters_of(operation, "source")
        await self._datastores.validate(caller, source_of(operation, parameters, self._datastores.schema))
        return OK

    async def commit(self, caller: Caller, operation: _Element) -> bytes:
        """Put the candidate into force."""
        parameters = parameters_of(operation, "confirmed", "confirm-timeout", "persist", "persist-id")
        path = path_of(operation)
        confirmed = text_of(parameters, "confirmed", path)
        if confirmed is None:
            for name in ("confirm-timeout", "persist"):
                if name in parameters:
                    rule = f"{name} says something only together with <confirmed/>"
                    raise BadElement(rule, path=f"{path}/nc:{name}", name=name)
        elif confirmed.strip():
            raise BadValue("confirmed must be empty", path=f"{path}/nc:confirmed", name="confirmed")
        timeout = _timeout(text_of(parameters, "confirm-timeout", path), f"{path}/nc:confirm-timeout")
        confirm = None if confirmed is None else Confirm(timeout, text_of(parameters, "persist", path))
        persist_id = text_of(parameters, "persist-id", path)
        try:
            await self._datastores.commit(caller, confirm, persist_id)
        except Invalid as fault:
            fault.path = fault.path or _at(path, fault)
            raise
        return OK

    async def cancel_commit(self, caller: Caller, operation: _Element) -> bytes:
        """Take back the commit that waits to be confirmed."""
        parameters = parameters_of(operation, "persist-id")
        path = path_of(operation)
        try:
            await self._datastores.cancel(caller, text_of(parameters, "persist-id", path))
        except Invalid as fault:
            fault.path = fault.path or _at(path, fault)
            raise
        return OK

    async def discard_changes(self, caller: Caller, operation: _Element) -> bytes:
        """Forget the changes of the candidate."""
        parameters_of(operation)
        await self._datastores.discard(caller)
        return OK

    async def lock(self, caller: Caller, operation: _Element) -> bytes:
        """Lock a datastore for this session, or say at once who has it."""
        parameters = parameters_of(operation, "target")
        await self._datastores.lock(caller, datastore_of(operation, parameters, "target"))
        return OK

    async def unlock(self, caller: Caller, operation: _Element) -> bytes:
        """Give a lock back."""
        parameters = parameters_of(operation, "target")
        await self._datastores.unlock(caller, datastore_of(operation, parameters, "target"))
        return OK


def _at(path: str, fault: Invalid) -> str:
    return f"{path}/nc:{fault.name}" if fault.name else path


def _timeout(text: str | None, path: str) -> int:
    """Return a number of seconds: 1..max (RFC 6241, ietf-netconf)."""
    if text is None:
        return USUAL_TIMEOUT
    found = text.strip()
    if not (found.isascii() and found.isdigit() and 1 <= int(found[:11]) <= LONGEST_TIMEOUT):
        rule = f"confirm-timeout is a number of seconds from 1 to {LONGEST_TIMEOUT}"
        raise BadValue(rule, path=path, name="confirm-timeout")
    return int(found)
