"""Where a NETCONF request goes: the operations of NETCONF itself are done here, all others by the operation table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from lxml import etree

from promise.errors import (
    AlreadySubscribed,
    BadAttribute,
    BadValue,
    Denied,
    DuplicateNode,
    MissingChoice,
    MissingElement,
    UnknownAttribute,
    UnknownElement,
    UnknownNamespace,
    Unsupported,
)
from promise.northbound import notifications
from promise.northbound.editing import Operation
from promise.northbound.message import BASE, split
from promise.northbound.subtree import EVERYTHING, Selection
from promise.northbound.words import actor_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.port import Datastores, Events, Module, Operations, Pending, Subscription

OK: Final = b"<ok/>"
LARGEST_SESSION_ID: Final = 2**32 - 1

_NOT_ADVERTISED: Final = {"candidate": ":candidate", "startup": ":startup", "url": ":url"}
_UNSUPPORTED: Final = frozenset(
    {
        "copy-config", "delete-config", "lock", "unlock",
        "commit", "discard-changes", "cancel-commit", "validate",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Farewell:
    """The answer to <close-session>: the last one of its session."""

    content: bytes = OK


class OpenSession(Protocol):
    """A session as <kill-session> and <create-subscription> see it."""

    caller: Caller

    @property
    def subscribed(self) -> bool:
        """Whether it has a subscription that is not complete."""

    def subscribe(self, subscription: Subscription) -> None:
        """Send what the subscription tells, from the answer to the present request on."""

    def kill(self, by: Caller) -> None:
        """End the session now; what it asked for and was not answered stays unanswered."""


class Requests:
    """Answers requests, whichever session they come from.

    `modules` are those of which `operations` knows the RPCs; `sessions` are the open ones, by session-id. Without
    `events` there are no notifications.
    """

    def __init__(
        self,
        operations: Operations,
        datastores: Datastores,
        modules: Iterable[Module],
        sessions: Mapping[int, OpenSession],
        events: Events | None = None,
    ) -> None:
        self._operations = operations
        self._datastores = datastores
        self._sessions = sessions
        self._events = events
        modules = tuple(modules)
        self.prefixes = {**notifications.PREFIXES, **{module.prefix: module.namespace for module in modules}}
        self._namespaces = {module.namespace for module in modules}
        self._own: dict[str, Callable[[Caller, _Element], Awaitable[bytes | Farewell]]] = {
            "get": self._get,
            "get-config": self._get_config,
            "edit-config": self._edit_config,
            "close-session": self._close_session,
            "kill-session": self._kill_session,
        }

    def layer(self, operation: _Element) -> str:
        """Return the error-type of what goes wrong with an operation where only the operation tells."""
        return "" if split(operation.tag)[0] in self._namespaces else "protocol"

    async def answer(self, caller: Caller, operation: _Element) -> bytes | Pending | Farewell:
        """Decide one request; raises what `faults` can tell."""
        namespace, name = split(operation.tag)
        if namespace in self._namespaces:
            return await self._operations.call(caller, operation)
        if namespace == notifications.NAMESPACE and self._events is not None:
            return await self._create_subscription(caller, operation, self._events)
        if namespace != BASE:
            rule = f"no module of this server has the namespace {namespace!r}"
            raise UnknownNamespace(rule, path="/nc:rpc", name=name, namespace=namespace)
        if name in _UNSUPPORTED:
            raise Unsupported(f"<{name}>", path=f"/nc:rpc/nc:{name}")
        own = self._own.get(name)
        if own is None:
            raise UnknownElement(f"NETCONF has no operation <{name}>", path="/nc:rpc", name=name, namespace=namespace)
        return await own(caller, operation)

    async def _get(self, caller: Caller, operation: _Element) -> bytes:
        parameters = _parameters(operation, "filter")
        return await self._read(caller, operation, parameters, config_only=False)

    async def _get_config(self, caller: Caller, operation: _Element) -> bytes:
        parameters = _parameters(operation, "source", "filter")
        _expect_running(operation, parameters, "source")
        return await self._read(caller, operation, parameters, config_only=True)

    async def _read(
        self, caller: Caller, operation: _Element, parameters: Mapping[str, _Element], *, config_only: bool
    ) -> bytes:
        wanted = _selection(operation, parameters.get("filter"))
        found = [*await self._datastores.read(caller, config_only=config_only, wanted=wanted)]
        if self._events is not None and not config_only:
            found += await notifications.streams(self._events, wanted)
        return _data(wanted.prune(found))

    async def _create_subscription(self, caller: Caller, operation: _Element, events: Events) -> bytes:
        """Begin to send notifications on this session (RFC 5277 section 2.1.1), one subscription at a time."""
        interest = notifications.interest(operation, events.now())
        session = self._sessions[caller.session_id]
        if session.subscribed:
            raise AlreadySubscribed("this session has a subscription already; open another session for another one")
        session.subscribe(await events.subscribe(actor_of(caller), interest))
        return OK

    async def _edit_config(self, caller: Caller, operation: _Element) -> bytes:
        """Edit the running datastore (RFC 6241 section 7.2). An edit is all or nothing, whatever its error-option."""
        names = ("target", "default-operation", "test-option", "error-option", "config", "url")
        parameters = _parameters(operation, *names)
        path = _path(operation)
        _expect_running(operation, parameters, "target")
        default = Operation(_choice(parameters, "default-operation", path, "merge", "replace", "none"))
        tested = _choice(parameters, "test-option", path, "set", "test-then-set", "test-only")
        if tested != "set":
            raise Unsupported(f"test-option {tested} (:validate is not advertised)", path=f"{path}/nc:test-option")
        options = ("stop-on-error", "continue-on-error", "rollback-on-error")
        if _choice(parameters, "error-option", path, *options) == "continue-on-error":
            what = "error-option continue-on-error (an edit is all or nothing)"
            raise Unsupported(what, path=f"{path}/nc:error-option")
        if "url" in parameters:
            rule = "an edit must come in <config>: :url is not advertised"
            raise UnknownElement(rule, path=path, name="url", namespace=BASE)
        if "config" not in parameters:
            raise MissingElement("<edit-config> must have a <config>", path=path, name="config")
        if not caller.administrator:
            raise Denied("editing the configuration")
        await self._datastores.edit(caller, parameters["config"], default)
        return OK

    async def _close_session(self, caller: Caller, operation: _Element) -> Farewell:
        del caller
        _parameters(operation)
        return Farewell()

    async def _kill_session(self, caller: Caller, operation: _Element) -> bytes:
        """End another session (RFC 6241 section 7.9); its user may, and whoever administers this server."""
        parameters = _parameters(operation, "session-id")
        path = "/nc:rpc/nc:kill-session"
        if "session-id" not in parameters:
            raise MissingElement("<kill-session> must name a session-id", path=path, name="session-id")
        text = (parameters["session-id"].text or "").strip()
        path += "/nc:session-id"
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:11]) <= LARGEST_SESSION_ID):
            raise BadValue(f"a session-id is a number from 1 to {LARGEST_SESSION_ID}", path=path, name="session-id")
        session_id = int(text)
        if session_id == caller.session_id:
            raise BadValue("a session cannot kill itself", path=path, name="session-id")
        session = self._sessions.get(session_id)
        if session is None:
            raise BadValue(f"there is no session {session_id}", path=path, name="session-id")
        if session.caller.username != caller.username and not caller.administrator:
            raise Denied(f"killing session {session_id}")
        session.kill(caller)
        return OK


def _parameters(operation: _Element, *known: str) -> dict[str, _Element]:
    """Return the parameters of an operation of NETCONF by name; each is known and given once."""
    path = _path(operation)
    for key in operation.attrib:
        name = split(str(key))[1]
        raise UnknownAttribute(f"{_name(operation)} has no attribute {name}", path=path, name=name)
    if operation.text and operation.text.strip():
        raise BadValue(f"{_name(operation)} must contain no text", path=path)
    found: dict[str, _Element] = {}
    for element in operation:
        namespace, name = split(element.tag)
        if namespace != BASE or name not in known:
            rule = f"{_name(operation)} has no parameter <{name}>" + (f" of {namespace}" if namespace != BASE else "")
            raise UnknownElement(rule, path=path, name=name, namespace=namespace)
        if name in found:
            raise DuplicateNode(f"<{name}> is given twice", path=f"{path}/nc:{name}", name=name)
        found[name] = element
    return found


def _choice(parameters: Mapping[str, _Element], name: str, path: str, *values: str) -> str:
    """Return the value of a parameter; the first one is the default."""
    found = parameters.get(name)
    if found is None:
        return values[0]
    text = (found.text or "").strip()
    if len(found) or text not in values:
        raise BadValue(f"{name} is one of {', '.join(values)}", path=f"{path}/nc:{name}", name=name)
    return text


def _expect_running(operation: _Element, parameters: Mapping[str, _Element], which: str) -> None:
    """See that <source> or <target> is the running datastore, the only one that is advertised."""
    path = f"{_path(operation)}/nc:{which}"
    if which not in parameters:
        raise MissingElement(f"{_name(operation)} must name a <{which}>", path=_path(operation), name=which)
    source = parameters[which]
    if len(source) == 0:
        raise MissingChoice(f"<{which}> must name a datastore", path=path, name=f"config-{which}")
    if len(source) > 1:
        raise DuplicateNode(f"<{which}> must name one datastore only", path=path, name=split(source[1].tag)[1])
    namespace, name = split(source[0].tag)
    if namespace != BASE:
        raise UnknownNamespace("a datastore is named in the namespace of NETCONF", path=path, name=name,
                               namespace=namespace)  # fmt: skip
    if name in _NOT_ADVERTISED:
        rule = f"the datastore <{name}> does not exist: {_NOT_ADVERTISED[name]} is not advertised"
        raise UnknownElement(rule, path=path, name=name, namespace=namespace)
    if name != "running":
        raise UnknownElement(f"there is no datastore <{name}>", path=path, name=name, namespace=namespace)


def _selection(operation: _Element, wanted: _Element | None) -> Selection:
    """Return what a <filter> asks for; only subtree filters are advertised."""
    if wanted is None:
        return EVERYTHING
    path = f"{_path(operation)}/nc:filter"
    kind = "subtree"
    for key, value in wanted.attrib.items():
        namespace, name = split(str(key))
        if name not in ("type", "select") or namespace not in ("", BASE):
            raise UnknownAttribute(f"<filter> has no attribute {name}", path=path, name=name)
        kind = str(value) if name == "type" else kind
    if kind == "xpath":
        rule = "filters of type xpath are not supported (:xpath is not advertised); use type subtree"
        raise BadAttribute(rule, path=path, name="type")
    if kind != "subtree":
        raise BadAttribute(f"a filter's type must be subtree, not {kind!r}", path=path, name="type")
    if "select" in wanted.attrib:
        raise UnknownAttribute("a subtree filter has no attribute select", path=path, name="select")
    return Selection.of(wanted)


def _data(elements: Sequence[_Element]) -> bytes:
    shown = [etree.tostring(element, encoding="utf-8", with_tail=False) for element in elements]
    return b"<data>%b</data>" % b"".join(shown)


def _name(operation: _Element) -> str:
    return f"<{split(operation.tag)[1]}>"


def _path(operation: _Element) -> str:
    return f"/nc:rpc/nc:{split(operation.tag)[1]}"
