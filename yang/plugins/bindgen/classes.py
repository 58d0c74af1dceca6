"""The dataclasses of the bindings: one for each distinct body, shared wherever the schema shares it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .layout import entries, quoted
from .model import Node, refuse
from .names import attribute, only_uses

if TYPE_CHECKING:
    from .model import Schema, Statement

_WIDTH: Final = 110

_HEAD: Final = '''"""The values that the bindings read and write: one class for each body of the schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

MANDATORY: Final[Any] = None
"""Stands where a value must be given: what was read always has one, and what is written needs one."""
'''


@dataclass
class Field:
    """An attribute of a class: the annotation of one value, and what it is when nothing is given."""

    name: str
    annotation: str
    default: str
    units: str = ""
    secret: bool = False

    def line(self) -> str:
        """Return the attribute's line of the class."""
        default = f"field(default={self.default}, repr=False)" if self.secret else self.default
        comment = f"  # {self.units}" if self.units else ""
        return f"    {self.name}: {self.annotation} = {default}{comment}"


@dataclass
class Class:
    """A class; `origin` is a statement that it was made from, for messages."""

    name: str
    doc: str
    origin: Statement
    fields: list[Field] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the lines of the class."""
        doc = textwrap.wrap(self.doc or f"The YANG node {self.origin.arg}.", _WIDTH)
        head = [f'    """{doc[0]}"""'] if len(doc) == 1 else [
            f'    """{doc[0]}', *(f"    {line}" for line in doc[1:]), '    """'
        ]  # fmt: skip
        body = ["", *(one.line() for one in self.fields)] if self.fields else []
        return ["@dataclass(frozen=True, slots=True, kw_only=True)", f"class {self.name}:", *head, *body]


class Classes:
    """All classes of a schema, each after those that it needs."""

    def __init__(self, schema: Schema) -> None:
        self.found: dict[str, Class] = {}
        for operation in (*schema.rpcs, *schema.notifications):
            for body in operation.bodies:
                self._add(body)
        for node in schema.data:
            self._add(node)

    def text(self) -> str:
        """Return the generated module `classes`."""
        bodies = "\n".join(line for one in self.found.values() for line in ("", "", *one.lines()))
        return f"{_HEAD}{bodies}\n"

    def _add(self, node: Node) -> None:
        """Take in the class of a node with a body, after those of the nodes in it."""
        fields = []
        for child in node.children():
            if child.has_body:
                self._add(child)
            fields.append(self._field(child))
        self._distinct(fields, node)
        known = self.found.get(node.body)
        if known is None:
            self.found[node.body] = Class(node.body, _doc(node), node.statement, fields)
        else:
            _merge(known, fields, node)

    def _distinct(self, fields: list[Field], node: Node) -> None:
        names = [one.name for one in fields]
        for name in names:
            if names.count(name) > 1:
                refuse(node.statement, f"two of its nodes would be the attribute {name}")

    def _field(self, node: Node) -> Field:
        annotation, default = self._typed(node)
        return Field(attribute(node.name), annotation, default, node.units, node.secret)

    def _typed(self, node: Node) -> tuple[str, str]:
        one = node.body if node.has_body else node.scalar.annotation if node.scalar else ""
        if node.is_series:
            defaults = literal(node) if node.defaults and not node.conditional else []
            return f"tuple[{one}, ...]", entries(defaults).flat()
        if node.scalar is not None and node.scalar.kind == "empty":
            return "bool", "False"
        if node.conditional or node.presence:
            return f"{one} | None", "None"
        if node.keyword == "container":
            if _demands(node):
                return one, "MANDATORY"
            return (one, f"{one}()") if provides(node) else (f"{one} | None", "None")
        if node.mandatory:
            return one, "MANDATORY"
        if node.defaults and node.scalar is not None:
            return one, literal(node)[0]
        return f"{one} | None", "None"


def literal(node: Node) -> list[str]:
    """Return the defaults of a leaf or leaf-list as Python literals of its type."""
    assert node.scalar is not None
    match node.scalar.kind:
        case "boolean":
            return [default.capitalize() for default in node.defaults]
        case "integer":
            return [str(_number(default)) for default in node.defaults]
        case "decimal":
            return [f"Decimal({quoted(default)})" for default in node.defaults]
        case "identity":
            return [quoted(default.rpartition(":")[2]) for default in node.defaults]
        case "string" | "enumeration":
            return [quoted(default) for default in node.defaults]
    return refuse(node.statement, f"a default of the type {node.scalar.annotation}")


def _number(text: str) -> int:
    """Return a default as RFC 7950 section 9.2.1 reads it: hexadecimal and octal are allowed there."""
    digits = text.lstrip("+-")
    base = 16 if digits.lower().startswith("0x") else 8 if digits.startswith("0") and digits != "0" else 10
    return int(text, base)


def _demands(node: Node) -> bool:
    """Tell whether a container without presence holds, or leads to, something mandatory."""
    return any(
        child.mandatory or child.least > 0 or (child.keyword == "container" and not child.presence and _demands(child))
        for child in node.children() if not child.conditional
    )  # fmt: skip


def provides(node: Node) -> bool:
    """Tell whether a container without presence always has a default in it."""
    return any(
        bool(child.defaults) or (child.keyword == "container" and not child.presence and provides(child))
        for child in node.children() if not child.conditional
    )  # fmt: skip


def _doc(node: Node) -> str:
    shared = only_uses(node.statement) if node.keyword in ("container", "list") else None
    if shared is None:
        return node.description
    description = shared.search_one("description")
    return " ".join(description.arg.split()) if description is not None else ""


def _merge(known: Class, fields: list[Field], node: Node) -> None:
    """Make the class right for both of its places: what may be absent in one of them may be absent."""
    if [one.name for one in known.fields] != [one.name for one in fields]:
        place = f"{known.origin.pos.ref}:{known.origin.pos.line}"
        refuse(node.statement, f"its class {known.name} would also be that of {place}, which has other nodes")
    for mine, other in zip(known.fields, fields, strict=True):
        mine.secret |= other.secret
        if mine.annotation.removesuffix(" | None") != other.annotation.removesuffix(" | None"):
            refuse(node.statement, f"{known.name}.{mine.name} would have two types")
        if (mine.annotation, mine.default) != (other.annotation, other.default):
            mine.annotation = f"{mine.annotation.removesuffix(' | None')} | None"
            mine.default = "None"
