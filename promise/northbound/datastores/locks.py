"""Who may change which datastore: locks that are granted or denied at once (RFC 6241 sections 7.5 and 7.6); pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.errors import InUse, Locked, NotLocked
from promise.northbound.port import Lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.configuration.model import Trial
    from promise.northbound.port import Datastore


class Locks:
    """The locks that are held."""

    def __init__(self) -> None:
        self._held: dict[Datastore, Lock] = {}

    @property
    def held(self) -> Mapping[Datastore, Lock]:
        """Return every lock, by datastore."""
        return self._held

    def grant(self, datastore: Datastore, session_id: int, now: int) -> None:
        """Lock for a session; raises Locked when it is locked, also by that session itself."""
        held = self._held.get(datastore)
        if held is not None:
            raise Locked(f"<{datastore}>", held.session_id)
        self._held[datastore] = Lock(session_id, now)

    def release(self, datastore: Datastore, session_id: int) -> None:
        """Give a lock back; raises NotLocked when it is not this session's."""
        held = self._held.get(datastore)
        if held is None:
            raise NotLocked(f"<{datastore}> is not locked")
        if held.session_id != session_id:
            raise NotLocked(f"<{datastore}> is locked by session {held.session_id}: that one must unlock it")
        del self._held[datastore]

    def released(self, session_id: int) -> list[Datastore]:
        """Take back all locks of a session that has ended; returns which."""
        gone = [datastore for datastore, held in self._held.items() if held.session_id == session_id]
        for datastore in gone:
            del self._held[datastore]
        return gone

    def permit(self, session_id: int, *datastores: Datastore) -> None:
        """Raise InUse when another session has locked one of these."""
        for datastore in datastores:
            held = self._held.get(datastore)
            if held is not None and held.session_id != session_id:
                raise InUse(f"<{datastore}> is locked by session {held.session_id}")


def permit_edit(trial: Trial | None, session_id: int) -> None:
    """Raise InUse when a commit of another session is on trial: what is changed beside it would go back with it."""
    if trial is None:
        return
    if trial.persist is not None:
        raise InUse("a confirmed commit with persist is waiting: confirm or cancel it with its persist-id first")
    if trial.session_id != session_id:
        raise InUse(f"a confirmed commit of session {trial.session_id} is waiting to be confirmed")
