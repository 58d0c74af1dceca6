"""Random documents for a schema, as JSON: valid ones, and valid ones with something wrong put into them.

They are drawn from yangson's schema nodes, so that nothing of the code under test takes part. What a `must` or
`when` says is not looked at: the judges tell whether such a document is valid.
"""

from __future__ import annotations

import base64
import copy
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st
from oracle.yang_judges import instant
from yangson import datatype as types
from yangson import schemanode as nodes

OFTEN = st.sampled_from((True, True, False))
SELDOM = st.sampled_from((False, False, True))
FEW = st.sampled_from((0, 1, 1, 2, 3))
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn"]), max_size=8) | st.sampled_from(
    ("", " a ", "a\tb\n c", "<&>\"']]>", "\u00e9\u4e2d\U0001f600", "x" * 8, "true", "5", "ab", "abc")
)


@st.composite
def bodies(draw: Any, node: Any) -> dict[str, Any]:
    """Draw the content of a container, list entry or message."""
    return _Drawing(draw).body(node)


@st.composite
def spoilt(draw: Any, node: Any) -> dict[str, Any]:
    """Draw the content of a message with one or two things in it that are probably wrong."""
    body = _Drawing(draw).body(node)
    for _ in range(draw(st.sampled_from((1, 1, 2)))):
        body = _spoil(draw, body)
    return body


