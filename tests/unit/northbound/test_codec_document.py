"""JSON texts: strictly what JSON allows, with nothing lost on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promise.errors import DuplicateNode, Invalid, Malformed, TooBig
from promise.northbound.codec import parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_json_is_read(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value or "\\ud" in (
        json.dumps(value)
    )


@pytest.mark.parametrize(
    ("text", "kind", "rule"),
    [
        (b"", Malformed, "must be JSON: Expecting value at line 1, column 1"),
        (b"{", Malformed, "must be JSON"),
        (b'{"a": 1} x', Malformed, "must be JSON: Extra data at line 1, column 10"),
        (b"{'a': 1}", Malformed, "must be JSON"),
        (b'{"a": 1,}', Malformed, "must be JSON"),
        (b'"a\nb"', Malformed, "must be JSON: Invalid control character"),
        (b"NaN", Malformed, "must be JSON, which has no NaN"),
        (b"[Infinity]", Malformed, "must be JSON, which has no Infinity"),
        (b"-Infinity", Malformed, "must be JSON, which has no -Infinity"),
        (b'\xff"', Malformed, "must be UTF-8: byte 0 is not"),
        (b'"ab\xed\xa0\x80"', Malformed, "must be UTF-8: byte 3 is not"),
        ("\ufeff{}".encode(), Malformed, "must be JSON"),
        (b"1" * 5000, Malformed, "must not hold a number of that many digits"),
        (b"[" * 100_000, TooBig, "must not be nested that deep"),
        (b'{"a": 1, "b": 2, "a": 3}', DuplicateNode, "must have the member a once"),
        (b'{"x": [{"m:b": 1, "m:b": 1}]}', DuplicateNode, "must have the member m:b once"),
    ],
    ids=range(16),
)
def test_what_is_no_json(text: bytes, kind: type[Invalid], rule: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_json(text)
    assert type(caught.value) is kind
    assert rule in caught.value.rule


@given(st.binary(max_size=60))
def test_anything_else_is_an_error_of_ours(octets: bytes) -> None:
    try:
        value = parse_json(octets)
    except Invalid:
        return
    assert parse_json(json.dumps(value).encode()) == value
