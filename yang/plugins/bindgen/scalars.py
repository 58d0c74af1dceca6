"""Type statements as the source of their run-time types."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pyang.types import yang_type_specs

from promise.northbound.codec.xsd import PatternRefused, translated

from .bounds import resolved
from .layout import Call, entries, quoted
from .model import Scalar, refuse
from .names import constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from .model import Statement

_INTEGERS: Final = {
    name: (spec.min, spec.max) for name, spec in yang_type_specs.items() if name.startswith(("int", "uint"))
}
_MOMENT: Final = ("ietf-yang-types", "date-and-time")
_RESTRICTIONS: Final = {"range", "length", "pattern", "enum", "bit"}
_KNOWN: Final = _RESTRICTIONS | {"type", "base", "path", "require-instance", "fraction-digits"}


class Types:
    """Types of one build; identityrefs see the identities of all its modules."""

    def __init__(self, modules: dict[str, Statement]) -> None:
        self._modules = modules

    def scalar(self, statement: Statement, module: str, *, references: bool) -> Scalar:
        """Return the type of a leaf or leaf-list; `module` is that of its namespace.

        `references` says whether a leafref may require its instance: only where somebody checks it, which the
        bindings do not.
        """
        return self._type(statement.search_one("type"), module, references=references)

    def _type(self, statement: Statement, module: str, *, references: bool) -> Scalar:
        chain = _chain(statement)
        base = chain[-1].arg
        typedef = statement.i_typedef.arg if statement.i_typedef is not None else ""
        if any((link.i_typedef.i_module.arg, link.i_typedef.arg) == _MOMENT for link in chain[:-1]):
            _unrestricted(chain[:-1], "date-and-time")
            return Scalar("codec.DATE_AND_TIME", "datetime", "other")
        if base in _BUILDERS:
            return _BUILDERS[base](chain, typedef)
        if base in _INTEGERS:
            return _integer(chain, typedef)
        match base:
            case "leafref":
                return self._leafref(chain, module, references=references)
            case "identityref":
                return self._identityref(chain, module, typedef)
            case "union":
                return self._union(chain, module, typedef, references=references)
        return refuse(statement, f"the type {base} has no Python type")

    def _leafref(self, chain: list[Statement], module: str, *, references: bool) -> Scalar:
        """Return the type of the leaf that the path leads to."""
        spec = chain[-1].i_type_spec
        if spec.require_instance and not references:
            refuse(chain[-1], "nobody would check that the instance exists; say require-instance false")
        target = getattr(spec, "i_target_node", None)
        if target is None:
            refuse(chain[-1], "the leaf that the path leads to is not known")
        return self._type(target.search_one("type"), module, references=references)

    def _union(self, chain: list[Statement], module: str, typedef: str, *, references: bool) -> Scalar:
        _unrestricted(chain[:-1], "a union")
        members = [self._type(member, module, references=references) for member in chain[-1].search("type")]
        call = Call("codec.Union")
        for member in members:
            call.add(member.source)
        annotation = " | ".join(dict.fromkeys(member.annotation for member in members))
        kinds = {member.kind for member in members}
        return Scalar(call, annotation, "string" if kinds <= {"string", "enumeration"} else "other", typedef)

    def _identityref(self, chain: list[Statement], module: str, typedef: str) -> Scalar:
        _unrestricted(chain[:-1], "an identityref")
        bases = [base.i_identity for base in chain[-1].search("base")]
        call = Call("codec.IdentityRef").add(constant(module))
        found: dict[str, frozenset[str]] = {}
        for owner, candidate in self._identities():
            ancestors = _ancestors(candidate)
            if not all(base in ancestors for base in bases):
                continue
            if candidate.arg in found:
                refuse(chain[-1], f"two identities have the name {candidate.arg}")
            found[candidate.arg] = frozenset(f"{one.i_module.i_modulename}:{one.arg}" for one in ancestors)
            call.add(f"({constant(owner)}, {quoted(candidate.arg)})")
        if not found:
            refuse(chain[-1], "no identity is derived from its bases")
        return Scalar(call, "str", "identity", typedef, tuple(found.items()))

    def _identities(self) -> list[tuple[str, Statement]]:
        return [
            (name, identity)
            for name in sorted(self._modules)
            for identity in self._modules[name].i_identities.values()
            if not hasattr(identity, "i_not_implemented")
        ]


def _ancestors(identity: Statement) -> list[Statement]:
    """Return the identities from which this one is derived, nearest first."""
    found: list[Statement] = []
    for base in identity.search("base"):
        found.append(base.i_identity)
        found.extend(_ancestors(base.i_identity))
    return found


def _chain(statement: Statement) -> list[Statement]:
    """Return the type statements from this one, through typedefs, to that of the built-in type."""
    chain = [statement]
    while chain[-1].i_typedef is not None:
        chain.append(chain[-1].i_typedef.search_one("type"))
    for link in chain:
        for sub in link.substmts:
            if sub.keyword not in _KNOWN:
                refuse(sub, "unknown below a type")
    return chain


def _unrestricted(chain: list[Statement], what: str) -> None:
    """Refuse restrictions of a type that is taken as it is."""
    for link in chain:
        for sub in link.substmts:
            if sub.keyword in _RESTRICTIONS:
                refuse(sub, f"a restriction of {what}")
        if (link.i_typedef.i_module.arg, link.i_typedef.arg) == _MOMENT:
            return


def _with_refusal(call: Call, statement: Statement) -> Call:
    """Add error-message and error-app-tag of a restriction to the call that builds it."""
    message, tag = statement.search_one("error-message"), statement.search_one("error-app-tag")
    if message is not None:
        call.add(quoted(" ".join(message.arg.split())), "message")
    return call if tag is None else call.add(quoted(tag.arg), "app_tag")


def _nearest(chain: list[Statement], keyword: str) -> Statement | None:
    """Return the restriction nearest to the leaf, which is the narrowest."""
    return next((found for link in chain if (found := link.search_one(keyword)) is not None), None)


def _integer(chain: list[Statement], typedef: str) -> Scalar:
    base = chain[-1].arg
    restriction = _nearest(chain, "range")
    if restriction is None:
        return Scalar(f"codec.{base.upper()}", "int", "integer")
    call = Call("codec.Integer")
    for low, high in resolved(chain, "range", int, *_INTEGERS[base]):
        call.add(f"({low}, {high})")
    if base.endswith("64"):
        call.add("True", "wide")
    return Scalar(_with_refusal(call, restriction), "int", "integer", typedef)


def _decimal(chain: list[Statement], typedef: str) -> Scalar:
    digits = chain[-1].search_one("fraction-digits").arg
    call = Call("codec.Decimal64").add(digits)
    restriction = _nearest(chain, "range")
    if restriction is not None:
        unit = Decimal(1).scaleb(-int(digits))
        for low, high in resolved(chain, "range", Decimal, -(2**63) * unit, (2**63 - 1) * unit):
            call.add(f'(Decimal("{low:f}"), Decimal("{high:f}"))')
        _with_refusal(call, restriction)
    return Scalar(call, "Decimal", "decimal", typedef)


def _length(chain: list[Statement]) -> str | Call | None:
    """Return the source of the length of a string or binary."""
    restriction = _nearest(chain, "length")
    if restriction is None:
        return None
    pairs = entries([f"({low}, {high})" for low, high in resolved(chain, "length", _size, 0, None)])
    call = _with_refusal(Call("codec.Length").add(pairs), restriction)
    return call if len(call.arguments) > 1 else pairs


def _size(text: str) -> int | None:
    return int(text)


def _string(chain: list[Statement], typedef: str) -> Scalar:
    call = Call("codec.String")
    for link in reversed(chain):
        for statement in link.search("pattern"):
            call.add(_pattern(statement))
    length = _length(chain)
    if length is not None:
        call.add(length, "length")
    return Scalar(call, "str", "string", typedef) if call.arguments else Scalar("codec.STRING", "str", "string")


def _pattern(statement: Statement) -> str | Call:
    """Return the source of a pattern, after trying it."""
    try:
        translated(statement.arg)
    except PatternRefused as error:
        refuse(statement, str(error))
    call = Call("codec.Pattern").add(quoted(statement.arg))
    if statement.search_one("modifier") is not None:
        call.add("True", "invert")
    _with_refusal(call, statement)
    return call if len(call.arguments) > 1 else quoted(statement.arg)


def _enumeration(chain: list[Statement], typedef: str) -> Scalar:
    owner = next(link for link in chain if link.search_one("enum") is not None)
    call = Call("codec.Enumeration")
    for enum in owner.search("enum"):
        if not hasattr(enum, "i_not_implemented"):
            call.add(quoted(enum.arg))
    return Scalar(call, "str", "enumeration", typedef)


def _bits(chain: list[Statement], typedef: str) -> Scalar:
    owner = next(link for link in chain if link.search_one("bit") is not None)
    position = {bit.arg: bit.i_position for bit in chain[-1].search("bit")}
    bits = [bit.arg for bit in owner.search("bit") if not hasattr(bit, "i_not_implemented")]
    call = Call("codec.Bits")
    for name in sorted(bits, key=position.__getitem__):
        call.add(quoted(name))
    return Scalar(call, "tuple[str, ...]", "other", typedef)


def _binary(chain: list[Statement], typedef: str) -> Scalar:
    length = _length(chain)
    if length is None:
        return Scalar("codec.BINARY", "bytes", "other")
    return Scalar(Call("codec.Binary").add(length, "length"), "bytes", "other", typedef)


_BUILDERS: Final[dict[str, Callable[[list[Statement], str], Scalar]]] = {
    "string": _string,
    "enumeration": _enumeration,
    "bits": _bits,
    "decimal64": _decimal,
    "binary": _binary,
    "boolean": lambda _chain, _typedef: Scalar("codec.BOOLEAN", "bool", "boolean"),
    "empty": lambda _chain, _typedef: Scalar("codec.EMPTY", "bool", "empty"),
}
