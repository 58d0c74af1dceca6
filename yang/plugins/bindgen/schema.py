"""pyang's statements as records of `model`; whatever this file does not know stops the build."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .model import Case, Choice, Module, Node, Operation, Schema, refuse
from .names import attribute, class_of
from .scalars import Types

if TYPE_CHECKING:
    from .model import Part, Statement

_TEXT: Final = {"description", "reference", "status"}
_DATA: Final = {"leaf", "leaf-list", "container", "list", "choice", "uses"}
_SCOPED: Final = {"typedef", "grouping"}
_RULES: Final = {"must", "when", "if-feature", "config"}

KNOWN: Final[dict[str, set[str]]] = {
    "leaf": _TEXT | _RULES | {"type", "units", "default", "mandatory"},
    "leaf-list": _TEXT | _RULES | {"type", "units", "default", "min-elements", "max-elements", "ordered-by"},
    "container": _TEXT | _RULES | _DATA | _SCOPED | {"presence"},
    "list": _TEXT | _RULES | _DATA | _SCOPED | {"key", "unique", "min-elements", "max-elements", "ordered-by"},
    "choice": _TEXT | {"when", "if-feature", "config", "default", "mandatory", "case"} | (_DATA - {"uses"}),
    "case": _TEXT | _DATA | {"when", "if-feature"},
    "input": _DATA | _SCOPED | {"must"},
    "output": _DATA | _SCOPED | {"must"},
    "rpc": _TEXT | _SCOPED | {"if-feature", "input", "output"},
    "notification": _TEXT | _DATA | _SCOPED | {"must", "if-feature"},
    "uses": _TEXT | {"when", "if-feature", "refine", "augment"},
    "module": _TEXT | _DATA | _SCOPED | {
        "yang-version", "namespace", "prefix", "import", "include", "organization", "contact", "revision", "identity",
        "feature", "rpc", "notification", "augment", "extension",
    },
}  # fmt: skip
"""Which substatements each statement may have."""

_DENY: Final = {("ietf-netconf-acm", "default-deny-all"): "all", ("ietf-netconf-acm", "default-deny-write"): "write"}


class Reader:
    """Reads the modules of one pyang context."""

    def __init__(self, modules: dict[str, Statement], root: Path) -> None:
        self._modules = modules
        self._root = root
        self._types = Types(modules)

    def schema(self, implemented: list[Statement]) -> Schema:
        """Return what the bindings of these modules hold."""
        main = {module.arg for module in implemented}
        schema = Schema(modules=[self._module(self._modules[name], name in main) for name in sorted(self._modules)])
        for module in implemented:
            _check(module)
            for child in module.i_children:
                match child.keyword:
                    case "rpc":
                        schema.rpcs.append(self._rpc(child))
                    case "notification":
                        schema.notifications.append(self._notification(child))
                    case "container" | "list":
                        schema.data.append(self._node(child, None, checked=False))
                    case _:
                        refuse(child, "only containers and lists stand at the top of the data tree")
        return schema

    def _module(self, module: Statement, implemented: bool) -> Module:  # noqa: FBT001
        revision = module.search_one("revision")
        return Module(
            name=module.arg,
            revision=revision.arg if revision is not None else "",
            namespace=module.search_one("namespace").arg,
            prefix=module.search_one("prefix").arg,
            file=self._file(Path(module.pos.ref).resolve()),
            features=tuple(feature.arg for feature in module.search("feature") if _supported(feature)),
            conformance="implement" if implemented else "import",
        )

    def _file(self, path: Path) -> str:
        """Return the path from the directory of our modules, or the name of a file that lies elsewhere."""
        return path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else path.name

    def _rpc(self, statement: Statement) -> Operation:
        _check(statement)
        bodies = [self._body(child) for child in statement.i_children if child.keyword in ("input", "output")]
        bodies.sort(key=lambda body: body.keyword)
        module = statement.i_module.i_modulename
        return Operation("Rpc", statement.arg, module, _text(statement), tuple(bodies), _denied(statement))

    def _notification(self, statement: Statement) -> Operation:
        module = statement.i_module.i_modulename
        body = self._body(statement)
        return Operation("Notification", statement.arg, module, _text(statement), (body,), _denied(statement))

    def _body(self, statement: Statement) -> Node:
        """Return the body of a message, whose rules are compiled."""
        _check(statement)
        node = Node(statement, statement.keyword, statement.i_module.i_modulename, statement.arg, None)
        named = statement.parent if statement.keyword != "notification" else statement
        node.description = _text(named)
        node.musts = statement.search("must")
        node.body = class_of(statement)
        node.parts = self._parts(statement, node, conditional=False, checked=True)
        return node

    def _parts(self, statement: Statement, parent: Node, *, conditional: bool, checked: bool) -> list[Part]:
        parts: list[Part] = []
        for child in statement.i_children:
            if hasattr(child, "i_not_implemented"):
                continue
            if child.keyword == "choice":
                parts.append(self._choice(child, parent, checked=checked))
            elif child.keyword in ("leaf", "leaf-list", "container", "list"):
                parts.append(self._node(child, parent, conditional=conditional, checked=checked))
            elif child.keyword not in ("action", "notification") or checked:
                refuse(child, "an unknown kind of node")
            else:
                refuse(child, "operations inside the data tree have no table")
        return parts

    def _choice(self, statement: Statement, parent: Node, *, checked: bool) -> Choice:
        _check(statement)
        choice = Choice(statement, statement.arg)
        choice.mandatory = checked and _flag(statement, "mandatory")
        default = statement.search_one("default")
        choice.default = default.arg if default is not None and checked else ""
        if checked and _whens(statement) and (choice.mandatory or choice.default):
            refuse(statement, "a choice with a when cannot be mandatory or have a default")
        for case in statement.i_children:
            if hasattr(case, "i_not_implemented"):
                continue
            _check(case)
            choice.cases.append(Case(case.arg, self._parts(case, parent, conditional=True, checked=checked)))
        return choice

    def _node(self, statement: Statement, parent: Node | None, *, conditional: bool = False, checked: bool) -> Node:
        """Return a data node; `checked` nodes belong to messages and carry all rules of the schema."""
        _check(statement)
        node = Node(statement, statement.keyword, statement.i_module.i_modulename, statement.arg, parent)
        units = statement.search_one("units")
        node.description, node.units = _text(statement), units.arg if units is not None else ""
        node.secret = _denied(statement) == "all"
        node.config = statement.i_config is not False
        whens = _whens(statement)
        node.conditional = conditional or bool(whens)
        if checked:
            node.whens, node.musts = whens, statement.search("must")
        getattr(self, "_" + statement.keyword.replace("-", "_"))(node, statement, checked)
        if checked and conditional and whens and (node.mandatory or node.defaults or node.least):
            refuse(statement, "a node with a when in a case cannot be mandatory or have a default")
        return node

    def _leaf(self, node: Node, statement: Statement, checked: bool) -> None:  # noqa: FBT001
        node.scalar = self._types.scalar(statement, node.module, references=not checked)
        node.mandatory = _flag(statement, "mandatory") or getattr(statement, "i_is_key", False)
        if not node.mandatory and (default := _default(statement)) is not None:
            node.defaults = [default]

    def _leaf_list(self, node: Node, statement: Statement, checked: bool) -> None:  # noqa: FBT001
        node.scalar = self._types.scalar(statement, node.module, references=not checked)
        if node.scalar.kind == "empty":
            refuse(statement, "a leaf-list of type empty")
        self._bounds(node, statement, checked)
        node.defaults = [default.arg for default in statement.search("default")] if not node.least else []

    def _container(self, node: Node, statement: Statement, checked: bool) -> None:  # noqa: FBT001
        node.presence = statement.search_one("presence") is not None
        node.body = class_of(statement)
        node.parts = self._parts(statement, node, conditional=False, checked=checked)

    def _list(self, node: Node, statement: Statement, checked: bool) -> None:  # noqa: FBT001
        self._bounds(node, statement, checked)
        node.body = class_of(statement)
        node.parts = self._parts(statement, node, conditional=False, checked=checked)
        key = statement.search_one("key")
        node.keys = tuple(name.rpartition(":")[2] for name in key.arg.split()) if key is not None else ()
        if checked:
            node.unique = [_paths(unique) for unique in statement.search("unique")]

    def _bounds(self, node: Node, statement: Statement, checked: bool) -> None:  # noqa: FBT001
        least, most = statement.search_one("min-elements"), statement.search_one("max-elements")
        if checked:
            node.least = int(least.arg) if least is not None else 0
            node.most = int(most.arg) if most is not None and most.arg != "unbounded" else None


def _supported(feature: Statement) -> bool:
    """Tell whether a feature is one that pyang was told to keep; it keeps all of them when told nothing."""
    module, context = feature.i_module.i_modulename, feature.top.i_ctx
    kept = context.features.get(module)
    return (kept is None or feature.arg in kept) and feature.arg not in context.exclude_features.get(module, ())


def _check(statement: Statement) -> None:
    """Refuse substatements that the bindings do not know."""
    known = KNOWN[statement.keyword]
    for sub in statement.substmts:
        if isinstance(sub.keyword, tuple):
            if sub.keyword not in _DENY:
                refuse(sub, "an unknown extension")
        elif sub.keyword not in known:
            refuse(sub, f"unknown below {statement.keyword}")
        if sub.keyword == "uses":
            _check(sub)


def _text(statement: Statement) -> str:
    description = statement.search_one("description")
    return re.sub(r"\s+", " ", description.arg).strip() if description is not None else ""


def _flag(statement: Statement, keyword: str) -> bool:
    found = statement.search_one(keyword)
    return found is not None and found.arg == "true"


def _denied(statement: Statement) -> str:
    return next((_DENY[sub.keyword] for sub in statement.substmts if sub.keyword in _DENY), "")


def _default(statement: Statement) -> str | None:
    """Return the default of a leaf, or of the nearest typedef that has one."""
    found = statement.search_one("default")
    link = statement.search_one("type").i_typedef
    while found is None and link is not None:
        found, link = link.search_one("default"), link.search_one("type").i_typedef
    return found.arg if found is not None else None


def _whens(statement: Statement) -> list[Statement]:
    """Return every when that decides whether the node may stand: its own, and those of uses, augment, case, choice."""
    whens = list(statement.search("when"))
    if hasattr(statement, "i_augment"):
        for when in statement.i_augment.search("when"):
            when.i_origin = "augment"
            whens.append(when)
    parent = statement.parent
    if statement.keyword in ("case", "choice"):
        for when in whens:
            when.i_origin = getattr(when, "i_origin", statement.keyword)
    if parent is not None and parent.keyword in ("case", "choice"):
        whens += _whens(parent)
    return whens


def _paths(unique: Statement) -> tuple[str, ...]:
    """Return the paths of a unique statement as dotted attributes."""
    return tuple(
        ".".join(attribute(step.rpartition(":")[2]) for step in path.split("/")) for path in unique.arg.split()
    )
