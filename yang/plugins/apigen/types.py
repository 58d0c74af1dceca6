"""Type statements as JSON schemas of what RFC 7951 writes for their values."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from bindgen.bounds import resolved  # type: ignore[import-not-found]  # on the path that pyang makes
from bindgen.model import refuse  # type: ignore[import-not-found]
from pyang.types import yang_type_specs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bindgen.model import Statement

Json = dict[str, Any]

_INTEGERS: Final = {
    name: (spec.min, spec.max) for name, spec in yang_type_specs.items() if name.startswith(("int", "uint"))
}
_MOMENT: Final = "date-and-time"
_ESCAPES: Final = {
    r"[\p{N}\p{L}]": r"[^\s%:./]",
    r"\p{C}": r"\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\ue000-\uf8ff\ufeff\ufff0-\ufffb",
}
"""What XSD has and the dialects of JSON Schema's readers have not, as ranges that say about the same: a schema here may
take a string that the server then refuses with its reason, never the other way."""


def json_type(statement: Statement, modules: Mapping[str, Statement]) -> Json:
    """Return the schema of the values of a type statement; `modules` are those whose identities count."""
    chain = [statement]
    while chain[-1].i_typedef is not None:
        if chain[-1].i_typedef.arg == _MOMENT:
            return {"type": "string", "format": "date-time"}
        chain.append(chain[-1].i_typedef.search_one("type"))
    base = chain[-1].arg
    if base in _INTEGERS:
        return _integer(chain)
    if base in _SIMPLE:
        return dict(_SIMPLE[base])
    if base in _WRITTEN:
        return _WRITTEN[base](chain)
    return _composed(chain, modules)


def _composed(chain: list[Statement], modules: Mapping[str, Statement]) -> Json:
    """Return the schema of a type whose values are listed, or are those of other types."""
    match chain[-1].arg:
        case "enumeration":
            owner = next(link for link in chain if link.search_one("enum") is not None)
            return {"type": "string", "enum": [enum.arg for enum in owner.search("enum")]}
        case "identityref":
            return {"type": "string", "enum": _identities(chain[-1], modules)}
        case "leafref":
            return json_type(chain[-1].i_type_spec.i_target_node.search_one("type"), modules)
        case "union":
            return {"anyOf": [json_type(member, modules) for member in chain[-1].search("type")]}
        case other:
            return refuse(chain[-1], f"the type {other} has no JSON schema")  # type: ignore[no-any-return]


_BASE64: Final = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

_SIMPLE: Final[Mapping[str, Json]] = {
    "boolean": {"type": "boolean"},
    "empty": {"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 1},
    "bits": {"type": "string"},
    "instance-identifier": {"type": "string"},
}


def _integer(chain: list[Statement]) -> Json:
    """Return the schema of an integer; those of 64 bits are strings (RFC 7951 section 6.1)."""
    base = chain[-1].arg
    pairs = resolved(chain, "range", int, *_INTEGERS[base])
    low, high = pairs[0][0], pairs[-1][1]
    if base.endswith("64"):
        return {"type": "string", "pattern": f"^{_decimal(low, high)}$"}
    return {"type": "integer", "minimum": low, "maximum": high}


def _decimal(low: int, high: int) -> str:
    """Return a pattern of the numbers in a range that begins with 0, or with 1; of others that of all numbers."""
    if low not in (0, 1):
        return "-?(?:0|[1-9][0-9]{0,18})"
    zero = "0|" if low == 0 else ""
    return f"(?:{zero}{'|'.join(_up_to(str(high)))})"


def _up_to(high: str) -> list[str]:
    """Return patterns of the numbers from 1 to this one, each without leading zeros."""
    found = [f"[1-9][0-9]{{0,{len(high) - 2}}}"] if len(high) > 1 else []
    for at, digit in enumerate(high):
        least = 1 if at == 0 else 0
        if int(digit) > least:
            rest = len(high) - at - 1
            found.append(f"{high[:at]}[{least}-{int(digit) - 1}]" + (f"[0-9]{{{rest}}}" if rest else ""))
    return [*found, high]


def _string(chain: list[Statement]) -> Json:
    found: Json = {"type": "string"}
    lengths = next((link for link in chain if link.search_one("length") is not None), None)
    if lengths is not None:
        pairs = resolved(chain, "length", int, 0, None)
        found["minLength"] = pairs[0][0]
        if pairs[-1][1] is not None:
            found["maxLength"] = pairs[-1][1]
    patterns = [_pattern(pattern) for link in chain for pattern in link.search("pattern")]
    if len(patterns) == 1:
        found |= patterns[0]
    elif patterns:
        found["allOf"] = patterns
    return found


def _binary(chain: list[Statement]) -> Json:
    """Return the schema of octets in base64, of which four characters hold up to three."""
    found = {"type": "string", "contentEncoding": "base64", "pattern": _BASE64}
    if any(link.search_one("length") is not None for link in chain):
        pairs = resolved(chain, "length", int, 0, None)
        found |= {"minLength": -(-pairs[0][0] // 3) * 4, "maxLength": -(-pairs[-1][1] // 3) * 4}
    return found


def _decimal64(chain: list[Statement]) -> Json:
    """Return the schema of a decimal number: its digits, and its range where that is from above 0 to a power of 10."""
    digits = int(next(link.search_one("fraction-digits").arg for link in chain if link.search_one("fraction-digits")))
    pairs = resolved(chain, "range", Decimal, Decimal(-(10**18)), Decimal(10**18))
    low, high = pairs[0][0], pairs[-1][1]
    if low != Decimal(1).scaleb(-digits) or str(high).strip("0") != "1":
        return {"type": "string", "pattern": rf"^-?[0-9]{{1,18}}(\.[0-9]{{1,{digits}}})?$"}
    whole = rf"[1-9][0-9]{{0,{len(str(high)) - 2}}}(?:\.[0-9]{{1,{digits}}})?"
    parts = "|".join(rf"0{{{at}}}[1-9][0-9]{{0,{digits - at - 1}}}" for at in range(digits))
    return {"type": "string", "pattern": rf"^(?:{whole}|0\.(?:{parts})|{high}(?:\.0{{1,{digits}}})?)$"}


def _pattern(statement: Statement) -> Json:
    """Return a pattern of XSD in the words of ECMA-262: there it is not anchored by itself."""
    text = statement.arg
    for ours, theirs in _ESCAPES.items():
        text = text.replace(ours, theirs)
    found: Json = {"pattern": f"^(?:{text})$"}
    return {"not": found} if statement.search_one("modifier") is not None else found


_WRITTEN: Final[Mapping[str, Callable[[list[Statement]], Json]]] = {
    "string": _string,
    "binary": _binary,
    "decimal64": _decimal64,
}


def _identities(statement: Statement, modules: Mapping[str, Statement]) -> list[str]:
    """Return the identities derived from the bases, with the names of their modules (RFC 7951 section 6.8)."""
    bases = [base.i_identity for base in statement.search("base")]
    derived: Callable[[Statement, Statement], bool] = lambda one, base: any(  # noqa: E731 - it calls itself
        above.i_identity is base or derived(above.i_identity, base) for above in one.search("base")
    )
    return [
        f"{name}:{identity.arg}"
        for name in sorted(modules)
        for identity in modules[name].i_identities.values()
        if all(derived(identity, base) for base in bases)
    ]
