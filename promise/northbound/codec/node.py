"""The nodes that a container or a message has: what they share, and the leaf.

A node is made once, when the bindings are imported, and then reads and writes values. Reading fills a list `values`
with one place for each node of the parent; None there means "not given". A node raises errors without saying where
it is: whoever calls it puts its `segment` in front of the path (`locate`), so that a path costs nothing until there is
something to say.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from promise.errors import DuplicateNode, MissingElement, MustViolation, NotUnique, UnknownElement
from promise.northbound.codec.markup import leaf_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

    from promise.errors import Invalid
    from promise.northbound.codec.module import Module
    from promise.northbound.codec.scalar import Json, Scalar

Up = Any
"""The ancestors of a node during judgement: (parent, its Up), None above the root."""

Values = list[Any]
"""What was read for the nodes of one parent, by `Node.index`; None where nothing was given."""


def put_before(fault: Invalid, prefix: str) -> None:
    """Put the beginning of a path in front of the paths of a fault."""
    fault.path = prefix + fault.path
    if isinstance(fault, NotUnique):
        fault.nodes = tuple(prefix + node for node in fault.nodes)


class Must(NamedTuple):
    """A `must` statement: `holds(value, up)`; `rule` is its error-message or its XPath."""

    holds: Callable[[Any, Up], bool]
    rule: str
    app_tag: str = "must-violation"

    def check(self, value: Any, up: Up) -> None:
        """Raise unless it holds for this value with these ancestors."""
        if not self.holds(value, up):
            raise MustViolation(self.rule, app_tag=self.app_tag)


class When(NamedTuple):
    """A `when` statement: `holds(value, up)` tells whether the node may stand here; `xpath` is the condition."""

    holds: Callable[[Any, Up], bool]
    xpath: str


class Node(ABC):
    """A schema node below a parent; `field` is its attribute in the parent's class."""

    absent: Any = None
    """The value of the field when there is no such node."""

    gathers: bool = False
    """Whether what was read becomes a value only when the parent is complete: `gathered`."""

    mandatory: bool = False
    """Whether the parent is wrong without this node."""

    has_default: bool = False
    """Whether the node is there though nobody gave it."""

    in_case: bool = False
    """Whether it belongs to a case of a choice."""

    index: int = -1
    """Its place among the nodes of the parent."""

    def __init__(self, module: Module, name: str, field: str, musts: tuple[Must, ...], whens: tuple[When, ...]) -> None:
        self.module = module
        self.name = name
        self.field = field
        self.musts = musts
        self.whens = whens
        self.namespace = module.namespace
        self.tag = f"{{{module.namespace}}}{name}"
        self.segment = f"/{module.prefix}:{name}"
        self.qualified = f"{module.name}:{name}"
        self._start = f"<{name}>"
        self._declared_start = f'<{name} xmlns="{module.namespace}">'
        self._end = f"</{name}>"

    @abstractmethod
    def take_xml(self, element: _Element, values: Values) -> None:
        """Read one element into the values."""

    @abstractmethod
    def take_json(self, raw: Json, values: Values) -> None:
        """Read the JSON member into the values."""

    @abstractmethod
    def supply(self, values: Values) -> None:
        """Do what the schema says about a node that was not given: raise, or set its default."""

    @abstractmethod
    def judge(self, value: Any, up: Up) -> None:
        """Raise when a `when` or `must` of this node or below does not hold."""

    @abstractmethod
    def put_xml(self, value: Any, out: list[str], namespace: str) -> None:
        """Append the XML of a field that is not None; `namespace` is the default namespace where it will stand."""

    @abstractmethod
    def put_json(self, value: Any, out: dict[str, Json], module: Module | None) -> None:
        """Add the JSON member of a field that is not None; `module` is the parent's, None at the top."""

    @property
    def plain(self) -> Callable[[str, _Element], Any] | None:
        """What reads the text of an element that has neither attributes nor children, where that is all there is."""
        return None

    @property
    def required(self) -> bool:
        """Whether a value of the parent without this node is never right."""
        return self.mandatory and not self.in_case and not self.whens

    def gathered(self, given: Any) -> Any:
        """Return the value of what was read."""
        return given

    @property
    def judged(self) -> bool:
        """Whether there is anything to judge once the whole message has been read."""
        return bool(self.musts or self.whens)

    def locate(self, fault: Invalid) -> None:
        """Put this node in front of the fault's path; the innermost node also gives the name at fault."""
        put_before(fault, self.segment)
        if not fault.name:
            fault.name, fault.namespace = self.name, self.namespace

    def start(self, namespace: str) -> str:
        """Return the start tag, with the namespace where the default is another."""
        return self._start if namespace == self.namespace else self._declared_start

    def member(self, module: Module | None) -> str:
        """Return the JSON name below a parent of this module (RFC 7951 section 4)."""
        return self.name if module is self.module else self.qualified

    def once(self, values: Values) -> None:
        """Raise when the node has been given before."""
        if values[self.index] is not None:
            raise DuplicateNode("must be given once")

    def permit(self, value: Any, up: Up) -> None:
        """Raise unless the node may stand here."""
        for when in self.whens:
            if not when.holds(value, up):
                raise UnknownElement(f"must only be given when {when.xpath}")

    def expected(self, up: Up) -> bool:
        """Tell whether every `when` holds for the node that is not there."""
        return all(when.holds(None, up) for when in self.whens)

    def require(self, value: Any, up: Up) -> None:
        """Raise unless every `must` of the node holds."""
        for must in self.musts:
            must.check(value, up)

    def missing(self) -> MissingElement:
        """Return the error for a mandatory node that is absent."""
        return MissingElement(f"must have an element {self.name}")


