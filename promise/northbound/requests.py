"""Where a NETCONF request goes: to `rpcs` for the operations of NETCONF itself, to the operation table for others."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from promise.errors import UnknownElement, UnknownNamespace, Unsupported
from promise.northbound import defaults, monitor
from promise.northbound.library.modules import library
from promise.northbound.message import BASE, split
from promise.northbound.nacm.control import Control
from promise.northbound.rpcs import nmda, notifications, schemas, subscribing
from promise.northbound.rpcs.commits import Commits
from promise.northbound.rpcs.edits import Edits
from promise.northbound.rpcs.retrieval import Retrieval
from promise.northbound.rpcs.sessions import Farewell, OpenSession, SessionRpcs
from promise.northbound.rpcs.subscribed import SubscribedRpcs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.events.stream import EventStream
    from promise.northbound.port import Datastores, Module, Operations, Pending, StateSource

    Handler: TypeAlias = Callable[[Caller, _Element], Awaitable[bytes | Farewell]]

__all__ = ["Farewell", "OpenSession", "Requests"]


class Requests:
    """Answers requests, whichever session they come from.

    `modules` are those of which `operations` knows the RPCs; `sessions` are the open ones, by session-id. Without
    `events` there are no notifications. `sources` tell state of the server besides the datastores. `access` says who
    may do what; without it, what RFC 8341 says where no rule is configured.
    """

    def __init__(
        self,
        operations: Operations,
        datastores: Datastores,
        modules: Iterable[Module],
        sessions: Mapping[int, OpenSession],
        events: EventStream | None = None,
        sources: Sequence[StateSource] = (),
        access: Control | None = None,
    ) -> None:
        self._operations = operations
        self._schema = datastores.schema
        self._access = access or Control(datastores.schema)
        self._sessions = SessionRpcs(sessions, datastores)
        self.ended = datastores.ended
        self._events = events
        modules = tuple(modules)
        self.prefixes = {
            **notifications.PREFIXES,
            **schemas.PREFIXES,
            **nmda.PREFIXES,
            **subscribing.PREFIXES,
            "ncwd": defaults.NAMESPACE,
            "nacm": library().modules["ietf-netconf-acm"].namespace,
            **{module.prefix: module.namespace for module in modules},
        }
        self._namespaces = {module.namespace for module in modules}
        retrieval = Retrieval(datastores, events, sources, self._access)
        self.subscribed: SubscribedRpcs | None = None
        """The operations on dynamic subscriptions, which RESTCONF has as well."""
        if events is not None:
            self.subscribed = SubscribedRpcs(sessions, events, datastores, retrieval)
        self._nmda = nmda.Nmda(datastores, retrieval)
        edits, commits = Edits(datastores), Commits(datastores)
        self._schemas = schemas.Schemas(library())
        self._own: dict[str, Handler] = {
            "get": retrieval.get,
            "get-config": retrieval.get_config,
            "edit-config": edits.edit_config,
            "copy-config": edits.copy_config,
            "delete-config": edits.delete_config,
            "lock": commits.lock,
            "unlock": commits.unlock,
            "validate": commits.validate,
            "commit": commits.commit,
            "cancel-commit": commits.cancel_commit,
            "discard-changes": commits.discard_changes,
            "close-session": self._sessions.close_session,
            "kill-session": self._sessions.kill_session,
        }

    def _expect_old(self, caller: Caller) -> None:
        """Raise Unsupported on a session that has subscriptions of RFC 8639: none is for both (RFC 8640 section 3)."""
        known = self._events.established if self._events is not None else ()
        if any(one.session == caller.session_id for one in known):
            raise Unsupported("create-subscription on a session that has used establish-subscription")

    def layer(self, operation: _Element) -> str:
        """Return the error-type of what goes wrong with an operation where only the operation tells."""
        own = {*self._namespaces, *subscribing.PREFIXES.values()}  # RFC 8640 section 7
        return "" if split(operation.tag)[0] in own else "protocol"

    async def answer(self, caller: Caller, operation: _Element) -> bytes | Pending | Farewell:
        """Decide one request; raises what `faults` can tell."""
        namespace, name = split(operation.tag)
        if namespace in self._namespaces:
            return await self._operations.call(caller, operation)
        self._access.execute(caller, namespace, name)
        if namespace == notifications.NAMESPACE and self._events is not None:
            self._expect_old(caller)
            return await self._sessions.create_subscription(caller, operation, self._events)
        if namespace in subscribing.PREFIXES.values() and self.subscribed is not None:
            return await self.subscribed.answer(caller, operation)
        if namespace == monitor.NAMESPACE and name == schemas.OPERATION:
            return await self._schemas.get_schema(caller, operation)
        if namespace == nmda.NAMESPACE:
            return await self._nmda.answer(caller, operation)
        own = self._own.get(name) if namespace == BASE else None
        if own is None:
            raise self._unknown(namespace, name)
        return await own(caller, operation)

    def _unknown(self, namespace: str, name: str) -> UnknownNamespace | UnknownElement:
        """Return what is wrong with an operation that nobody answers."""
        if namespace not in self._schema.namespaces:
            rule = f"no module of this server has the namespace {namespace!r}"
            return UnknownNamespace(rule, path="/nc:rpc", name=name, namespace=namespace)
        rule = f"the module of namespace {namespace} has no operation <{name}>"
        return UnknownElement(rule, path="/nc:rpc", name=name, namespace=namespace)
