"""Which characters a value may hold, and how they are written; nothing here knows a schema.

A YANG string excludes control characters, surrogates and noncharacters (RFC 7950 section 14, `yang-char`), which
is stricter than XML 1.0 and far stricter than JSON. `str.isprintable` is false for all of those (and for a few that
are fine, such as a line feed), so one fast test lets nearly every value through.
"""

from __future__ import annotations

import re
from typing import Final

WHITE_SPACE: Final = " \t\r\n"
"""White space as XML and YANG know it; Unicode knows more."""

_PLANE_ENDS: Final = "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(17))
_FORBIDDEN: Final = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufdd0-\ufdef{_PLANE_ENDS}]")
_SPECIAL: Final = re.compile("[&<>\r]")
_ENTITY: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def is_legal(text: str) -> bool:
    """Tell whether every character may stand in a YANG string."""
    return text.isprintable() or _FORBIDDEN.search(text) is None


def legal(text: str) -> str:
    """Return the text with U+FFFD in the place of every character that no YANG string may hold."""
    return text if text.isprintable() else _FORBIDDEN.sub("\ufffd", text)


def escape(text: str) -> str:
    """Return the text as XML character data; what XML cannot hold becomes U+FFFD, a carriage return survives."""
    if text.isprintable() and "&" not in text and "<" not in text and ">" not in text:
        return text
    return _SPECIAL.sub(_entity, _FORBIDDEN.sub("\ufffd", text))


def _entity(found: re.Match[str]) -> str:
    return _ENTITY[found[0]]
