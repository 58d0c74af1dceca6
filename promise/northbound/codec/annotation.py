"""Metadata in JSON (RFC 7952 section 5.2): members `@` and `@name`; read over, unless they ask for something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from promise.errors import BadValue, UnknownAttribute, UnknownElement
from promise.northbound.codec.markup import shown

if TYPE_CHECKING:
    from promise.northbound.codec.scalar import Json

_EDITING: Final = frozenset({"ietf-netconf", "yang"})
"""Modules whose annotations ask for an edit: nothing here would obey them."""


def check_annotation(target: str, siblings: dict[str, Json], *, known: bool) -> None:
    """Raise unless `@target` annotates a node that is there, with annotations that carry a module's name.

    `target` is empty for an annotation of the object itself; `siblings` are all members of the object.
    """
    value = siblings["@" + target]
    if not known:
        name = shown(target)
        raise UnknownElement(f"must not hold a member @{name}", name=name)
    if target and target not in siblings:
        raise UnknownAttribute(f"must not annotate {target}, which is absent", name=target)
    several = type(value) is list and type(siblings.get(target)) is list
    for metadata in value if several else (value,):
        if metadata is None and several:
            continue
        if type(metadata) is not dict:
            raise BadValue(f"must have an object as the value of @{target} (RFC 7952 section 5.2)", name=target)
        for name in metadata:
            module, colon, _ = name.partition(":")
            if not colon or module in _EDITING:
                raise UnknownAttribute(f"must not have the annotation {shown(name)}", name=shown(name))
