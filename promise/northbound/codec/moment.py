"""date-and-time of ietf-yang-types as an aware `datetime` in UTC, and back (RFC 6991 section 3, RFC 3339)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from promise.errors import BadValue
from promise.northbound.codec.scalar import Json, Scalar

if TYPE_CHECKING:
    from lxml.etree import _Element

_RULE: Final = "must be a date-and-time of RFC 3339, such as 2026-12-01T00:00:00Z, in the years 1 to 9999"
_PLAIN: Final = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_ANY: Final = re.compile(
    r"(?P<minute>[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]):"
    r"(?P<second>[0-5][0-9]|60)(?:\.(?P<fraction>[0-9]+))?(?P<offset>Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_MICROSECOND_DIGITS: Final = 6


class DateAndTime(Scalar):
    """A moment. Offsets are applied; a leap second (:60) is the second that follows it.

    A fraction is cut to microseconds, but one that is not zero never becomes zero, so that whoever rounds to whole
    seconds, down or up, rounds what was said. Stricter than the pattern of RFC 6991: a month 13, a February 30th, an
    hour 24 or an offset of +24:00 are no moments.
    """

    python = datetime

    def read_xml(self, text: str, element: _Element | None) -> datetime:  # noqa: ARG002
        """Return the moment in UTC."""
        try:
            if _PLAIN.fullmatch(text) is not None:
                moment = datetime.fromisoformat(text)
                return moment if text[-1] == "Z" else moment.astimezone(UTC)
            return _precise(text)
        except (ValueError, OverflowError):
            raise BadValue(_RULE) from None

    def read_json(self, raw: Json) -> datetime:
        """Return the moment in UTC."""
        if type(raw) is not str:
            raise BadValue(_RULE)
        return self.read_xml(raw, None)

    def text(self, value: datetime) -> str:
        """Return the moment in UTC with `Z`, and with a fraction only where there is one.

        Raises:
            ValueError: `value` has no time zone: nobody could tell which moment it is.
        """
        if value.tzinfo is not UTC:
            if value.utcoffset() is None:
                raise ValueError(f"{value} has no time zone")
            value = value.astimezone(UTC)
        written = value.isoformat()[:-6]
        return (written.rstrip("0") if value.microsecond else written) + "Z"

    def write_xml(self, value: datetime) -> str:
        """Return the canonical form, which needs no escape."""
        return self.text(value)


def _precise(text: str) -> datetime:
    """Return the moment of a text with a fraction or a leap second; ValueError for anything else."""
    found = _ANY.fullmatch(text)
    if found is None:
        raise ValueError(text)
    fraction = found["fraction"] or ""
    micros = int(fraction[:_MICROSECOND_DIGITS].ljust(_MICROSECOND_DIGITS, "0"))
    if not micros and fraction.strip("0"):
        micros = 1
    minute = datetime.fromisoformat(f"{found['minute']}:00{found['offset']}")
    return (minute + timedelta(seconds=int(found["second"]), microseconds=micros)).astimezone(UTC)


DATE_AND_TIME: Final = DateAndTime()
