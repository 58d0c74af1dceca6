"""What a YANG type does with one value: text or JSON in, a Python value out, and back.

Reading checks everything that the type says and raises `BadValue` with the rule; the caller knows the node and adds
its path. Writing trusts the value: it comes from our own code, and mypy has seen it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

from promise.errors import BadValue
from promise.northbound.codec.characters import escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

Json = Any
"""A value as `json.loads` returns it and `json.dumps` takes it."""


class Scalar(ABC):
    """A YANG type: how one value of it is read and written."""

    python: type = object
    """The Python type of the values."""

    qualified: bool = False
    """Whether a value may need namespaces to be declared on its element: `declarations`."""

    @abstractmethod
    def read_xml(self, text: str, element: _Element | None) -> Any:
        """Return the value of the element's text; `element` resolves prefixes, None when there are none."""

    @abstractmethod
    def read_json(self, raw: Json) -> Any:
        """Return the value of a JSON value as RFC 7951 section 6 represents it."""

    @abstractmethod
    def text(self, value: Any) -> str:
        """Return the canonical lexical form (RFC 7950 section 9), not escaped."""

    def write_xml(self, value: Any) -> str:
        """Return the canonical form as XML character data."""
        return escape(self.text(value))

    def write_json(self, value: Any) -> Json:
        """Return the value as RFC 7951 section 6 represents it."""
        return self.text(value)

    @property
    def writer(self) -> Callable[[Any], str]:
        """The quickest callable that does what `write_xml` does."""
        return self.write_xml

    def declarations(self, value: Any) -> str:  # noqa: ARG002
        """Return the namespace declarations that the element of this value needs, each after a space."""
        return ""

    def holds(self, value: Any) -> bool:
        """Tell whether this Python value is one of the type's; a union asks its members before it writes."""
        if type(value) is not self.python:
            return False
        try:
            return bool(self.read_xml(self.text(value), None) == value)
        except BadValue:
            return False


class Boolean(Scalar):
    """`true` or `false` (RFC 7950 section 9.5), a Python bool."""

    python = bool

    def read_xml(self, text: str, element: _Element | None) -> bool:  # noqa: ARG002
        """Return whether the text says true."""
        if text == "true":
            return True
        if text == "false":
            return False
        raise BadValue("must be true or false")

    def read_json(self, raw: Json) -> bool:
        """Return the JSON literal."""
        if raw is True or raw is False:
            return bool(raw)
        raise BadValue("must be true or false, as JSON literals")

    def text(self, value: bool) -> str:  # noqa: FBT001
        """Return `true` or `false`."""
        return "true" if value else "false"

    def write_xml(self, value: bool) -> str:  # noqa: FBT001
        """Return `true` or `false`."""
        return "true" if value else "false"

    def write_json(self, value: bool) -> Json:  # noqa: FBT001
        """Return the JSON literal."""
        return value


class Empty(Scalar):
    """A leaf that says something by being there (RFC 7950 section 9.11): True; absent it is False."""

    python = bool

    def read_xml(self, text: str, element: _Element | None) -> bool:  # noqa: ARG002
        """Return True for an element without content."""
        if text:
            raise BadValue("must be empty")
        return True

    def read_json(self, raw: Json) -> bool:
        """Return True for [null] (RFC 7951 section 6.9)."""
        if type(raw) is list and len(raw) == 1 and raw[0] is None:
            return True
        raise BadValue("must be [null]")

    def text(self, value: bool) -> str:  # noqa: ARG002, FBT001
        """Return nothing."""
        return ""

    def write_json(self, value: bool) -> Json:  # noqa: ARG002, FBT001
        """Return [null]."""
        return [None]


BOOLEAN: Final = Boolean()
EMPTY: Final = Empty()