class _Drawing:
    """Walks the schema and draws what is there."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def body(self, node: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for child in node.children:
            self._part(child, found)
        return found

    def _part(self, node: Any, found: dict[str, Any]) -> None:
        if isinstance(node, nodes.ChoiceNode):
            if node.mandatory or self._draw(OFTEN):
                self._part(self._draw(st.sampled_from(node.children)), found)
        elif not isinstance(node, nodes.DataNode):
            for child in node.children:
                self._part(child, found)
        elif getattr(node, "mandatory", False) or self._draw(SELDOM):
            found[node.iname()] = self._value(node)

    def _value(self, node: Any) -> Any:
        match node:
            case nodes.LeafNode():
                return self._draw(scalars(node.type))
            case nodes.LeafListNode():
                return [self._draw(scalars(node.type)) for _ in range(self._count(node))]
            case nodes.ListNode():
                return self._entries(node)
        return self.body(node)

    def _count(self, node: Any) -> int:
        """Return how many entries; an empty array says nothing, but yangson takes it for a case, or for no default."""
        least = int(isinstance(node.parent, nodes.CaseNode) or getattr(node, "default", None) is not None)
        count: int = max(self._draw(FEW), node.min_elements, least)
        most: int | None = node.max_elements
        return count if most is None else min(count, most)

    def _entries(self, node: Any) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        seen = set()
        for _ in range(self._count(node)):
            entry = self.body(node)
            key = tuple(_identity(node, entry, name) for name, _ in node.keys) if node.keys else len(entries)
            if entry and key not in seen:  # yangson forgets entries without content
                entries.append(entry)
            seen.add(key)
        return entries


def _identity(node: Any, entry: dict[str, Any], name: str) -> str:
    """Return a key; moments are compared as such, and not as the texts that they are for yangson."""
    text = str(entry[name])
    return instant(text) if node.get_data_child(name, node.ns).type.name == "date-and-time" else text


@cache
def scalars(kind: Any) -> st.SearchStrategy[Any]:
    """Return values of a type as JSON writes them, valid ones."""
    if kind.name == "date-and-time":
        return moments()
    found = _BY_TYPE.get(type(kind).__name__)
    return found(kind) if found is not None else _integers(kind)


def moments() -> st.SearchStrategy[str]:
    """Return date-and-times in many forms, all of them real."""
    offsets = st.sampled_from(("Z", "+00:00", "-00:00", "+02:00", "-11:30", "+23:59", "-23:59"))
    fractions = st.sampled_from(("", "", ".5", ".000", ".123456789", ".0000000001", ".999999999"))
    plain = st.datetimes().map(lambda moment: moment.replace(microsecond=0).isoformat())
    usual = plain.filter(lambda text: "0002" < text[:4] < "9998")
    edges = st.sampled_from(
        ("2016-12-31T23:59:60", "2024-02-29T00:00:00", "0001-01-02T00:00:00", "9999-12-30T23:59:59")
    )
    return st.tuples(usual | edges, fractions, offsets).map("".join)


def _integers(kind: Any) -> st.SearchStrategy[Any]:
    ranges = kind.range.intervals if kind.range else [kind._range]
    number = st.one_of([st.integers(pair[0], pair[-1]) for pair in ranges] + [st.sampled_from(pair) for pair in ranges])
    return number.map(str) if isinstance(kind, types.Int64Type | types.Uint64Type) else number


def _decimals(kind: Any) -> st.SearchStrategy[str]:
    unit = 10**kind.fraction_digits
    ranges = kind.range.intervals if kind.range else [kind._range]
    pairs = [(int(Decimal(pair[0]) * unit), int(Decimal(pair[-1]) * unit)) for pair in ranges]
    scaled = st.one_of([st.integers(low, high) for low, high in pairs] + [st.sampled_from(pair) for pair in pairs])
    return scaled.map(lambda number: f"{Decimal(number).scaleb(-kind.fraction_digits):f}")


def _strings(kind: Any) -> st.SearchStrategy[str]:
    patterns = [pattern for pattern in kind.patterns if not pattern.invert_match]
    drawn = st.from_regex(patterns[-1].regex, fullmatch=True) if patterns else TEXT
    if kind.length is not None:
        low = kind.length.intervals[0][0]
        drawn = drawn.map(lambda text: text.ljust(low, "x")) if not patterns else drawn
    return drawn.filter(lambda text: text in kind and _plain(text))


def _plain(text: str) -> bool:
    """Tell whether XML keeps the text as it is, and YANG allows it."""
    return "\r" not in text and all(character.isprintable() or character in "\t\n" for character in text)


def _binaries(kind: Any) -> st.SearchStrategy[str]:
    octets = st.binary(max_size=6).filter(lambda value: value in kind)
    return octets.map(lambda value: base64.b64encode(value).decode())


def _identities(kind: Any) -> st.SearchStrategy[str]:
    found = kind.sctx.schema_data.derived_from_all(kind.bases)
    return st.sampled_from(sorted(f"{module}:{name}" for name, module in found))


def _some_bits(kind: Any) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(sorted(kind.bit)), unique=True).map(" ".join)


_BY_TYPE: dict[str, Any] = {
    "BooleanType": lambda _kind: st.booleans(),
    "EmptyType": lambda _kind: st.just([None]),
    "StringType": _strings,
    "BinaryType": _binaries,
    "Decimal64Type": _decimals,
    "EnumerationType": lambda kind: st.sampled_from(sorted(kind.enum)),
    "IdentityrefType": _identities,
    "BitsType": _some_bits,
    "LeafrefType": lambda kind: scalars(kind.ref_type),
    "UnionType": lambda kind: st.one_of([scalars(member) for member in kind.types]),
}

# Spoiling

WRONG: tuple[Any, ...] = (
    "", "x", "true", "false", "0", "-1", "5", "007", "+5", "1.5", "1e3", "99999999999999999999", "10:20", "nowhere:ok",
    "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "2026-01-01",
    "0001-01-01T00:00:00+01:00", "2026-01-01T00:00:00+24:00", "2026-01-01t00:00:00z", "AA==", "AA=", "red", "ok",
    True, False, 0, 1, -1, 5, 13, 101, 2**31, 2**32, 2**64, 1.5, 5.0, None, [], {}, [None], ["a"], {"a": 1},
)  # fmt: skip


def _spoil(draw: Any, body: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with one thing changed, wherever it is."""
    changed = copy.deepcopy(body)
    places = list(_places(changed))
    where, key = draw(st.sampled_from(places))
    change = draw(st.sampled_from(_CHANGES))
    change(draw, where, key)
    return changed


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every member of every object, and entry of every array, with what holds it; (object, None) for itself."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        found.append((value, None))
        for key in value:
            found.append((value, key))
            found += _places(value[key])
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            found.append((value, index))
            found += _places(entry)
    return found


def _replace(draw: Any, where: Any, key: Any) -> None:
    if key is None:
        where[draw(st.sampled_from(("unknown", "nowhere:x", "capacity", "result", "left", "name")))] = 1
    else:
        where[key] = draw(st.sampled_from(WRONG))


def _remove(_draw: Any, where: Any, key: Any) -> None:
    if key is None:
        where.clear()
    else:
        del where[key]


def _repeat(_draw: Any, where: Any, key: Any) -> None:
    """Give an entry, or the first entry of a list, twice."""
    if isinstance(where, list):
        where.append(copy.deepcopy(where[key]))
    elif key is not None and isinstance(where[key], list) and where[key]:
        where[key].append(copy.deepcopy(where[key][0]))


def _wrap(_draw: Any, where: Any, key: Any) -> None:
    if key is not None:
        where[key] = [where[key]]


def _add(draw: Any, where: Any, key: Any) -> None:
    """Give something under the name of something else, perhaps of another case."""
    if isinstance(where, dict) and key is not None:
        others = ("alone", "first", "beside", "rare", "usual", "many", "reservation-id", "instance-ids", "refusal")
        where[draw(st.sampled_from(others))] = where[key]


_CHANGES = (_replace, _replace, _remove, _repeat, _wrap, _add)
