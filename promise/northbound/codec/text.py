"""Strings, enumerations, bits and binary."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final, NamedTuple

from promise.errors import BadValue
from promise.northbound.codec.characters import WHITE_SPACE, escape, is_legal, legal
from promise.northbound.codec.scalar import Json, Scalar
from promise.northbound.codec.xsd import matcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

Lengths = tuple[tuple[int, int | None], ...]
"""Inclusive, ascending pairs of bounds; None is without bound."""


class Length(NamedTuple):
    """A `length` statement, with the message and the error-app-tag that it carries."""

    ranges: Lengths
    message: str = ""
    app_tag: str = ""

    def check(self, size: int, unit: str) -> None:
        """Raise BadValue unless the size lies in one of the ranges."""
        for low, high in self.ranges:
            if low <= size and (high is None or size <= high):
                return
        raise BadValue(self.message or f"must have {self._spelled()} {unit}", app_tag=self.app_tag)

    def _spelled(self) -> str:
        return " or ".join(
            f"at least {low}" if high is None else str(low) if low == high else f"{low}..{high}"
            for low, high in self.ranges
        )


class Pattern(NamedTuple):
    """A `pattern` statement: an XSD regular expression that the whole value matches, or with `invert` must not."""

    xsd: str
    invert: bool = False
    message: str = ""
    app_tag: str = ""

    def refusal(self) -> BadValue:
        """Return the error for a value that breaks this pattern."""
        rule = f"must {'not ' if self.invert else ''}match the pattern {self.xsd}"
        return BadValue(self.message or rule, app_tag=self.app_tag)


class String(Scalar):
    """A string; a length counts characters and is judged before the patterns."""

    python = str

    def __init__(self, *patterns: Pattern | str, length: Length | Lengths | None = None) -> None:
        self._length = _length(length)
        self._patterns = tuple(
            (pattern, matcher(pattern.xsd))
            for pattern in (Pattern(given) if isinstance(given, str) else given for given in patterns)
        )

    def read_xml(self, text: str, element: _Element | None) -> str:  # noqa: ARG002
        """Return the text itself: white space belongs to it."""
        if not text.isprintable() and not is_legal(text):
            raise BadValue("must not hold control characters, surrogates or noncharacters (RFC 7950 section 9.4)")
        if self._length is not None:
            self._length.check(len(text), "characters")
        for pattern, matches in self._patterns:
            if (matches(text) is None) is not pattern.invert:
                raise pattern.refusal()
        return text

    def read_json(self, raw: Json) -> str:
        """Return the JSON string."""
        if type(raw) is not str:
            raise BadValue("must be a JSON string")
        return self.read_xml(raw, None)

    def text(self, value: str) -> str:
        """Return the string."""
        return value

    def write_xml(self, value: str) -> str:
        """Return the string as character data."""
        return escape(value)

    def write_json(self, value: str) -> Json:
        """Return the string; what no YANG string may hold becomes U+FFFD, as in XML."""
        return legal(value)


class Enumeration(Scalar):
    """One of some names, compared exactly; the value is the name."""

    python = str

    def __init__(self, *names: str) -> None:
        self._names = {name: name for name in names}
        self._rule = "must be " + _alternatives(names)

    def read_xml(self, text: str, element: _Element | None) -> str:  # noqa: ARG002
        """Return the name."""
        name = self._names.get(text)
        if name is None:
            raise BadValue(self._rule)
        return name

    def read_json(self, raw: Json) -> str:
        """Return the name."""
        if type(raw) is not str:
            raise BadValue(self._rule)
        return self.read_xml(raw, None)

    def text(self, value: str) -> str:
        """Return the name."""
        return value

    @property
    def writer(self) -> Callable[[str], str]:
        """The name as character data; most enumerations have nothing to escape."""
        return str if all(escape(name) == name for name in self._names) else self.write_xml


class Bits(Scalar):
    """Some of some names, separated by spaces, each at most once; a tuple in the order of their positions."""

    python = tuple

    def __init__(self, *names: str) -> None:
        self._position = {name: position for position, name in enumerate(names)}
        self._rule = f"must be some of {', '.join(names)}, separated by spaces, each at most once"

    def read_xml(self, text: str, element: _Element | None) -> tuple[str, ...]:  # noqa: ARG002
        """Return the names in the order of their positions, which is the canonical one (RFC 7950 section 9.7.2)."""
        names = text.translate(_SPACES).split(" ")
        given = [name for name in names if name]
        if len(set(given)) != len(given) or not self._position.keys() >= set(given):
            raise BadValue(self._rule)
        return tuple(sorted(given, key=self._position.__getitem__))

    def read_json(self, raw: Json) -> tuple[str, ...]:
        """Return the names of a JSON string."""
        if type(raw) is not str:
            raise BadValue(f"{self._rule}, in one JSON string")
        return self.read_xml(raw, None)

    def text(self, value: tuple[str, ...]) -> str:
        """Return the names in the order of their positions."""
        return " ".join(sorted(value, key=self._position.__getitem__))


class Binary(Scalar):
    """Octets in base64 (RFC 4648 section 4), which may be wrapped into lines; a length counts octets."""

    python = bytes

    def __init__(self, *, length: Length | Lengths | None = None) -> None:
        self._length = _length(length)

    def read_xml(self, text: str, element: _Element | None) -> bytes:  # noqa: ARG002
        """Return the octets."""
        try:
            octets = base64.b64decode(text.translate(_NO_SPACES), validate=True)
        except (ValueError, binascii.Error):
            raise BadValue("must be base64 (RFC 4648 section 4)") from None
        if self._length is not None:
            self._length.check(len(octets), "octets")
        return octets

    def read_json(self, raw: Json) -> bytes:
        """Return the octets of a JSON string."""
        if type(raw) is not str:
            raise BadValue("must be base64 (RFC 4648 section 4) in a JSON string")
        return self.read_xml(raw, None)

    def text(self, value: bytes) -> str:
        """Return base64 on one line."""
        return base64.b64encode(value).decode("ascii")

    def write_xml(self, value: bytes) -> str:
        """Return base64 on one line, which needs no escape."""
        return self.text(value)


_SPACES: Final = {ord(character): " " for character in WHITE_SPACE}
_NO_SPACES: Final = {ord(character): None for character in WHITE_SPACE}


def _length(given: Length | Lengths | None) -> Length | None:
    return given if given is None or isinstance(given, Length) else Length(given)


def _alternatives(names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} or {names[-1]}"


STRING: Final = String()
BINARY: Final = Binary()
