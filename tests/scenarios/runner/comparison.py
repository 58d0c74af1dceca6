"""Compares a reply, as it came over the wire, with what a story expects of it.

What the story does not name is not looked at. A value is compared with the text of the element, so times must be
written as we promise to write them (UTC, `Z`). Beside values an expectation may be:

    absent                      no such element            present              some such element
    [a, b]                      these, in this order       []                   none
    {any-order: [a, b]}         these, in any order        {length: 2}          so many
    {exactly: {cores: 10}}      these children, no others  {contains: text}     the text is somewhere in it
    {lacks: text}               the text is nowhere in it
    $name                       the value of that name; when it is new, the name for what is there
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

from scenarios.runner.messages import children
from scenarios.runner.words import StoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lxml.etree import _Element
    from scenarios.runner.words import Words

IDENTITIES: Final = frozenset({"reason"})
"""Leaves whose values may have a prefix, which the comparison does not care for."""

FREE: Final = None
"""The class of a body that has no schema."""

_LONGEST_ANY_ORDER: Final = 7


def local(element: _Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def check_names(body: type | None, expected: Any, where: str) -> None:
    """Raise StoryError for a name in an expectation that the schema does not have."""
    if isinstance(expected, list):
        for each in expected:
            check_names(body, each, where)
    elif isinstance(expected, dict):
        special = _special(expected)
        if special is not None:
            if special in {"exactly", "any-order"}:
                check_names(body, expected[special], where)
        elif body is not FREE:
            _check_children(body, expected, where)


def _check_children(body: type, expected: Mapping[str, Any], where: str) -> None:
    known = children(body)
    for name, inner in expected.items():
        if name not in known:
            raise StoryError(f"{where} has no {name}; it has {', '.join(known)}")
        found = known[name]
        if found is not None:
            check_names(found, inner, f"{where}/{name}")


def _special(expected: Mapping[str, Any]) -> str | None:
    return next(iter(expected)) if len(expected) == 1 and next(iter(expected)) in _SPECIAL else None


def differences(expected: Any, nodes: Sequence[_Element], words: Words, path: str) -> Iterator[str]:
    """Yield how the elements of one name differ from what is expected of them."""
    if expected == "absent" or expected is None:
        if nodes:
            yield f"{path} must be absent, and is {_shown(nodes)}"
    elif expected == "present":
        if not nodes:
            yield f"{path} must be present"
    elif isinstance(expected, list):
        yield from _list(expected, nodes, words, path)
    elif isinstance(expected, dict) and (special := _special(expected)) is not None:
        yield from _SPECIAL[special](expected[special], nodes, words, path)
    elif len(nodes) != 1:
        yield f"{path} must be there once, and is {len(nodes)} times: {_shown(nodes)}"
    elif isinstance(expected, dict):
        yield from inside(expected, nodes[0], words, path)
    else:
        yield from _value(expected, nodes[0], words, path)


def inside(expected: Mapping[str, Any], element: _Element, words: Words, path: str) -> Iterator[str]:
    """Yield how the children of an element differ from what is expected of them."""
    for name, said in expected.items():
        nodes = [child for child in element if local(child) == name]
        yield from differences(said, nodes, words, f"{path}/{name}")


def _value(expected: Any, element: _Element, words: Words, path: str) -> Iterator[str]:
    text = element.text or ""
    if local(element) in IDENTITIES:
        text = text.rpartition(":")[2]
    name = words.unknown(expected)
    if name is not None:
        words.learn(name, text, must_serve=True)
    elif text != words.text(expected):
        yield f"{path} must be {words.text(expected)!r}, and is {text!r}"


def _list(expected: Sequence[Any], nodes: Sequence[_Element], words: Words, path: str) -> Iterator[str]:
    if len(expected) != len(nodes):
        yield f"{path} must be there {len(expected)} times, and is {len(nodes)} times: {_shown(nodes)}"
        return
    for index, (said, node) in enumerate(zip(expected, nodes, strict=True)):
        yield from differences(said, [node], words, f"{path}[{index + 1}]")


def _exactly(expected: Mapping[str, Any], nodes: Sequence[_Element], words: Words, path: str) -> Iterator[str]:
    if len(nodes) != 1:
        yield from differences(expected, nodes, words, path)
        return
    if strange := [local(child) for child in nodes[0] if local(child) not in expected]:
        yield f"{path} must have nothing but {', '.join(expected) or 'nothing'}; it has {', '.join(strange)}"
    yield from inside(expected, nodes[0], words, path)


def _any_order(expected: Sequence[Any], nodes: Sequence[_Element], words: Words, path: str) -> Iterator[str]:
    if all(not isinstance(each, dict) for each in expected):
        want, found = sorted(words.text(each) for each in expected), sorted(node.text or "" for node in nodes)
        if want != found:
            yield f"{path} must be {want} in any order, and is {found}"
        return
    if len(expected) > _LONGEST_ANY_ORDER:
        raise StoryError(f"{path}: at most {_LONGEST_ANY_ORDER} entries can be compared in any order")
    first = list(_list(expected, nodes, words, path))
    if first and all(list(_list(tried, nodes, words, path)) for tried in permutations(expected)):
        yield from (f"{line} (in any order)" for line in first)


def _contains(expected: str, nodes: Sequence[_Element], words: Words, path: str) -> Iterator[str]:
    text = _all_text(nodes)
    if words.filled(expected) not in text:
        yield f"{path} must contain {words.filled(expected)!r}, and is {text!r}"


def _lacks(expected: str, nodes: Sequence[_Element], words: Words, path: str) -> Iterator[str]:
    if not nodes:
        yield f"{path} must be present"
    if words.filled(expected) in _all_text(nodes):
        yield f"{path} must not contain {words.filled(expected)!r}, and does"


def _all_text(nodes: Sequence[_Element]) -> str:
    return "\n".join(str(text) for node in nodes for text in node.itertext())


def _length(expected: int, nodes: Sequence[_Element], words: Words, path: str) -> Iterator[str]:
    del words
    if len(nodes) != expected:
        yield f"{path} must be there {expected} times, and is {len(nodes)} times"


_SPECIAL: Final[Mapping[str, Callable[[Any, Sequence[_Element], Words, str], Iterator[str]]]] = {
    "exactly": _exactly,
    "any-order": _any_order,
    "contains": _contains,
    "lacks": _lacks,
    "length": _length,
}


def _shown(nodes: Sequence[_Element]) -> str:
    return ", ".join((node.text or "").strip() or f"<{local(node)}>" for node in nodes) or "not there"
