"""Containers, with and without presence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.northbound.codec.markup import check_attributes
from promise.northbound.codec.node import Node

if TYPE_CHECKING:
    from lxml.etree import _Element

    from promise.northbound.codec.module import Module
    from promise.northbound.codec.node import Must, Up, Values, When
    from promise.northbound.codec.scalar import Json
    from promise.northbound.codec.struct import Struct

_BLANK: Final = object()
"""In the values: a container was given, and has no content."""


class Container(Node):
    """A container. One without presence is None when nothing in it was given and nothing in it has a default."""

    def __init__(  # noqa: PLR0913
        self,
        module: Module,
        name: str,
        field: str,
        struct: Struct,
        *,
        presence: bool = False,
        mandatory: bool = False,
        musts: tuple[Must, ...] = (),
        whens: tuple[When, ...] = (),
    ) -> None:
        super().__init__(module, name, field, musts, whens)
        self.struct = struct
        self.mandatory = mandatory
        self._presence = presence
        self.gathers = not presence
        self.has_default = not presence and struct.supplies

    def take_xml(self, element: _Element, values: Values) -> None:
        """Read the children of the element."""
        self.once(values)
        if element.keys():
            check_attributes(element)
        values[self.index] = self._body(self.struct.read_xml(element))

    def take_json(self, raw: Json, values: Values) -> None:
        """Read the members of the object."""
        self.once(values)
        values[self.index] = self._body(self.struct.read_json(raw, self.module))

    def _body(self, body: Any) -> Any:
        if body is not None:
            return body
        return self.struct.blank if self._presence else _BLANK

    def gathered(self, given: Any) -> Any:
        """Return None for a container without content."""
        return None if given is _BLANK else given

    def supply(self, values: Values) -> None:
        """Set the defaults inside, or raise for what is mandatory inside."""
        if self.mandatory:
            raise self.missing()
        values[self.index] = self.struct.empty()

    @property
    def judged(self) -> bool:
        """Whether this node or one below has something to judge."""
        return bool(self.musts or self.whens) or self.struct.judged

    def judge(self, value: Any, up: Up) -> None:
        """Judge the container and what is in it; without presence it is always there (RFC 7950 section 7.5.3)."""
        if value is not None:
            self.permit(value, up)
        elif self._presence or self.in_case or not self.expected(up):
            return
        else:
            value = self.struct.blank
        self.require(value, up)
        self.struct.judge(value, up)

    def put_xml(self, value: Any, out: list[str], namespace: str) -> None:
        """Append the element, unless it has no content and its presence says nothing."""
        out.append(self.start(namespace))
        before = len(out)
        self.struct.write_xml(value, out, self.module.namespace)
        if len(out) > before or self._presence:
            out.append(self._end)
        else:
            out.pop()

    def put_json(self, value: Any, out: dict[str, Json], module: Module | None) -> None:
        """Add the object, unless it has no content and its presence says nothing."""
        body = self.struct.write_json(value, self.module)
        if body or self._presence:
            out[self.member(module)] = body
