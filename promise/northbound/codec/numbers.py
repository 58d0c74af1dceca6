"""Integers and decimal64: exact, within their ranges, in the lexical forms of RFC 7950 sections 9.2 and 9.3."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

from promise.errors import BadValue
from promise.northbound.codec.characters import WHITE_SPACE
from promise.northbound.codec.scalar import Json, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

_DIGITS: Final = 20
"""No 64-bit number has more; longer ones are leading zeros or out of range."""

_ZERO: Final = Decimal(0)
_Number = TypeVar("_Number", int, Decimal)
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_DECIMAL: Final = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?")


class Integer(Scalar):
    """One of the eight integer types; `ranges` are inclusive, ascending pairs of bounds.

    White space around the number, a plus sign and leading zeros are read; none is written. `wide` types (64 bits)
    are strings in JSON, the others numbers (RFC 7951 section 6.1). `message` and `app_tag` are those of the
    schema's `range` statement.
    """

    python = int

    def __init__(self, *ranges: tuple[int, int], wide: bool = False, message: str = "", app_tag: str = "") -> None:
        self._ranges = ranges
        self._low, self._high = ranges[0][0], ranges[-1][1]
        self._gaps = len(ranges) > 1
        self._wide = wide
        self._rule = "must be " + _spelled(ranges)
        self._message = message or self._rule
        self._app_tag = app_tag

    def read_xml(self, text: str, element: _Element | None) -> int:  # noqa: ARG002
        """Return the number that the text writes."""
        if text.isdecimal() and text.isascii() and len(text) < _DIGITS:
            number = int(text)
            if self._low <= number <= self._high and not self._gaps:
                return number
            return self._inside(number)
        return self._inside(self._parsed(text))

    def read_json(self, raw: Json) -> int:
        """Return the number; for 64-bit types that of a string."""
        if self._wide:
            if type(raw) is not str:
                raise BadValue(f"{self._rule}, as a JSON string (RFC 7951 section 6.1)")
            return self.read_xml(raw, None)
        if type(raw) is not int:
            raise BadValue(f"{self._rule}, as a JSON number without fraction or exponent")
        return self._inside(raw)

    def text(self, value: int) -> str:
        """Return the number in decimal."""
        return str(value)

    def write_xml(self, value: int) -> str:
        """Return the number in decimal."""
        return str(value)

    @property
    def writer(self) -> Callable[[int], str]:
        """The number in decimal."""
        return str

    def write_json(self, value: int) -> Json:
        """Return the number; for 64-bit types as a string."""
        return str(value) if self._wide else value

    def _inside(self, number: int) -> int:
        if self._low <= number <= self._high and (not self._gaps or _within(number, self._ranges)):
            return number
        raise BadValue(self._message, app_tag=self._app_tag)

    def _parsed(self, text: str) -> int:
        digits = text.strip(WHITE_SPACE)
        if _INTEGER.fullmatch(digits) is None:
            raise BadValue(self._rule)
        sign = digits[0] if digits[0] in "+-" else ""
        significant = digits.lstrip("+-").lstrip("0") or "0"
        if len(significant) > _DIGITS:
            raise BadValue(self._message, app_tag=self._app_tag)
        return int(sign + significant)


class Decimal64(Scalar):
    """decimal64, a Python Decimal; `digits` are the fraction-digits, a string in JSON (RFC 7951 section 6.1)."""

    python = Decimal

    def __init__(self, digits: int, *ranges: tuple[Decimal, Decimal], message: str = "", app_tag: str = "") -> None:
        unit = Decimal(1).scaleb(-digits)
        self._digits = digits
        self._ranges = ranges or ((-(2**63) * unit, (2**63 - 1) * unit),)
        self._rule = f"must be {_spelled(self._ranges)} with at most {digits} fraction digits"
        self._message = message or self._rule
        self._app_tag = app_tag

    def read_xml(self, text: str, element: _Element | None) -> Decimal:  # noqa: ARG002
        """Return the number that the text writes; zeros at its end do not count as fraction digits."""
        found = _DECIMAL.fullmatch(text.strip(WHITE_SPACE))
        if found is None:
            raise BadValue(self._rule)
        whole, fraction = found[2].lstrip("0") or "0", (found[3] or "").rstrip("0")
        if len(fraction) > self._digits:
            raise BadValue(self._rule)
        if len(whole) > _DIGITS:
            raise BadValue(self._message, app_tag=self._app_tag)
        number = Decimal(f"{found[1]}{whole}.{fraction or '0'}") or _ZERO
        if not _within(number, self._ranges):
            raise BadValue(self._message, app_tag=self._app_tag)
        return number

    def read_json(self, raw: Json) -> Decimal:
        """Return the number that the string writes."""
        if type(raw) is not str:
            raise BadValue(f"{self._rule}, as a JSON string (RFC 7951 section 6.1)")
        return self.read_xml(raw, None)

    def text(self, value: Decimal) -> str:
        """Return at least one digit on each side of the point and no other zeros (RFC 7950 section 9.3.2)."""
        whole, _, fraction = f"{value:f}".partition(".")
        written = f"{whole}.{fraction.rstrip('0') or '0'}"
        return "0.0" if written == "-0.0" else written


def _within(number: _Number, ranges: tuple[tuple[_Number, _Number], ...]) -> bool:
    return any(low <= number <= high for low, high in ranges)


def _spelled(ranges: tuple[tuple[_Number, _Number], ...]) -> str:
    return " or ".join(_plain(low) if low == high else f"{_plain(low)}..{_plain(high)}" for low, high in ranges)


def _plain(number: Decimal | int) -> str:
    """Return the number without exponent."""
    return f"{number:f}" if isinstance(number, Decimal) else str(number)


INT8: Final = Integer((-(2**7), 2**7 - 1))
INT16: Final = Integer((-(2**15), 2**15 - 1))
INT32: Final = Integer((-(2**31), 2**31 - 1))
INT64: Final = Integer((-(2**63), 2**63 - 1), wide=True)
UINT8: Final = Integer((0, 2**8 - 1))
UINT16: Final = Integer((0, 2**16 - 1))
UINT32: Final = Integer((0, 2**32 - 1))
UINT64: Final = Integer((0, 2**64 - 1), wide=True)
