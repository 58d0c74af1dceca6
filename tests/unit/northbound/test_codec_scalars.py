"""Types one by one: what they read, what they write, and what they say when they refuse."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from oracle.yang_judges import instant

from promise.errors import BadValue
from promise.northbound import codec
from promise.northbound.codec.characters import escape, is_legal, legal

HOME = codec.Module("home", "2026-01-01", "urn:home", "h", "home.yang")
AWAY = codec.Module("away", "2026-01-01", "urn:away", "a", "away.yang")
SHAPE = codec.IdentityRef(HOME, (HOME, "square"), (AWAY, "circle"))
GAPS = codec.Integer((1, 4), (10, 10), message="not one of ours", app_tag="not-ours")
RATIO = codec.Decimal64(2, (Decimal("-1.5"), Decimal("1.5")), (Decimal(9), Decimal(9)))
BITS = codec.Bits("second", "first")
UNION = codec.Union(codec.Integer((1, 9)), codec.Enumeration("small"), codec.UINT64, SHAPE, codec.BOOLEAN)

CHARACTERS = "must not hold control characters, surrogates or noncharacters (RFC 7950 section 9.4)"
MOMENT = "must be a date-and-time of RFC 3339, such as 2026-12-01T00:00:00Z, in the years 1 to 9999"
EITHER = (
    "must be 1..9, or must be small, or must be 0..18446744073709551615, "
    "or must be one of the identities h:square, a:circle, or must be true or false"
)

MINUTES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timedelta(minutes=minutes))
ZONES = st.timezones() | st.just(UTC) | st.builds(timezone, MINUTES)
EARLY, LATE = datetime(2, 1, 1), datetime(9998, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone


def refusal(read: Any, *arguments: Any) -> BadValue:
    with pytest.raises(BadValue) as caught:
        read(*arguments)
    return caught.value


@pytest.mark.rfc("7950", "9", "the lexical forms of the types")
@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (codec.UINT32, "0", 0),
        (codec.UINT32, " \t\r\n+0042\n", 42),
        (codec.UINT32, "0" * 5000 + "7", 7),
        (codec.UINT32, "-0", 0),
        (codec.INT8, "-128", -128),
        (codec.UINT64, "18446744073709551615", 2**64 - 1),
        (GAPS, "10", 10),
        (RATIO, "+1.50000", Decimal("1.5")),
        (RATIO, " -0.0 ", Decimal(0)),
        (RATIO, "9", Decimal(9)),
        (codec.BOOLEAN, "true", True),
        (codec.EMPTY, "", True),
        (codec.STRING, " as it is\n", " as it is\n"),
        (BITS, " first\n second ", ("second", "first")),
        (BITS, "", ()),
        (codec.BINARY, " AAEC\n AwQ= ", b"\0\1\2\3\4"),
        (codec.BINARY, "", b""),
        (UNION, "9", 9),
        (UNION, "10", 10),
        (UNION, "small", "small"),
        (UNION, "true", True),
    ],
)
def test_xml_that_is_read(kind: codec.String, text: str, value: object) -> None:
    assert kind.read_xml(text, None) == value


@pytest.mark.parametrize(
    ("kind", "text", "rule"),
    [
        (codec.UINT32, "4294967296", "must be 0..4294967295"),
        (codec.UINT32, "-1", "must be 0..4294967295"),
        (codec.UINT32, "9" * 5000, "must be 0..4294967295"),
        (codec.UINT32, "", "must be 0..4294967295"),
        (codec.UINT32, "1_0", "must be 0..4294967295"),
        (codec.UINT32, "0x1f", "must be 0..4294967295"),
        (codec.UINT32, "1.0", "must be 0..4294967295"),
        (codec.UINT32, "\u0664\u0662", "must be 0..4294967295"),
        (codec.UINT32, "\u00a042", "must be 0..4294967295"),
        (codec.UINT32, "4 2", "must be 0..4294967295"),
        (codec.Integer((0, 5), (7, 7)), "6", "must be 0..5 or 7"),
        (GAPS, "5", "not one of ours"),
        (RATIO, "1.555", "must be -1.5..1.5 or 9 with at most 2 fraction digits"),
        (RATIO, "2", "must be -1.5..1.5 or 9 with at most 2 fraction digits"),
        (RATIO, "1e0", "must be -1.5..1.5 or 9 with at most 2 fraction digits"),
        (RATIO, ".5", "must be -1.5..1.5 or 9 with at most 2 fraction digits"),
        (RATIO, "NaN", "must be -1.5..1.5 or 9 with at most 2 fraction digits"),
        (RATIO, "9" * 5000, "must be -1.5..1.5 or 9 with at most 2 fraction digits"),
        (codec.BOOLEAN, "1", "must be true or false"),
        (codec.BOOLEAN, " true", "must be true or false"),
        (codec.EMPTY, " ", "must be empty"),
        (codec.Enumeration("a", "b", "c"), "d", "must be a, b or c"),
        (codec.Enumeration("a"), " a", "must be a"),
        (BITS, "first first", "must be some of second, first, separated by spaces, each at most once"),
        (BITS, "third", "must be some of second, first, separated by spaces, each at most once"),
        (codec.BINARY, "AA", "must be base64 (RFC 4648 section 4)"),
        (codec.BINARY, "AA==AA==", "must be base64 (RFC 4648 section 4)"),
        (codec.BINARY, "\u00e9AA=", "must be base64 (RFC 4648 section 4)"),
        (codec.Binary(length=((0, 1), (3, None))), "AAE=", "must have 0..1 or at least 3 octets"),
        (codec.String(length=((2, 2),)), "abc", "must have 2 characters"),
        (codec.String("[a-z]+"), "A", "must match the pattern [a-z]+"),
        (codec.String(codec.Pattern("xml.*", invert=True)), "xml1", "must not match the pattern xml.*"),
        (codec.STRING, "\ufdd0", CHARACTERS),
        (UNION, "x", EITHER),
    ],
)  # fmt: skip
def test_xml_that_is_refused(kind: codec.String, text: str, rule: str) -> None:
    assert refusal(kind.read_xml, text, None).rule == rule


@pytest.mark.parametrize(
    ("kind", "raw", "rule"),
    [
        (codec.UINT32, "5", "must be 0..4294967295, as a JSON number without fraction or exponent"),
        (codec.UINT32, 5.0, "must be 0..4294967295, as a JSON number without fraction or exponent"),
        (codec.UINT32, True, "must be 0..4294967295, as a JSON number without fraction or exponent"),
        (codec.UINT32, None, "must be 0..4294967295, as a JSON number without fraction or exponent"),
        (codec.UINT32, -1, "must be 0..4294967295"),
        (codec.UINT64, 5, "must be 0..18446744073709551615, as a JSON string (RFC 7951 section 6.1)"),
        (RATIO, 1.5, "must be -1.5..1.5 or 9 with at most 2 fraction digits, as a JSON string (RFC 7951 section 6.1)"),
        (codec.BOOLEAN, "true", "must be true or false, as JSON literals"),
        (codec.BOOLEAN, 1, "must be true or false, as JSON literals"),
        (codec.EMPTY, None, "must be [null]"),
        (codec.EMPTY, [], "must be [null]"),
        (codec.EMPTY, [0], "must be [null]"),
        (codec.STRING, 5, "must be a JSON string"),
        (codec.STRING, "a\0b", CHARACTERS),
        (codec.STRING, "\ud800", CHARACTERS),
        (codec.Enumeration("a"), 1, "must be a"),
        (codec.Enumeration("a"), ["a"], "must be a"),
        (BITS, ["first"], "must be some of second, first, separated by spaces, each at most once, in one JSON string"),
        (codec.BINARY, [0], "must be base64 (RFC 4648 section 4) in a JSON string"),
        (SHAPE, ["square"], "must be one of the identities h:square, a:circle"),
        (SHAPE, "circle", "must be one of the identities h:square, a:circle"),
        (SHAPE, "h:square", "must be one of the identities h:square, a:circle"),
        (codec.DATE_AND_TIME, 0, MOMENT),
    ],
)  # fmt: skip
def test_json_that_is_refused(kind: codec.String, raw: object, rule: str) -> None:
    assert refusal(kind.read_json, raw).rule == rule


@pytest.mark.parametrize(
    ("kind", "value", "text", "raw"),
    [
        (codec.INT64, -5, "-5", "-5"),
        (codec.INT32, -5, "-5", -5),
        (codec.Decimal64(18), Decimal("-0.000"), "0.0", "0.0"),
        (codec.Decimal64(18), Decimal("1E+1"), "10.0", "10.0"),
        (codec.Decimal64(18), Decimal("1.2300"), "1.23", "1.23"),
        (codec.BOOLEAN, False, "false", False),
        (codec.EMPTY, True, "", [None]),
        (codec.STRING, "<a> & 'b'\r\n\t\"", "&lt;a&gt; &amp; 'b'&#13;\n\t\"", "<a> & 'b'\r\n\t\""),
        (codec.STRING, "a\0\ud800\ufffe\U0001ffffb", "a\ufffd\ufffd\ufffd\ufffdb", "a\ufffd\ufffd\ufffd\ufffdb"),
        (codec.Enumeration("a & b"), "a & b", "a &amp; b", "a & b"),
        (BITS, ("first", "second"), "second first", "second first"),
        (codec.BINARY, b"\0\1", "AAE=", "AAE="),
        (SHAPE, "square", "square", "home:square"),
        (SHAPE, "circle", "a:circle", "away:circle"),
        (UNION, 9, "9", 9),
        (UNION, 10, "10", "10"),
        (UNION, "small", "small", "small"),
        (UNION, "circle", "a:circle", "away:circle"),
        (UNION, True, "true", True),
    ],
)
def test_what_is_written(kind: codec.String, value: Any, text: str, raw: object) -> None:
    assert kind.write_xml(value) == text
    assert (kind.write_json(value), type(kind.write_json(value))) == (raw, type(raw))


def test_a_union_does_not_write_what_none_of_its_members_holds() -> None:
    with pytest.raises(ValueError, match="'large' is a value of no member"):
        UNION.write_xml("large")


def test_messages_and_tags_of_restrictions_are_told() -> None:
    fault = refusal(GAPS.read_xml, "5", None)
    assert (fault.rule, fault.app_tag) == ("not one of ours", "not-ours")
    short = codec.String(length=codec.Length(((1, 2),), "too long", "long"))
    assert (refusal(short.read_xml, "abc", None).app_tag, refusal(short.read_xml, "", None).rule) == (
        "long",
        "too long",
    )
    even = codec.String(codec.Pattern("(..)*", message="in pairs", app_tag="odd"))
    assert (refusal(even.read_xml, "a", None).rule, refusal(even.read_xml, "a", None).app_tag) == ("in pairs", "odd")


# Identities in XML


@pytest.mark.parametrize(
    ("markup", "identity"),
    [
        ('<l xmlns="urn:home">square</l>', "square"),
        ('<l xmlns="urn:home" xmlns:x="urn:home">x:square</l>', "square"),
        ('<l xmlns="urn:home" xmlns:x="urn:away"> x:circle\n</l>', "circle"),
        ('<x:l xmlns:x="urn:home" xmlns="urn:away">circle</x:l>', "circle"),
        ('<l xmlns="urn:home" xmlns:h="urn:away">h:circle</l>', "circle"),
        ('<l xmlns="urn:home">circle</l>', None),
        ('<l xmlns="urn:home" xmlns:h="urn:away">h:square</l>', None),
        ('<l xmlns="urn:home">h:square</l>', None),
        ('<l xmlns="urn:home">:square</l>', None),
        ('<x:l xmlns:x="urn:home">square</x:l>', None),
    ],
)
def test_prefixes_mean_what_the_document_says(markup: str, identity: str | None) -> None:
    element = etree.fromstring(markup)
    if identity is None:
        assert "must be one of the identities" in refusal(SHAPE.read_xml, element.text, element).rule
    else:
        assert SHAPE.read_xml(element.text or "", element) == identity


def test_the_prefix_of_a_foreign_identity_is_declared() -> None:
    assert SHAPE.declarations("circle") == ' xmlns:a="urn:away"'
    assert SHAPE.declarations("square") == ""
    assert UNION.declarations("circle") == ' xmlns:a="urn:away"'


# Moments


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01T00:00:00Z", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12-01T00:00:00+02:00", datetime(2026, 11, 30, 22, tzinfo=UTC)),
        ("2026-12-01T00:00:00-00:00", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12-01T00:00:00.5Z", datetime(2026, 12, 1, 0, 0, 0, 500000, tzinfo=UTC)),
        ("2026-12-01T00:00:00.0000000Z", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12-01T00:00:00.0000001Z", datetime(2026, 12, 1, 0, 0, 0, 1, tzinfo=UTC)),
        ("2026-12-01T00:00:00.9999999Z", datetime(2026, 12, 1, 0, 0, 0, 999999, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60.25Z", datetime(2017, 1, 1, 0, 0, 0, 250000, tzinfo=UTC)),
        ("2016-12-31T22:59:60-01:00", datetime(2017, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    found = codec.DATE_AND_TIME.read_xml(text, None)
    assert (found, found.tzinfo) == (moment, UTC)
    assert codec.DATE_AND_TIME.read_json(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-12-01", "2026-12-01T00:00:00", "2026-12-01 00:00:00Z", "2026-12-01t00:00:00Z", "2026-12-01T00:00:00z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-02-30T00:00:00Z",
        "2026-12-01T24:00:00Z", "2026-12-01T00:60:00Z", "2026-12-01T00:00:61Z", "2026-12-01T00:00:00+24:00",
        "2026-12-01T00:00:00+01:60", "2026-12-01T00:00:00+0100", "2026-12-01T00:00:00.Z", "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z", " 2026-12-01T00:00:00Z",
        "2026-12-01T00:00:00Z\n", "2026-W49-2T00:00:00Z", "20261201T000000Z", "+2026-12-01T00:00:00Z",
        "\u0662\u0660\u0662\u0666-12-01T00:00:00Z", "2026-12-01T00:00:00.\u0665Z",
    ],
)  # fmt: skip
def test_what_is_no_moment(text: str) -> None:
    assert refusal(codec.DATE_AND_TIME.read_xml, text, None).rule.startswith("must be a date-and-time of RFC 3339")


@given(
    st.from_regex(r"\d{4}-[0-3]\d-[0-3]\d", fullmatch=True),
    st.from_regex(r"T[0-2]\d:[0-6]\d:[0-6]\d(\.\d{1,8})?", fullmatch=True),
    st.from_regex(r"Z|[+-][0-2]\d:[0-6]\d", fullmatch=True),
)
def test_moments_are_those_of_an_independent_reader(date: str, time: str, offset: str) -> None:
    text = date + time + offset
    try:
        expected = instant(text)
    except ValueError:
        refusal(codec.DATE_AND_TIME.read_xml, text, None)
    else:
        assert codec.DATE_AND_TIME.text(codec.DATE_AND_TIME.read_xml(text, None)) == expected


@given(st.datetimes(EARLY, LATE, timezones=ZONES))
def test_a_moment_of_any_zone_is_written_in_utc(moment: datetime) -> None:
    text = codec.DATE_AND_TIME.write_xml(moment)
    assert text.endswith("Z")
    assert codec.DATE_AND_TIME.read_xml(text, None) == moment.astimezone(UTC)
    assert ("." in text) == (moment.microsecond != 0)


def test_a_moment_without_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        codec.DATE_AND_TIME.write_xml(datetime(2026, 12, 1))  # noqa: DTZ001 - that is the point


# Characters


@given(st.text(st.characters()) | st.text(st.sampled_from("<>&'\"\r\n\t\0\x85\ufffe]")))
def test_what_is_written_is_well_formed_and_reads_back(text: str) -> None:
    root = etree.fromstring(f"<a>{escape(text)}</a>".encode())
    assert (root.text or "") == legal(text)
    assert is_legal(legal(text))
    assert (legal(text) == text) == is_legal(text)


@given(st.binary(max_size=40))
def test_binary_survives_line_breaks(octets: bytes) -> None:
    assert codec.BINARY.read_xml(base64.encodebytes(octets).decode(), None) == octets
    assert codec.BINARY.read_json(codec.BINARY.write_json(octets)) == octets


@pytest.mark.rfc("7951", "6.1", "64-bit numbers are strings in JSON")
@given(st.integers(-(2**70), 2**70))
def test_numbers_are_exact(number: int) -> None:
    inside = -(2**63) <= number < 2**63
    for read, given_ in ((codec.INT64.read_xml, (str(number), None)), (codec.INT64.read_json, (str(number),))):
        if inside:
            assert read(*given_) == number
        else:
            refusal(read, *given_)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**16), max_value=10**16))
def test_decimals_are_exact(number: Decimal) -> None:
    kind = codec.Decimal64(4)
    limit = Decimal(2**63) / 10000
    if -limit <= number < limit:
        assert kind.read_xml(f"{number:f}", None) == number
        assert kind.read_json(kind.write_json(number)) == number
    else:
        refusal(kind.read_xml, f"{number:f}", None)
