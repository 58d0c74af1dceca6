"""POST, PUT, PATCH and DELETE of configuration (RFC 8040 sections 4.4 to 4.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from promise.errors import BadParameter, NoResource, NotAllowed, PromiseError
from promise.northbound.datastore import Kind
from promise.northbound.editing import Change, Operation
from promise.northbound.faults import fault
from promise.northbound.port import Datastore
from promise.northbound.restconf import media
from promise.northbound.restconf.conditions import State, check
from promise.northbound.restconf.edits import (
    Guarded,
    about,
    nested,
    placed,
    read_body,
    read_datastore,
    single,
)
from promise.northbound.restconf.exchange import Encoding, Reply
from promise.northbound.restconf.patching import Failure, Patch, blamed, read_edit, read_patch, status
from promise.northbound.restconf.paths import Target, read_path
from promise.northbound.restconf.query import NOTHING, PLACING, read_query

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promise.northbound.access import Caller
    from promise.northbound.datastore import Node, Tree
    from promise.northbound.faults import Fault
    from promise.northbound.records import Records
    from promise.northbound.restconf.exchange import Request
    from promise.northbound.restconf.patching import Document, Steps
    from promise.northbound.restconf.query import Query
    from promise.northbound.restconf.resources import Configurations

READ: Final = ("GET", "HEAD", "OPTIONS")
ACCEPT_PATCH: Final = f"{media.JSON}, {media.XML}, {media.PATCH_JSON}, {media.PATCH_XML}"


def is_set(target: Target, tree: Tree) -> bool:
    """Tell whether something is configured at a target."""
    return target.found_in(tree) is not None


def has_place(target: Target, tree: Tree) -> bool:
    """Tell whether a target is there or could be: what it stands in is."""
    return target.parent.exists_in(tree)


class Place(NamedTuple):
    """Where a request is about something: `root` is the URI of the datastore, `path` what follows it."""

    root: str
    path: str
    datastore: Datastore = Datastore.RUNNING


class Configuring:
    """Answers requests that change what is below {+restconf}/data."""

    def __init__(self, records: Records, datastores: Configurations, status_of: Callable[[Fault], int]) -> None:
        self._status_of = status_of
        self._records = records
        self._datastores = datastores
        self._schema = datastores.schema

    async def answer(self, caller: Caller, request: Request, place: Place) -> Reply:
        """Answer a request about something in a place. Raises errors.PromiseError."""
        target = read_path(place.path, self._schema)
        allowed = methods(target) if place.datastore is not Datastore.OPERATIONAL else READ
        if request.method not in allowed:
            raise NotAllowed(_why_not(target, request.method), allowed)
        if request.method == "OPTIONS":
            patch = {"Accept-Patch": ACCEPT_PATCH} if "PATCH" in allowed else {}
            return Reply(200, headers={"Allow": ", ".join(allowed), **patch})
        query = read_query(request.query, PLACING if request.method in {"POST", "PUT"} else NOTHING)
        match request.method:
            case "POST":
                return await self._post(caller, request, place, target, query)
            case "PUT":
                return await self._put(caller, request, place, target, query)
            case "PATCH" if _is_yang_patch(request):
                return await self._yang_patch(caller, request, place, target)
            case "PATCH":
                return await self._patch(caller, request, place, target)
            case _:
                change = Change(target.node, Operation.DELETE, target.path, None, target.key or ())
                await self.edit(caller, request, place, target, nested(target.parent, [change]), there=is_set)
                return Reply(204)

    async def _post(self, caller: Caller, request: Request, place: Place, parent: Target, query: Query) -> Reply:
        """Create a child of the target."""
        body, encoding = await _content(request)
        change = single(read_body(body, encoding, parent, Operation.CREATE, self._schema))
        change = placed(change, parent, query, self._schema)
        made = parent.below(change.node, change.key if change.node.many else None)
        await self.edit(caller, request, place, parent, nested(parent, [change]))
        headers = {
            "Location": f"{request.origin}{place.root}{made.uri()}",
            **await self._tags(caller, place, made, encoding),
        }
        return Reply(201, headers=headers)

    async def _put(self, caller: Caller, request: Request, place: Place, target: Target, query: Query) -> Reply:
        """Create the target, or replace it."""
        body, encoding = await _content(request)
        if not target.steps:
            if query.insert is not None:
                raise BadParameter("insert has no meaning for the datastore")
            changes = tuple(read_datastore(body, encoding, Operation.REPLACE, self._schema))
            await self.edit(caller, request, place, target, changes, anew=True)
            return Reply(204, headers=await self._tags(caller, place, target, encoding))
        change = about(target, single(read_body(body, encoding, target.parent, Operation.REPLACE, self._schema)))
        change = placed(change, target.parent, query, self._schema)
        was_there = await self.edit(caller, request, place, target, nested(target.parent, [change]), there=has_place)
        headers = await self._tags(caller, place, target, encoding)
        if was_there:
            return Reply(204, headers=headers)
        return Reply(201, headers={"Location": f"{request.origin}{place.root}{target.uri()}", **headers})

    async def _patch(self, caller: Caller, request: Request, place: Place, target: Target) -> Reply:
        """Merge the body into the target (plain patch, section 4.6.1)."""
        body, encoding = await _content(request)
        if not target.steps:
            changes = tuple(read_datastore(body, encoding, Operation.MERGE, self._schema))
        else:
            change = about(target, single(read_body(body, encoding, target.parent, Operation.MERGE, self._schema)))
            changes = nested(target.parent, [change])
        await self.edit(caller, request, place, target, changes)
        return Reply(204, headers=await self._tags(caller, place, target, encoding))

    async def _yang_patch(self, caller: Caller, request: Request, place: Place, target: Target) -> Reply:
        """Make the edits of a YANG Patch (RFC 8072)."""
        encoding = media.given(request, media.PATCH).encoding
        wanted = media.wanted(request, usual=media.Media(*media.STATUS[encoding]))
        document = read_patch(await request.body(), encoding)
        failure = Failure()
        steps: Steps = ()
        try:
            steps = self._steps(document, target, failure)
            changes = tuple(change for _, some in steps for change in some)
            modified = (await self._records.configuration()).modified
            guard = lambda tree: _expect(request, target, modified, self._records.shown(caller, tree))  # noqa: E731
            patch = Patch(changes, guard=guard, steps=steps, failure=failure)
            await self._datastores.edit(caller, place.datastore, patch)
        except PromiseError as error:
            failure.error = error
            failure.edit_id = failure.edit_id or blamed(steps, error)
            told = status(document.patch_id, failure, wanted.encoding)
            return Reply(self._status_of(fault(error)), told, wanted.name)
        body = status(document.patch_id, failure, wanted.encoding)
        return Reply(200, body, wanted.name, await self._tags(caller, place, target, wanted.encoding))

    def _steps(self, document: Document, target: Target, failure: Failure) -> Steps:
        """Read each edit of a patch, and note which of them is being read."""
        found = []
        for edit in document.edits:
            failure.edit_id = edit["edit-id"]
            found.append((failure.edit_id, read_edit(edit, target, self._schema)))
        failure.edit_id = ""
        return tuple(found)

    async def edit(
        self,
        caller: Caller,
        request: Request,
        place: Place,
        target: Target,
        changes: Sequence[Change],
        *,
        anew: bool = False,
        there: Callable[[Target, Tree], bool] = Target.exists_in,
    ) -> bool:
        """Make an edit if what it needs is `there` and its conditions hold; tell whether the target was set before."""
        modified = (await self._records.configuration()).modified
        before: list[Any] = [None]

        def guard(tree: Tree) -> None:
            seen = self._records.shown(caller, tree)
            before[0] = target.found_in(seen)
            if not there(target, seen):
                raise NoResource(f"there is no {target.node.name} here", path=target.path)
            check(request, State.of(before[0], modified))

        await self._datastores.edit(caller, place.datastore, Guarded(tuple(changes), anew, guard))
        return before[0] is not None

    async def _tags(self, caller: Caller, place: Place, target: Target, encoding: Encoding) -> dict[str, str]:
        """Return the header fields that tell which configuration the target has now."""
        tree, modified = await self._records.configuration_for(caller)
        if place.datastore is Datastore.CANDIDATE:
            tree = await self._datastores.tree(place.datastore, caller)
        return State.of(target.found_in(tree), modified).headers(encoding)


def methods(target: Target) -> tuple[str, ...]:
    """Return the methods that a resource has."""
    if not target.steps:
        return (*READ, "POST", "PUT", "PATCH")
    node = target.node
    if not node.config or target.whole_list:
        return READ
    if _is_key(target, node):
        return READ
    more = ("POST",) if node.kind in {Kind.CONTAINER, Kind.LIST} else ()
    return (*READ, *more, "PUT", "PATCH", "DELETE")


def _is_key(target: Target, node: Node) -> bool:
    return len(target.steps) > 1 and node.member in target.parent.node.keys


def _why_not(target: Target, method: str) -> str:
    if not target.steps:
        return f"the datastore cannot be asked to {method}"
    name = target.node.name
    if not target.node.config:
        return f"{name} is state: it changes by operations only"
    if target.whole_list:
        return f"{name} is a list: choose an entry by its key"
    if _is_key(target, target.node):
        return f"{name} is a key: it comes and goes with its entry"
    return f"{name} cannot be asked to {method[:16]}"


def _is_yang_patch(request: Request) -> bool:
    return (request.header("Content-Type") or "").partition(";")[0].strip().lower() in media.PATCH


def _expect(request: Request, target: Target, modified: int, tree: Tree) -> None:
    """Raise unless a target is there and what the client makes a condition holds."""
    if not target.exists_in(tree):
        raise NoResource(f"there is no {target.node.name} here", path=target.path)
    check(request, State.of(target.found_in(tree), modified))


async def _content(request: Request) -> tuple[bytes, Encoding]:
    """Return the body and what it is written in."""
    encoding = media.given(request).encoding
    media.wanted(request)
    return await request.body(), encoding
