"""The schema as the generator sees it: plain records between reading and writing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from pyang.error import EmitError

if TYPE_CHECKING:
    from .layout import Call

Statement = Any
"""A statement of pyang, which has no types."""


def refuse(statement: Statement, why: str) -> NoReturn:
    """Stop the build: name the place, the statement and why the bindings cannot do it."""
    keyword = statement.raw_keyword
    written = ":".join(keyword) if isinstance(keyword, tuple) else keyword
    where = f"{statement.pos.ref}:{statement.pos.line}"
    raise EmitError(f"{where}: {written} {statement.arg or ''}: the bindings cannot express this: {why}")


@dataclass(frozen=True)
class Scalar:
    """A type: `source` builds it at run time, a constant or a call; `annotation` is the Python type of its values.

    `kind` says what a condition may do with a value: string, enumeration, boolean, integer, decimal, identity or
    other. `identities` are the names that an identityref takes, each with its bases.
    """

    source: str | Call
    annotation: str
    kind: str
    typedef: str = ""
    identities: tuple[tuple[str, frozenset[str]], ...] = ()


@dataclass(eq=False)
class Choice:
    """A choice and its cases."""

    statement: Statement
    name: str
    cases: list[Case] = field(default_factory=list)
    mandatory: bool = False
    default: str = ""


@dataclass(eq=False)
class Case:
    """A case: what stands in it together."""

    name: str
    parts: list[Part] = field(default_factory=list)


@dataclass(eq=False)
class Node:
    """A data node, or the body of a message; `parent` is the data node (or body) around it.

    `conditional` nodes may be absent without fault: they stand in a case or below a `when`. `body` is the name of the
    class of a container, list entry or message.
    """

    statement: Statement
    keyword: str
    module: str
    name: str
    parent: Node | None
    description: str = ""
    units: str = ""
    secret: bool = False
    config: bool = True
    conditional: bool = False
    scalar: Scalar | None = None
    mandatory: bool = False
    presence: bool = False
    defaults: list[str] = field(default_factory=list)
    keys: tuple[str, ...] = ()
    unique: list[tuple[str, ...]] = field(default_factory=list)
    least: int = 0
    most: int | None = None
    distinct: bool = False
    musts: list[Statement] = field(default_factory=list)
    whens: list[Statement] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    body: str = ""

    @property
    def is_series(self) -> bool:
        """Whether there may be several."""
        return self.keyword in ("list", "leaf-list")

    @property
    def has_body(self) -> bool:
        """Whether it has children."""
        return self.keyword not in ("leaf", "leaf-list")

    def children(self) -> list[Node]:
        """Return the data nodes below, through choices and cases, in schema order."""
        return list(_flat(self.parts))


Part = Node | Choice


def _flat(parts: list[Part]) -> list[Node]:
    found: list[Node] = []
    for part in parts:
        if isinstance(part, Node):
            found.append(part)
        else:
            for case in part.cases:
                found.extend(_flat(case.parts))
    return found


@dataclass(eq=False)
class Operation:
    """An RPC with two bodies, or a notification with one; `kind` is the class of the run time."""

    kind: str
    name: str
    module: str
    description: str
    bodies: tuple[Node, ...]
    default_deny: str = ""


@dataclass(frozen=True)
class Module:
    """A module of the build."""

    name: str
    revision: str
    namespace: str
    prefix: str
    file: str
    features: tuple[str, ...]
    conformance: str


@dataclass
class Schema:
    """Everything that is generated."""

    modules: list[Module] = field(default_factory=list)
    rpcs: list[Operation] = field(default_factory=list)
    notifications: list[Operation] = field(default_factory=list)
    data: list[Node] = field(default_factory=list)
