"""Paths of data nodes: those that rules name, and how far a walk through data has followed one (RFC 8341 section 5).

A path is written like an instance-identifier whose predicates may be left out: a key that is not named stands for all
its values. `$USER` stands for the name of whoever asks. Prefixes are names of modules (RFC 7951 section 6.11), or the
prefixes that the modules give themselves; without one, a node belongs to the module of its parent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from promise.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME: Final = r"[A-Za-z_][\w.-]*"
_STEP: Final = re.compile(rf"/(?:({_NAME}):)?({_NAME})((?:\[[^\]'\"]*(?:'[^']*'|\"[^\"]*\"|\$USER)\s*\])*)")
_PREDICATE: Final = re.compile(rf"\[\s*(?:(?:{_NAME}:)?({_NAME})|(\.))\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|(\$USER))\s*\]")

USER: Final = None
"""The value of a predicate that says $USER."""


class Values(Protocol):
    """The leaves inside a node, by name."""

    def get(self, name: str, /) -> str | None:
        """Return the text of a leaf, None when it is not there; "." is the value of the node itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a node, and the values that its keys must have; the key "." is the value of a leaf-list entry."""

    module: str
    name: str
    keys: Mapping[str, str | None]

    def leads_to(self, module: str, name: str) -> bool:
        """Tell whether it names such a node, whatever its keys are."""
        return name == self.name and module == self.module

    def holds(self, values: Values, user: str) -> bool:
        """Tell whether a node with these leaves is meant."""
        return all(values.get(key) == (user if value is USER else value) for key, value in self.keys.items())


def read_path(text: str, prefixes: Mapping[str, str]) -> tuple[Step, ...]:
    """Return the steps of a path; none for "/", which is everything. `prefixes` tells the modules behind prefixes.

    Raises:
        BadValue: it is no such path, or a prefix is unknown.
    """
    text = text.strip()
    if text == "/":
        return ()
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise BadValue(
                f"must be the path of data nodes, like /promise:promise/promise:policy; wrong from {at + 1} on"
            )
        steps.append(_step(found, steps, prefixes))
        at = found.end()
    if not steps:
        raise BadValue("must be the path of data nodes, like /promise:promise/promise:policy; it is empty")
    return tuple(steps)


def _step(found: re.Match[str], before: list[Step], prefixes: Mapping[str, str]) -> Step:
    prefix, name, predicates = found.groups()
    if prefix is None and not before:
        raise BadValue(f"must name the module of {name}, like /promise:promise")
    if prefix is not None and prefix not in prefixes:
        raise BadValue(f"must name modules of this server; there is none with the name or prefix {prefix}")
    module = before[-1].module if prefix is None else prefixes[prefix]
    keys: dict[str, str | None] = {}
    rest = predicates
    while rest:
        one = _PREDICATE.match(rest)
        if one is None:
            raise BadValue(f"must have predicates like [name='value'], not {rest}")
        key, dot, single, double, user = one.groups()
        keys[key or dot] = USER if user else single if single is not None else double
        rest = rest[one.end() :]
    return Step(module, name, keys)
