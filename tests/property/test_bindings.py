"""The bindings against yangson: the same verdict and the same value, in both encodings.

Documents are drawn from yangson's schema of our modules, and of the gauntlet, which has everything that the bindings
can express. PROMISE_EXAMPLES multiplies how many. Where the two may differ, and why:

* a date-and-time that is no moment (month 13, February 30th, hour 24, beyond the year 9999): the pattern of RFC 6991
  lets it pass and with it yangson, RFC 3339 does not; the judges here look at it themselves;
* keys that are one moment in the words of two time zones: for us one entry given twice, for yangson two texts;
* numbers in the forms of Python or of floating point (1_0, 1e3): yangson reads them, RFC 7950 section 9 does not;
* an empty array, which says nothing (RFC 7951): yangson takes it for the choice of a case; none is drawn there;
* an entry without content in a list without key: yangson forgets it when it writes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from oracle import yang_documents, yang_judges
from oracle.yang_model import gauntlet, ours

from promise.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from oracle.yang_model import Modules, Side

EXAMPLES = int(os.environ.get("PROMISE_EXAMPLES", "1"))
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
SIDES = [
    pytest.param(modules, side, id=f"{which}-{side}")
    for which, modules in (("ours", ours()), ("gauntlet", gauntlet()))
    for side in modules.sides()
]


def some(count: int) -> settings:
    return settings(max_examples=count * EXAMPLES, deadline=None, suppress_health_check=QUIET, database=None)


def outcome(side: Side, read: Callable[[Any], Any], document: Any) -> Any:
    """Return our JSON of what was read, or the fault."""
    try:
        return yang_judges.without_blanks(side.encode_json(read(document)))
    except Invalid as fault:
        return fault


def agree(mine: Any, judge: Callable[[], Any], document: Any) -> None:
    """Fail unless the judge has the same verdict, and for a valid document the same value."""
    if isinstance(mine, Invalid):
        assert mine.path.startswith("/")
        assert mine.rule
        if not yang_judges.forgiven(document):
            with pytest.raises(yang_judges.Rejected):
                judge()
    else:
        assert judge() == mine


@pytest.mark.parametrize(("modules", "side"), SIDES)
@some(5)
@given(st.data())
def test_a_document_means_the_same_to_others(modules: Modules, side: Side, data: Any) -> None:
    body = data.draw(yang_documents.bodies(side.node))
    mine = outcome(side, side.decode_json, body)
    agree(mine, lambda: yang_judges.yangson_json(modules, side, body), body)
    in_xml = outcome(side, side.decode_xml, etree.fromstring(yang_judges.markup(modules, side, body)))
    assert repr(in_xml) == repr(mine)


@pytest.mark.parametrize(("modules", "side"), SIDES)
@some(6)
@given(st.data())
def test_others_refuse_the_same_documents(modules: Modules, side: Side, data: Any) -> None:
    body = data.draw(yang_documents.spoilt(side.node))
    mine = outcome(side, side.decode_json, body)
    agree(mine, lambda: yang_judges.yangson_json(modules, side, body), body)
    try:
        text = yang_judges.markup(modules, side, body)
    except yang_judges.NoXml:
        return
    mine = outcome(side, side.decode_xml, etree.fromstring(text))
    if side.side != "notification":  # yangson does not read one from XML
        agree(mine, lambda: yang_judges.yangson_xml(modules, side, text), body)


@pytest.mark.parametrize(("modules", "side"), SIDES)
@some(3)
@given(st.data())
def test_a_value_survives_both_encodings(modules: Modules, side: Side, data: Any) -> None:
    body = data.draw(yang_documents.bodies(side.node))
    try:
        value = side.decode_json(body)
    except Invalid:
        return
    assert side.decode_json(side.encode_json(value)) == value
    octets = side.encode_xml(value)
    element = etree.fromstring(b"<rpc-reply>" + octets + b"</rpc-reply>" if side.side == "output" else octets)
    again = side.decode_xml(element)
    assert again == value
    assert hash(again) == hash(value)
