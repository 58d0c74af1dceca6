"""union: the first member type that takes a value has it (RFC 7950 section 9.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promise.errors import BadValue
from promise.northbound.codec.scalar import Json, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element


class Union(Scalar):
    """One of several types, tried in the order of the schema; a rule names what each of them wants."""

    def __init__(self, *members: Scalar) -> None:
        self._members = members
        self.qualified = any(member.qualified for member in members)

    def read_xml(self, text: str, element: _Element | None) -> Any:
        """Return the value as the first member that accepts the text reads it."""
        return self._first(lambda member: member.read_xml(text, element))

    def read_json(self, raw: Json) -> Any:
        """Return the value as the first member that accepts the JSON value reads it (RFC 7951 section 6.10)."""
        return self._first(lambda member: member.read_json(raw))

    def text(self, value: Any) -> str:
        """Return the canonical form of the member that holds the value."""
        return self._holder(value).text(value)

    def write_xml(self, value: Any) -> str:
        """Return the character data of the member that holds the value."""
        return self._holder(value).write_xml(value)

    def write_json(self, value: Any) -> Json:
        """Return the JSON value of the member that holds the value."""
        return self._holder(value).write_json(value)

    def declarations(self, value: Any) -> str:
        """Return the declarations of the member that holds the value."""
        return self._holder(value).declarations(value)

    def holds(self, value: Any) -> bool:
        """Tell whether one of the members holds the value."""
        return any(member.holds(value) for member in self._members)

    def _holder(self, value: Any) -> Scalar:
        for member in self._members:
            if member.holds(value):
                return member
        raise ValueError(f"{value!r} is a value of no member of the union")

    def _first(self, read: Callable[[Scalar], Any]) -> Any:
        rules = []
        for member in self._members:
            try:
                return read(member)
            except BadValue as fault:
                rules.append(fault.rule)
        raise BadValue(", or ".join(dict.fromkeys(rules)))
