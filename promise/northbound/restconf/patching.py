"""YANG Patch (RFC 8072): several edits of a resource, all of them or none, each with its own errors."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from promise.errors import (
    BadElement,
    BadParameter,
    BadValue,
    Invalid,
    Malformed,
    MissingElement,
    NoResource,
    NotUnique,
    TooBig,
    UnknownElement,
)
from promise.northbound.codec import parse_json
from promise.northbound.editing import Change, Edit, Operation, Place
from promise.northbound.faults import fault
from promise.northbound.message import escape, parse, split
from promise.northbound.restconf.edits import about, from_json, from_xml, nested, place, single
from promise.northbound.restconf.exchange import Encoding
from promise.northbound.restconf.faultbody import as_xml, inside_errors
from promise.northbound.restconf.paths import Target, read_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lxml.etree import _Element

    from promise.errors import PromiseError
    from promise.northbound.datastore import Schema, Tree

Steps: TypeAlias = tuple[tuple[str, tuple[Change, ...]], ...]
"""The edits of a patch: the edit-id of each, and what it changes."""

NAMESPACE: Final = "urn:ietf:params:xml:ns:yang:ietf-yang-patch"
MOST_EDITS: Final = 1000

_HEAD: Final = frozenset({"patch-id", "comment", "edit"})
_OF_EDIT: Final = frozenset({"edit-id", "operation", "target", "point", "where", "value"})
_VALUED: Final = frozenset({"create", "insert", "merge", "replace"})
_PLACED: Final = frozenset({"insert", "move"})
_OPERATIONS: Final[Mapping[str, Operation]] = {
    "create": Operation.CREATE,
    "delete": Operation.DELETE,
    "insert": Operation.CREATE,
    "merge": Operation.MERGE,
    "move": Operation.NONE,
    "replace": Operation.REPLACE,
    "remove": Operation.REMOVE,
}


@dataclass(frozen=True, slots=True)
class Document:
    """A patch as it was written; each of `edits` has its parts by name, `value` in JSON or as elements."""

    patch_id: str
    edits: tuple[Mapping[str, Any], ...]


@dataclass
class Failure:
    """Which edit could not be made, and why; without `edit_id` it is the patch as a whole."""

    error: PromiseError | None = None
    edit_id: str = ""


@dataclass(frozen=True)
class Patch(Edit):
    """The edits of a patch, one after the other; what goes wrong with one of them is noted in `failure`."""

    guard: Callable[[Tree], None] = lambda _tree: None
    steps: Steps = ()
    failure: Failure = field(default_factory=Failure)

    def applied(self, tree: Tree) -> Tree:
        """Return the tree as the edits make it."""
        self.guard(tree)
        for edit_id, changes in self.steps:
            try:
                tree = Edit(changes).applied(tree)
            except Invalid as error:
                self.failure.error, self.failure.edit_id = error, edit_id
                raise
        return tree


def read_patch(body: bytes, encoding: Encoding) -> Document:
    """Read the document of a patch. Raises errors.Invalid when it is none."""
    return _document(_from_json(parse_json(body)) if encoding is Encoding.JSON else _from_xml(parse(body)))


def _from_json(raw: Any) -> Mapping[str, Any]:
    if type(raw) is not dict or list(raw) != ["ietf-yang-patch:yang-patch"]:
        raise Malformed('the body must be a JSON object with one member, "ietf-yang-patch:yang-patch"')
    found = raw["ietf-yang-patch:yang-patch"]
    edits = found.get("edit", []) if type(found) is dict else None
    if type(edits) is not list or not all(type(edit) is dict for edit in edits):
        raise BadValue("a patch must be a JSON object, its edit an array of objects")
    return {**found, "edit": edits}


def _from_xml(root: _Element) -> Mapping[str, Any]:
    if split(root.tag) != (NAMESPACE, "yang-patch"):
        raise Malformed(f"the body must be an element yang-patch of {NAMESPACE}")
    found: dict[str, Any] = {"edit": []}
    for child in root:
        name = _own(child)
        if name == "edit":
            found["edit"].append(
                {_own(part): list(part) if _own(part) == "value" else part.text or "" for part in child}
            )
        else:
            found[name] = child.text or ""
    return found


def _own(element: _Element) -> str:
    namespace, name = split(element.tag)
    if namespace != NAMESPACE:
        raise UnknownElement(f"a patch has no element {name} of {namespace}", name=name)
    return name


def _document(raw: Mapping[str, Any]) -> Document:
    _refuse_others(raw, _HEAD, "a patch")
    patch_id = _text(raw, "patch-id", "a patch")
    if type(raw.get("comment", "")) is not str:
        raise BadValue("the comment of a patch must be a string")
    edits = raw["edit"]
    if len(edits) > MOST_EDITS:
        raise TooBig(f"a patch has at most {MOST_EDITS} edits")
    seen = set()
    for edit in edits:
        _refuse_others(edit, _OF_EDIT, "an edit")
        edit_id = _text(edit, "edit-id", "an edit")
        if edit_id in seen:
            raise BadElement(f"there are two edits with the edit-id {edit_id[:64]}", name="edit-id")
        seen.add(edit_id)
    return Document(patch_id, tuple(edits))


def _refuse_others(given: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    for name in given:
        if name not in known:
            raise UnknownElement(f"{what} has no {name[:64]}; it has {', '.join(sorted(known))}", name=name[:64])


def _text(given: Mapping[str, Any], name: str, what: str) -> str:
    if name not in given:
        raise MissingElement(f"{what} must have a {name}", name=name)
    value = given[name]
    if type(value) is not str:
        raise BadValue(f"the {name} of {what} must be a string", name=name)
    return value


def read_edit(edit: Mapping[str, Any], resource: Target, schema: Schema) -> tuple[Change, ...]:
    """Return what an edit changes; its paths are relative to the resource. Raises errors.Invalid."""
    name = _text(edit, "operation", "an edit")
    if name not in _OPERATIONS:
        raise BadValue(f"an operation is one of {', '.join(_OPERATIONS)}", name="operation")
    target = _target(_text(edit, "target", "an edit"), resource, schema)
    if ("value" in edit) is not (name in _VALUED):
        rule = "must have a value" if name in _VALUED else "has no value"
        raise (MissingElement if name in _VALUED else BadElement)(f"the operation {name} {rule}", name="value")
    change = _change(edit, target, _OPERATIONS[name], schema)
    where = _where(edit, name)
    if where is not None:
        if not change.node.ordered or not change.key:
            raise BadValue(f"{name} is for entries of lists that are ordered by the user", name="operation")
        point = edit.get("point")
        about_ = resource.uri() + str(point) if point is not None else None
        insert = place(where, about_, target.parent, change, schema)
        change = Change(change.node, change.operation, change.path, change.value, change.key, change.children, insert)
    return nested(target.parent, [change])


def blamed(steps: Steps, error: PromiseError) -> str:
    """Return the edit-id of the only edit of the node that an error is about, or around it, or in it; else "".

    What is wrong with the whole that edits have made is so told of the edit that made it (RFC 8072 section 2.7).
    """
    path = "" if isinstance(error, NoResource | NotUnique) else str(getattr(error, "path", ""))
    found = []
    for edit_id, changes in steps:
        change = changes[0]
        while change.operation is Operation.NONE and len(change.children) == 1:
            change = change.children[0]
        if path and (_inside(path, change.path) or _inside(change.path, path)):
            found.append(edit_id)
    return found[0] if len(found) == 1 else ""


def _inside(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}/")


def _target(path: str, resource: Target, schema: Schema) -> Target:
    try:
        target = read_path(resource.uri() + (path if path.startswith("/") else f"/{path}"), schema)
    except NoResource as error:
        raise BadValue(f"the target of an edit must be a node of the schema: {error.rule}", name="target") from None
    if not target.steps:
        raise BadParameter("an edit must name a resource below the datastore")
    if target.whole_list:
        raise BadParameter(f"{target.node.name} is a list: choose an entry by its key")
    return target


def _change(edit: Mapping[str, Any], target: Target, operation: Operation, schema: Schema) -> Change:
    if "value" not in edit:
        return Change(target.node, operation, target.path, None, target.key or ())
    value = edit["value"]
    read = from_xml(value, target.parent, operation, schema) if type(value) is list else None
    return about(target, single(read if read is not None else from_json(value, target.parent, operation, schema)))


def _where(edit: Mapping[str, Any], name: str) -> Place | None:
    """Return where an entry is to stand, None when the operation says nothing of it (RFC 8072 section 2.5)."""
    if name not in _PLACED:
        if found := sorted({"where", "point"} & edit.keys()):
            raise BadElement(f"{found[0]} has no meaning with the operation {name}", name=found[0])
        return None
    where = edit.get("where", "last")
    if where not in list(Place):
        raise BadValue(f"where is one of {', '.join(Place)}", name="where")
    if (where in {Place.BEFORE, Place.AFTER}) is not ("point" in edit):
        raise BadElement("point and where before or after are given together, or neither", name="point")
    return Place(where)


def status(patch_id: str, failure: Failure, encoding: Encoding) -> bytes:
    """Return the yang-patch-status that tells what became of a patch (RFC 8072 section 2.3)."""
    faults = [fault(failure.error)] if failure.error else []
    if encoding is Encoding.JSON:
        found: dict[str, Any] = {"patch-id": patch_id}
        if not faults:
            found["ok"] = [None]
        elif failure.edit_id:
            errors = inside_errors(faults)
            found["edit-status"] = {"edit": [{"edit-id": failure.edit_id, "errors": errors}]}
        else:
            found["errors"] = inside_errors(faults)
        return json.dumps({"ietf-yang-patch:yang-patch-status": found}).encode()
    return _status_xml(patch_id, failure, "".join(as_xml(one) for one in faults))


def _status_xml(patch_id: str, failure: Failure, errors: str) -> bytes:
    told = f"<errors>{errors}</errors>"
    if not errors:
        told = "<ok/>"
    elif failure.edit_id:
        told = f"<edit-status><edit><edit-id>{escape(failure.edit_id)}</edit-id>{told}</edit></edit-status>"
    text = f'<yang-patch-status xmlns="{NAMESPACE}"><patch-id>{escape(patch_id)}</patch-id>{told}</yang-patch-status>'
    return text.encode()
