r"""XML Schema regular expressions (XSD part 2, appendix F), which YANG patterns are, as Python ones.

The two differ in more than anchoring: `^` and `$` are ordinary characters in XSD, `.` excludes only CR and LF, `\i`
and `\c` are the characters of XML names, `\s` is four characters, `\w` is defined by Unicode categories, character
classes can be subtracted, and there are neither groups to refer to nor lazy quantifiers. What cannot be translated
exactly is refused when the schema is compiled, never guessed.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable


class PatternRefused(ValueError):
    """A pattern that is no XSD regular expression, or one that we cannot translate exactly."""


def matcher(xsd: str) -> Callable[[str], re.Match[str] | None]:
    """Return the function that matches a whole string against the XSD pattern.

    Raises:
        PatternRefused: with what is wrong and where.
    """
    try:
        return re.compile(translated(xsd)).fullmatch
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternRefused(f"the pattern '{xsd}' is more than Python's can do: {error}") from None


def translated(xsd: str) -> str:
    """Return the Python regular expression that fully matches exactly what the XSD pattern matches."""
    reader = _Reader(xsd)
    python = reader.alternatives()
    if reader.here:
        raise reader.refusal("an unmatched ')'")
    return python


_SINGLE: Final = {"n": "\n", "r": "\r", "t": "\t"}
_LITERAL: Final = frozenset("\\|.-^?*+{}()[]$")
"""Characters that a backslash makes ordinary; XSD 1.1 has the dollar sign among them."""

# The fifth edition of XML 1.0, as in XSD 1.1; earlier ones listed the letters of the Unicode of their day.
_NAME_START: Final = (
    ":A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NAME: Final = _NAME_START + "\\-.0-9\u00b7\u0300-\u036f\u203f-\u2040"
_SETS: Final = {"d": "\\d", "D": "\\D", "s": " \\t\\n\\r", "i": _NAME_START, "c": _NAME}
_COMPLEMENTS: Final = {"S": " \\t\\n\\r", "I": _NAME_START, "C": _NAME}
_NOT_WORD: Final = ("P", "Z", "C")


@cache
def _category(name: str) -> frozenset[int]:
    """Return the code points of a Unicode category such as `Lu`, or of a whole class such as `L`."""
    return frozenset(code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith(name))


def _class_of(codes: frozenset[int]) -> str:
    """Return code points as the inside of a Python character class."""
    ranges: list[tuple[int, int]] = []
    for code in sorted(codes):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)


@cache
def _categories(names: tuple[str, ...], *, complement: bool) -> str:
    found = frozenset[int]().union(*(_category(name) for name in names))
    return _class_of(frozenset(range(sys.maxunicode + 1)) - found if complement else found)


class _Reader:
    """Recursive descent over one pattern; each method returns the Python text of what it has read."""

    def __init__(self, xsd: str) -> None:
        self._xsd = xsd
        self._at = 0

    @property
    def here(self) -> str:
        """The next character, empty at the end."""
        return self._xsd[self._at : self._at + 1]

    def refusal(self, what: str) -> PatternRefused:
        return PatternRefused(f"the pattern '{self._xsd}' has {what} at position {self._at}")

    def alternatives(self) -> str:
        branches = [self._branch()]
        while self.here == "|":
            self._at += 1
            branches.append(self._branch())
        return "|".join(branches)

    def _take(self) -> str:
        character = self.here
        if not character:
            raise self.refusal("an unexpected end")
        self._at += 1
        return character

    def _branch(self) -> str:
        pieces = []
        while self.here and self.here not in "|)":
            pieces.append(self._atom() + self._quantifier())
        return "".join(pieces)

    def _atom(self) -> str:
        character = self._take()
        match character:
            case "(":
                inside = self.alternatives()
                if self._take() != ")":
                    raise self.refusal("an unmatched '('")
                return f"(?:{inside})"
            case "[":
                return self._group()
            case ".":
                return "[^\\n\\r]"
            case "\\":
                return self._alone(self._take())
            case "?" | "*" | "+" | "{" | "}" | "]":
                raise self.refusal(f"a misplaced '{character}'")
        return re.escape(character)

    def _alone(self, escape: str) -> str:
        """Return an escape that stands outside brackets."""
        if escape in _SINGLE or escape in _LITERAL:
            return re.escape(_SINGLE.get(escape, escape))
        if escape in _COMPLEMENTS:
            return f"[^{_COMPLEMENTS[escape]}]"
        return f"[{self._set(escape)}]"

    def _quantifier(self) -> str:
        if self.here in ("?", "*", "+"):
            sign = self._take()
        elif found := re.compile(r"\{[0-9]+(?:,[0-9]*)?\}").match(self._xsd, self._at):
            self._at = found.end()
            sign = found[0]
        else:
            return ""
        if self.here and self.here in "?*+{":
            raise self.refusal("a quantifier of a quantifier")
        return sign

    def _group(self) -> str:
        """Return a character class, after its opening bracket."""
        negated = self.here == "^"
        if negated:
            self._at += 1
        members: list[str] = []
        subtracted = ""
        while self.here != "]" or not members:
            if self._xsd.startswith("-[", self._at) and members:
                self._at += 2
                subtracted = f"(?!{self._group()})"
                break
            members.append(self._member(first=not members))
        if self._take() != "]":
            raise self.refusal("a class that goes on after a subtraction")
        found = f"[{'^' if negated else ''}{''.join(members)}]"
        return f"(?:{subtracted}{found})" if subtracted else found

    def _member(self, *, first: bool) -> str:
        """Return one character, range or escape of a class."""
        character = self._take()
        if character == "\\":
            escape = self._take()
            if escape not in _SINGLE and escape not in _LITERAL:
                return self._set(escape)
            character = _SINGLE.get(escape, escape)
        elif character in "[]" or (character == "-" and not first and self.here != "]"):
            raise self.refusal(f"a misplaced '{character}'")
        if self.here == "-" and self._xsd[self._at + 1 : self._at + 2] not in ("]", "["):
            self._at += 1
            return self._range(character)
        return re.escape(character)

    def _range(self, low: str) -> str:
        """Return a range, after its hyphen."""
        high = self._take()
        if high == "\\":
            escape = self._take()
            if escape not in _SINGLE and escape not in _LITERAL:
                raise self.refusal("a range that ends in a class")
            high = _SINGLE.get(escape, escape)
        if high < low:
            raise self.refusal(f"a range from '{low}' down to '{high}'")
        return f"{re.escape(low)}-{re.escape(high)}"

    def _set(self, escape: str) -> str:
        """Return what a multi-character escape stands for, as the inside of a class."""
        if escape in _SETS:
            return _SETS[escape]
        if escape in _COMPLEMENTS:
            inside = re.compile(f"[{_COMPLEMENTS[escape]}]")
            return _class_of(frozenset(code for code in range(sys.maxunicode + 1) if not inside.match(chr(code))))
        if escape in "wW":
            return _categories(_NOT_WORD, complement=escape == "w")
        if escape in "pP":
            found = re.compile(r"\{([A-Z][a-z]?)\}").match(self._xsd, self._at)
            if found is None or not _category(found[1]):
                raise self.refusal("a property that is no Unicode category")
            self._at = found.end()
            return _categories((found[1],), complement=escape == "P")
        raise self.refusal(f"an unknown escape '\\{escape}'")
