"""XSD regular expressions against libxml2 and elementpath, which have implementations of their own."""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from elementpath.regex import translate_pattern
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from promise.northbound.codec.xsd import PatternRefused, matcher

SCHEMA = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"><xs:simpleType>'
    '<xs:restriction base="xs:string"><xs:pattern value={}/></xs:restriction></xs:simpleType></xs:element></xs:schema>'
)


def reference(pattern: str) -> Any:
    """Return a function that matches a text as libxml2 does."""
    schema = etree.XMLSchema(etree.fromstring(SCHEMA.format(quoteattr(pattern))))

    def matches(text: str) -> bool:
        element = etree.Element("a")
        element.text = text
        return bool(schema.validate(element))

    return matches


TRIED = (
    "", "a", "b", "aa", "ab", "abc", "A", "Z", "z", "e", "0", "9", "12", "\u0664", "_", "-", ":", ".", "^", "$", "a$",
    "^a", "a-b", "a:b", "a b", " ", "\t", "\n", "a\nb", "\u00e9", "\u00b7", "\u2028", "\u00a0", "[", "]", "\\", "|",
    "(", ")", "*", "+", "?", "{", "}", "a{2}", "x1", "x12", "~", "&", "--", "&&", "\u4e2d", "1.2.3.4", "-a", "a-",
)  # fmt: skip

PATTERNS = (
    "", "a", "a|b", "a|", "(a|b)c?", "a*", "a+", "a?", "a{2}", "a{1,}", "a{0,2}", "(ab)*", "((a|b){1,2}|c)*", ".", ".*",
    "a.b", "[ab]", "[^ab]", "[a-z]", "[^a-z]+", "[a-]", "[-a]", "[a\\-z]", "[a-z-[aeiou]]", "[a-z-[aeiou]]+",
    "[^a-z-[A]]", "[a-z-[b-y-[m]]]", "\\d", "\\D", "\\d+", "[\\d]", "[\\D]", "[^\\d]", "\\s", "\\S", "\\s*", "\\S*",
    "[\\s]", "[\\Sa]", "[^\\s]", "\\i", "\\i\\c*", "[\\i-[:]][\\c-[:]]*", "[\\I]", "\\C", "[^\\c]", "^a", "a$", "\\^",
    "\\.", "\\\\", "\\|", "\\(\\)", "\\[\\]", "\\{\\}", "[.]", "[|]", "[(]", "[*+?]", "[\\[\\]]", "[\\\\]", "[\\^a]",
    "[a^]", "[~]", "[&]", "[|&~]+", "\\n|\\t", "[\\n\\t]", "\\p{L}", "\\p{Lu}", "\\P{L}", "[\\p{L}\\p{N}]", "[^\\p{L}]",
    "\\p{Sc}+", "([0-9]{1,3}\\.){3}[0-9]{1,3}", "[a-z A-Z]",
)  # fmt: skip

ARABIC_FOUR, MIDDLE = "\u0664", "\u4e2d"
KNOWN = {
    **{pattern: {MIDDLE} for pattern in ("\\p{L}", "\\P{L}", "[\\p{L}\\p{N}]", "[^\\p{L}]")},
    **{pattern: {ARABIC_FOUR} for pattern in ("\\i", "\\i\\c*", "[\\i-[:]][\\c-[:]]*", "[\\I]")},
}
"""libxml2 takes no ideograph for a letter, and name characters from an older edition of XML."""


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_matches_what_libxml2_matches(pattern: str) -> None:
    ours, theirs = matcher(pattern), reference(pattern)
    found, expected = {text for text in TRIED if ours(text)}, {text for text in TRIED if theirs(text)}
    assert found ^ expected <= KNOWN.get(pattern, set())


def members() -> st.SearchStrategy[str]:
    plain = st.sampled_from([*"abcxyz019_", "\\.", "\\-", "\\^", "\\d", "\\s", "\\i", "\\]"])
    ranges = st.sampled_from(["a-m", "0-5", "x-z", "A-Z"])
    return st.lists(plain | ranges, min_size=1, max_size=4).map("".join)


def groups() -> st.SearchStrategy[str]:
    body = st.tuples(st.sampled_from(["", "^"]), members(), st.just("") | members().map("-[{}]".format))
    return body.map(lambda parts: f"[{''.join(parts)}]")


def patterns() -> st.SearchStrategy[str]:
    atoms = st.sampled_from([*"abxyz019_:", "\\.", "\\d", "\\D", "\\s", "\\S", "\\i", "\\c", ".", "\\^"]) | groups()
    signs = st.sampled_from(["", "", "", "?", "*", "+", "{2}", "{1,}", "{0,2}"])
    leaf = st.lists(st.tuples(atoms, signs).map("".join), min_size=1, max_size=4).map("".join)
    return st.recursive(
        leaf,
        lambda inner: st.tuples(inner, inner, signs).map(lambda three: "({}|{}){}".format(*three)),
        max_leaves=4,
    )


@given(patterns(), st.lists(st.text(st.sampled_from("abmxyzAZ0159_:.-^] \t\u00e9"), max_size=5), min_size=5))
def test_random_patterns_match_what_elementpath_matches(pattern: str, texts: list[str]) -> None:
    """libxml2 loses count of alternatives in which something is repeated."""
    python = translate_pattern(pattern, back_references=False, lazy_quantifiers=False, anchors=False)
    ours, theirs = matcher(pattern), re.compile(python)
    assert [bool(ours(text)) for text in texts] == [bool(theirs.match(text)) for text in texts]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a", "an unexpected end at position 2"),
        ("a)", "an unmatched ')' at position 1"),
        ("*a", "a misplaced '*'"),
        ("a**", "a quantifier of a quantifier"),
        ("a+?", "a quantifier of a quantifier"),
        ("{2}", "a misplaced '{'"),
        ("a{,2}", "a misplaced '{'"),
        ("[a", "an unexpected end"),
        ("[]", "a misplaced ']'"),
        ("[a[b]]", "a misplaced '['"),
        ("[a-c-e]", "a misplaced '-'"),
        ("[a-[b]c]", "a class that goes on after a subtraction"),
        ("[a-\\d]", "a range that ends in a class"),
        ("[z-a]", "a range from 'z' down to 'a'"),
        ("a{99999999999999999999}", "more than Python's can do"),
        ("\\q", "an unknown escape '\\q'"),
        ("\\1", "an unknown escape '\\1'"),
        ("\\p{IsGreek}", "a property that is no Unicode category"),
        ("\\p{Xx}", "a property that is no Unicode category"),
        ("\\", "an unexpected end"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(PatternRefused) as caught:
        matcher(pattern)
    assert why in str(caught.value)
    assert pattern in str(caught.value)


@pytest.mark.parametrize(("pattern", "yes", "no"), [
    ("\\w+", "a\u00e95+$", "a.b"), ("\\W", "-", "$"), ("[\\W]", " ", "a"), ("\\$", "$", "S"),
])  # fmt: skip
def test_word_characters_are_those_of_xsd(pattern: str, yes: str, no: str) -> None:
    assert matcher(pattern)(yes)
    assert not matcher(pattern)(no)


def test_a_pattern_covers_the_whole_value() -> None:
    assert not matcher("a|b")("ab")
    assert not matcher("a")("a\n")
