"""What things are called in Python: attributes, classes and constants from YANG identifiers."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING, Final

from .model import refuse

if TYPE_CHECKING:
    from .model import Operation, Statement

_BODIES: Final = {"input": "Input", "output": "Output"}


def attribute(name: str) -> str:
    """Return the attribute of a node: provider-id is provider_id, a keyword gets an underscore."""
    written = name.replace("-", "_").replace(".", "_")
    return f"{written}_" if keyword.iskeyword(written) or written in ("None", "True", "False") else written


def camel(name: str) -> str:
    """Return a YANG identifier as the name of a class: create-reservation is CreateReservation."""
    return "".join(part[:1].upper() + part[1:] for part in name.replace(".", "-").replace("_", "-").split("-"))


def constant(name: str) -> str:
    """Return a YANG identifier, or the name of a class, as the name of a constant."""
    spaced = "".join(f"_{c}" if c.isupper() and i and not name[i - 1].isupper() else c for i, c in enumerate(name))
    return spaced.replace("-", "_").replace(".", "_").replace("__", "_").upper()


def operation_constant(operation: Operation) -> str:
    """Return the constant of an operation: CREATE_RESERVATION_RPC."""
    return f"{constant(operation.name)}_{operation.kind.upper()}"


def class_of(statement: Statement) -> str:
    """Return the class of a container, list, input, output or notification.

    One whose body is exactly one `uses` has the class of the grouping, which it shares. Every other is named after
    the place where it is defined, not where it is used, so that what a grouping holds is shared as well.
    """
    if statement.keyword in _BODIES:
        return camel(statement.parent.arg) + _BODIES[statement.keyword]
    if statement.keyword == "notification":
        return camel(statement.arg)
    grouping = only_uses(statement)
    if grouping is not None:
        return camel(grouping.arg)
    return _owner(statement.stmt_parent) + camel(statement.arg)


def only_uses(statement: Statement) -> Statement | None:
    """Return the grouping that is the whole body of the statement, else None."""
    kinds = ("leaf", "leaf-list", "container", "list", "choice", "case", "anydata", "anyxml", "uses")
    bodies = [sub for sub in statement.substmts if sub.keyword in kinds]
    if len(bodies) != 1 or bodies[0].keyword != "uses" or bodies[0].search_one("augment") is not None:
        return None
    grouping = bodies[0].i_grouping
    own = [child.arg for child in grouping.i_children if not hasattr(child, "i_not_implemented")]
    return grouping if own == [child.arg for child in statement.i_children] else None


def _owner(statement: Statement) -> str:
    """Return what the name of a class begins with: the grouping, message or class that defines it."""
    match statement.keyword:
        case "module" | "submodule":
            return ""
        case "choice" | "case":
            return _owner(statement.stmt_parent)
        case "grouping":
            return camel(statement.arg)
        case "augment":
            return _owner(statement.i_target_node)
        case "input" | "output":
            return camel(statement.stmt_parent.arg) + _BODIES[statement.keyword]
        case "container" | "list" | "notification":
            return class_of(statement)
    return refuse(statement, "its nodes would have classes without a name")
