"""<get-data> and <edit-data> (RFC 8526): the datastores by the names of RFC 8342, operation among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from promise.errors import BadValue, DuplicateNode, Invalid, MissingChoice, UnknownElement
from promise.northbound.defaults import Report, reported
from promise.northbound.editing import Operation
from promise.northbound.editxml import read_edit
from promise.northbound.message import split
from promise.northbound.origin import Origin, Origins, kept, labelled
from promise.northbound.port import Content, Datastore
from promise.northbound.rpcs.filters import ALL, DEFAULTS, SubtreeFilter, report_of, selection_of, xpath_of
from promise.northbound.rpcs.parameters import NMDA, OK, choice, identity_of, nmda_datastore, parameters_of, text_of
from promise.northbound.rpcs.retrieval import Retrieval, data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.port import Datastores
    from promise.northbound.rpcs.filters import Filter

NAMESPACE: Final = NMDA
PREFIXES: Final = {"ncds": NAMESPACE}

_GET: Final = "/nc:rpc/ncds:get-data"
_EDIT: Final = "/nc:rpc/ncds:edit-data"
_ORIGIN: Final = "urn:ietf:params:xml:ns:yang:ietf-origin"
_DEEPEST: Final = 65535
_MANY: Final = frozenset({"origin-filter", "negated-origin-filter"})


@dataclass(frozen=True, slots=True)
class _Question:
    """A <get-data>, read; `depth` None = unbounded, `report` None = not said."""

    datastore: Datastore
    wanted: Filter
    content: Content
    depth: int | None
    report: Report | None
    origins: Origins
    with_origin: bool


class Nmda:
    """The operations of ietf-netconf-nmda."""

    def __init__(self, datastores: Datastores, retrieval: Retrieval) -> None:
        self._datastores = datastores
        self._retrieval = retrieval

    async def answer(self, caller: Caller, operation: _Element) -> bytes:
        """Decide an operation of this namespace."""
        name = split(operation.tag)[1]
        if name == "get-data":
            return await self._get_data(caller, operation)
        if name == "edit-data":
            return await self._edit_data(caller, operation)
        raise UnknownElement(f"RFC 8526 has no operation <{name}>", path="/nc:rpc", name=name, namespace=NAMESPACE)

    async def _get_data(self, caller: Caller, operation: _Element) -> bytes:
        asked = _question(operation)
        shown = await self._retrieval.nodes(caller, asked.datastore, asked.wanted.building, asked.content)
        found: Sequence[_Element] = shown.elements()
        top = self._datastores.schema.top
        usual = Report.ALL if asked.datastore is Datastore.OPERATIONAL else Report.EXPLICIT
        report = asked.report or usual
        if asked.datastore is Datastore.OPERATIONAL and asked.content is not Content.NONCONFIG:
            found = reported(found, top, Report.TAGGED, asked.wanted.building)
            found = kept(labelled(found, top) if asked.with_origin else found, top, asked.origins, report)
        elif asked.content is not Content.NONCONFIG:
            found = reported(found, top, report, asked.wanted.building)
        found = self._retrieval.readable(caller, found)  # defaults may stand where something is kept back
        try:
            return data(asked.wanted.prune(found, top, asked.depth), NAMESPACE)
        except Invalid as fault:
            fault.path = fault.path or f"{_GET}/ncds:xpath-filter"
            raise

    async def _edit_data(self, caller: Caller, operation: _Element) -> bytes:
        parameters = parameters_of(operation, "datastore", "default-operation", "config", "url")
        target = nmda_datastore(parameters, _EDIT)
        if target is Datastore.OPERATIONAL:
            rule = "the datastore operational cannot be edited: edit running or candidate"
            raise BadValue(rule, path=f"{_EDIT}/ncds:datastore", name="datastore")
        default = Operation(choice(parameters, "default-operation", _EDIT, "merge", "replace", "none", prefix="ncds"))
        if "url" in parameters:
            rule = "an edit must come in <config>: :url is not advertised"
            raise UnknownElement(rule, path=_EDIT, name="url", namespace=NAMESPACE)
        if "config" not in parameters:
            raise MissingChoice("<edit-data> must have a <config>", path=_EDIT, name="edit-content")
        edit = read_edit(parameters["config"], default, self._datastores.schema, f"{_EDIT}/ncds:config")
        await self._datastores.edit(caller, target, edit)
        return OK


def _question(operation: _Element) -> _Question:
    """Read the input of <get-data>."""
    names = ("datastore", "subtree-filter", "xpath-filter", "config-filter", "max-depth", "with-origin",
             "with-defaults", DEFAULTS, *_MANY)  # fmt: skip
    single = [element for element in operation if split(element.tag)[1] not in _MANY]
    parameters = parameters_of(operation, *names, elements=single)
    datastore = nmda_datastore(parameters, _GET)
    origins = _origins(operation, datastore)
    if "with-origin" in parameters and datastore is not Datastore.OPERATIONAL:
        rule = "with-origin is for the datastore operational only"
        raise BadValue(rule, path=f"{_GET}/ncds:with-origin", name="with-origin")
    if (text_of(parameters, "with-origin", _GET) or "").strip():
        raise BadValue("with-origin must be empty", path=f"{_GET}/ncds:with-origin", name="with-origin")
    said = choice(parameters, "config-filter", _GET, "", "true", "false", prefix="ncds")
    return _Question(
        datastore,
        _filter(parameters),
        {"": Content.ALL, "true": Content.CONFIG, "false": Content.NONCONFIG}[said],
        _depth(parameters),
        report_of(parameters.get("with-defaults", parameters.get(DEFAULTS)), _GET, "ncds"),
        origins,
        "with-origin" in parameters,
    )


def _filter(parameters: Mapping[str, _Element]) -> Filter:
    if "subtree-filter" in parameters and "xpath-filter" in parameters:
        raise DuplicateNode("a filter is a subtree or an XPath, not both", path=_GET, name="xpath-filter")
    if "subtree-filter" in parameters:
        return SubtreeFilter(selection_of(parameters["subtree-filter"]), keyed=True)
    expression = text_of(parameters, "xpath-filter", _GET)
    if expression is None:
        return ALL
    return xpath_of(expression, parameters["xpath-filter"], f"{_GET}/ncds:xpath-filter")


def _depth(parameters: Mapping[str, _Element]) -> int | None:
    text = (text_of(parameters, "max-depth", _GET) or "unbounded").strip()
    if text == "unbounded":
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= _DEEPEST):
        rule = f"max-depth is a number from 1 to {_DEEPEST}, or unbounded"
        raise BadValue(rule, path=f"{_GET}/ncds:max-depth", name="max-depth")
    return int(text)


def _origins(operation: _Element, datastore: Datastore) -> Origins:
    """Return which origins are wanted (RFC 8526 section 3.1.1)."""
    found: dict[str, list[Origin]] = {}
    for element in operation:
        name = split(element.tag)[1]
        if name not in _MANY:
            continue
        path = f"{_GET}/ncds:{name}"
        if datastore is not Datastore.OPERATIONAL:
            raise UnknownElement(f"{name} is for the datastore operational only", path=_GET, name=name)
        origin = identity_of(element, _ORIGIN, path)
        if origin not in list(Origin):
            raise BadValue(f"an origin is one of {', '.join(Origin)}", path=path, name=name)
        found.setdefault(name, []).append(Origin(origin))
    if len(found) > 1:
        raise DuplicateNode("origins are named or excluded, not both", path=_GET, name="negated-origin-filter")
    for name, origins in found.items():
        return Origins(frozenset(origins), negated=name == "negated-origin-filter")
    return Origins(None)