class Leaf(Node):
    """A leaf; absent it is None, or its default where the schema has one."""

    def __init__(  # noqa: PLR0913
        self,
        module: Module,
        name: str,
        field: str,
        scalar: Scalar,
        *,
        mandatory: bool = False,
        default: Any = None,
        musts: tuple[Must, ...] = (),
        whens: tuple[When, ...] = (),
    ) -> None:
        super().__init__(module, name, field, musts, whens)
        self.scalar = scalar
        self.mandatory = mandatory
        self.default = default
        self.has_default = default is not None
        self._declares = scalar.qualified
        self._read_xml = scalar.read_xml
        self._read_json = scalar.read_json
        self._write_xml = scalar.writer
        self._write_json = scalar.write_json

    @property
    def plain(self) -> Callable[[str, _Element], Any]:
        """The reading of the type."""
        return self._read_xml

    def take_xml(self, element: _Element, values: Values) -> None:
        """Read the text of the element."""
        if values[self.index] is not None:
            self.once(values)
        text = leaf_text(element) if len(element) or element.keys() else element.text
        values[self.index] = self._read_xml(text or "", element)

    def take_json(self, raw: Json, values: Values) -> None:
        """Read the JSON value."""
        if values[self.index] is not None:
            self.once(values)
        values[self.index] = self._read_json(raw)

    def supply(self, values: Values) -> None:
        """Set the default, or raise where the leaf is mandatory."""
        if self.mandatory:
            raise self.missing()
        values[self.index] = self.default

    def judge(self, value: Any, up: Up) -> None:
        """Judge the value; a mandatory leaf that is absent is only an error when its `when` holds."""
        if value is not None:
            self.permit(value, up)
            self.require(value, up)
        elif self.mandatory and self.expected(up):
            raise self.missing()

    def put_xml(self, value: Any, out: list[str], namespace: str) -> None:
        """Append the element with its value."""
        start = self._start if namespace == self.namespace else self._declared_start
        if self._declares:
            start = f"{start[:-1]}{self.scalar.declarations(value)}>"
        out.append(f"{start}{self._write_xml(value)}{self._end}")

    def put_json(self, value: Any, out: dict[str, Json], module: Module | None) -> None:
        """Add the member with its value."""
        out[self.name if module is self.module else self.qualified] = self._write_json(value)


class Flag(Leaf):
    """A leaf of type `empty`: True when it is given, else False."""

    absent = False

    def judge(self, value: Any, up: Up) -> None:
        """Judge a flag that is given."""
        super().judge(value or None, up)

    def put_xml(self, value: Any, out: list[str], namespace: str) -> None:
        """Append the element when the flag is given."""
        if value:
            super().put_xml(value, out, namespace)

    def put_json(self, value: Any, out: dict[str, Json], module: Module | None) -> None:
        """Add the member when the flag is given."""
        if value:
            super().put_json(value, out, module)
