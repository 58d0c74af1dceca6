"""{+restconf}/data and /ds: what is configured and what is so, to be read (RFC 8040 section 3.4, RFC 8527)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

from promise.errors import BadParameter, NoResource
from promise.northbound.datastore import Kind
from promise.northbound.pages import Page
from promise.northbound.port import Content, Datastore, Datastores
from promise.northbound.records import LISTS, Found, Part
from promise.northbound.restconf import markup, media
from promise.northbound.restconf.annotations import INTENDED, mark
from promise.northbound.restconf.conditions import State, not_modified
from promise.northbound.restconf.defaults import with_defaults
from promise.northbound.restconf.exchange import Encoding, Reply
from promise.northbound.restconf.longlist import LONG, LongList, dumped, in_turn, is_long, pieces
from promise.northbound.restconf.paging import cut, page_of
from promise.northbound.restconf.paths import qualified, read_path
from promise.northbound.restconf.query import OPERATION, PAGING, READING, Query, read_query
from promise.northbound.restconf.view import of_content, shaped
from promise.northbound.running import TOP

if TYPE_CHECKING:
    from promise.northbound.access import Caller
    from promise.northbound.datastore import Node, Tree
    from promise.northbound.records import Records
    from promise.northbound.restconf.annotations import Annotation
    from promise.northbound.restconf.exchange import Request
    from promise.northbound.restconf.paths import Target

_CONFIGURATIONS: Final = frozenset({Datastore.RUNNING, Datastore.CANDIDATE})
_OF_URI: Final = "%!$&'()*+,;=:@/?"
"""What a URI may hold as it is (RFC 3986): the rest has to be encoded, whatever the client has sent."""

_BRANCH: Final = 2
"""So many steps lead to a child of /promise: what can be read on its own."""


class Configurations(Datastores, Protocol):
    """The datastores, with the trees of those that hold configuration."""

    async def tree(self, datastore: Datastore, caller: Caller | None = None) -> Tree:
        """Return the configuration of running or candidate, with a caller what that one may see of it."""


class Resources:
    """Answers requests that read what is below {+restconf}/data."""

    def __init__(self, records: Records, datastores: Configurations) -> None:
        self._records = records
        self._datastores = datastores
        self._schema = datastores.schema

    async def get(self, caller: Caller, request: Request, path: str, datastore: Datastore | None) -> Reply:
        """Answer GET or HEAD; `path` is what follows the datastore, None = configuration and state ("/data")."""
        target = read_path(path, self._schema)
        query = _query(request.query, target, datastore)
        wanted = media.wanted(request, media.LISTS if target.whole_list else media.DATA)
        page = None if query.page is None else page_of(query.page, target, self._schema)
        found = await self._found(caller, target, query, datastore, page)
        if found.long:
            return await self._long_list(caller, target, query, datastore, wanted)
        value, annotation = self._value(caller, target, found, query, datastore)
        if page is not None and not _aged(target, datastore):
            value, found.cursor = cut(value, target.node, page)
        state = await self._state(caller, target, found, datastore)
        headers = state.headers(wanted.encoding) if state else {}
        if target.whole_list and found.cursor:
            headers["Link"] = f'<{_next(request, found.cursor)}>; rel="next"'
        if state and not_modified(request, state, wanted.encoding, exact=_exact(target, query)):
            return Reply(304, headers=headers)
        if is_long(value):
            return await self._long(target, query, value, wanted, headers)
        value = self._shaped(target, query, value)
        return Reply(200, self._written(target, value, annotation, wanted), wanted.name, headers)

    def _shaped(self, target: Target, query: Query, value: Any) -> Any:
        """Return what a query wants of a value."""
        return value if query.plain else shaped(value, target.node if target.steps else None, query, self._schema)

    async def _long_list(
        self, caller: Caller, target: Target, query: Query, datastore: Datastore | None, wanted: media.Media
    ) -> Reply:
        """Answer with a list, of state, that is too long to be read at once."""

        async def part(cursor: str) -> tuple[list[Any], str]:
            found = await self._records.page(caller, target.node.name, Page(LONG, cursor=cursor))
            value, _ = self._value(caller, target, found, query, datastore)
            return self._shaped(target, query, value), found.cursor

        first, cursor = await part("")  # what is wrong with the query is told before the answer begins
        if not cursor:
            return Reply(200, self._written(target, first, {}, wanted), wanted.name)
        stream = LongList(target.node, wanted).written((first, cursor), part)
        return Reply(200, media=wanted.name, stream=stream)

    async def _long(
        self, target: Target, query: Query, value: Any, wanted: media.Media, headers: dict[str, str]
    ) -> Reply:
        """Answer with a node that has a very long list in it; what takes long and is ours alone, a thread does."""
        value = await asyncio.to_thread(self._shaped, target, query, value)
        if wanted.encoding is Encoding.XML:
            text = await asyncio.to_thread(self._written, target, value, {}, wanted)
            return Reply(200, text, wanted.name, headers)
        document = _document(target, value, {}) if target.steps else {"ietf-restconf:data": value}
        return Reply(200, media=wanted.name, headers=headers, stream=in_turn(pieces(document)))

    def _value(
        self, caller: Caller, target: Target, found: Found, query: Query, datastore: Datastore | None
    ) -> tuple[Any, Annotation]:
        """Return what is there of the target, for an entry of a list the entry; with the annotation of a leaf."""
        leaf = bool(target.steps) and target.node.kind in {Kind.LEAF, Kind.LEAF_LIST}
        tree = found.tree
        if not leaf or not target.found_in(tree):  # a leaf that is asked for is shown also where it has its default
            tree = self._with_defaults(caller, target, tree, query, datastore)
        value = target.found_in(tree)
        if target.steps and query.content is not Content.ALL and value is not None:
            value = of_content(value, target.node, query.content) or None
        if value is None and target.whole_list:
            return [], {}
        if value is None:
            raise NoResource(f"there is no {target.node.name} here" + _asked(query), path=target.path)
        if not leaf:
            return value, {}
        if target.found_in(found.tree) is None:
            return value, mark(query.with_defaults, with_origin=query.with_origin)
        return value, INTENDED if query.with_origin and target.node.config else {}

    def _with_defaults(
        self, caller: Caller, target: Target, tree: Tree, query: Query, datastore: Datastore | None
    ) -> Tree:
        """Return a tree with the defaults that are wanted, as far as the caller may see them.

        One leaf that is not set has its default whatever the mode (RFC 8040 section 3.5.4), but not in the datastores
        that have names (RFC 8527 section 3.2).
        """
        mode = query.with_defaults
        if mode in {None, "explicit"} and datastore is None and target.steps and target.node.default is not None:
            mode = "report-all" if target.parent.exists_in(tree) else mode
        if mode in {None, "explicit"} or query.content is Content.NONCONFIG:
            return tree
        marked = mark(mode, with_origin=query.with_origin)
        return self._records.shown(caller, with_defaults(tree, self._schema.top.values(), mode or "", marked))

    async def _found(
        self, caller: Caller, target: Target, query: Query, datastore: Datastore | None, page: Page | None
    ) -> Found:
        """Read what a target needs."""
        if datastore in _CONFIGURATIONS and query.content is Content.NONCONFIG:
            return Found({})
        if page is not None and _aged(target, datastore):
            if query.content is Content.CONFIG:
                return Found({})
            return await self._records.page(caller, target.node.name, page)
        if datastore is not Datastore.CANDIDATE:
            return await self._records.read(caller, _part(target, query))
        return Found(await self._datastores.tree(datastore, caller))

    async def _state(self, caller: Caller, target: Target, found: Found, datastore: Datastore | None) -> State | None:
        """Return what identifies the configuration of the target, None where it has none."""
        if target.steps and not target.node.config:
            return None
        configuration = await self._records.configuration_for(caller)
        if datastore is Datastore.CANDIDATE:
            configuration = configuration._replace(tree=found.tree)
        return State.of(target.found_in(configuration.tree), configuration.modified)

    def _written(self, target: Target, value: Any, annotation: Annotation, wanted: media.Media) -> bytes:
        if not target.steps:
            if wanted.encoding is Encoding.XML:
                return markup.datastore(value, self._schema.top)
            return dumped({"ietf-restconf:data": value})
        node = target.node
        if wanted.encoding is Encoding.JSON:
            return dumped(_document(target, value, annotation))
        if not target.whole_list:
            return markup.element(node, value, annotation)
        if wanted.name == media.XML_LIST:
            return markup.several(node, value)
        if len(value) != 1:  # RFC 8040 section 4.3
            rule = f"XML holds one entry; ask for {media.XML_LIST}, for JSON, or for one entry by its key"
            raise BadParameter(f"{node.name} has {len(value)} entries here: {rule}")
        return markup.element(node, value[0], annotation)


def _document(target: Target, value: Any, annotation: Annotation) -> dict[str, Any]:
    """Return the object that holds a resource; the annotations of a leaf stand beside it (RFC 7952 section 5.2)."""
    name = qualified(target.node)
    shown = {name: [value] if target.node.many and target.key is not None else value}
    if annotation:
        shown[f"@{name}"] = [annotation] * len(shown[name]) if target.node.many else annotation
    return shown


def _query(text: str, target: Target, datastore: Datastore | None) -> Query:
    """Return what the parameters say; running and candidate hold configuration only, and operational what is in use."""
    known = OPERATION if datastore is Datastore.OPERATIONAL else READING
    query = read_query(text, known | PAGING if target.whole_list else known)
    if datastore in _CONFIGURATIONS:
        return query if query.content is Content.NONCONFIG else replace(query, content=Content.CONFIG)
    if datastore is Datastore.OPERATIONAL and query.with_defaults in {None, "explicit"}:
        return replace(query, with_defaults="report-all")
    return query


def _aged(target: Target, datastore: Datastore | None) -> bool:
    """Tell whether a target is one of the long lists of records."""
    steps = target.steps
    return (
        len(steps) == _BRANCH
        and target.whole_list
        and steps[0].node.member == TOP
        and target.node.name in LISTS
        and datastore not in _CONFIGURATIONS
    )


def _part(target: Target, query: Query) -> Part:
    """Return what has to be read for a target."""
    top = target.steps[0].node.member if target.steps else None
    if len(target.steps) < _BRANCH or top != TOP:
        return Part(top, content=query.content)
    branch = target.steps[1]
    key = str(branch.key[0]) if branch.key else None
    return Part(top, branch.node.name, key, query.content)


def _asked(query: Query) -> str:
    return "" if query.content is Content.ALL else f" that is content {query.content}"


def _exact(target: Target, query: Query) -> bool:
    """Tell whether the answer shows configuration alone, so that its tag tells all of it."""
    return query.content is Content.CONFIG or (bool(target.steps) and _configuration_only(target.node))


def _configuration_only(node: Node) -> bool:
    return node.config and all(_configuration_only(child) for child in node.children.values())


def _next(request: Request, cursor: str) -> str:
    """Return the URI of the next page: that of this one with another cursor."""
    kept = [part for part in request.query.split("&") if part.partition("=")[0] not in {"cursor", "offset"}]
    following = "&".join([*kept, f"cursor={quote(cursor, safe='')}"])
    return quote(f"{request.path}?{following}", safe=_OF_URI)
