"""What the gauntlet's messages mean and what is said about wrong ones, where our own modules have no such thing."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree
from oracle.yang_model import gauntlet

from promise import errors

BINDINGS = gauntlet().bindings
NS = "urn:example:gauntlet"
MORE = "urn:example:gauntlet-more"


def read(rpc: str, **members: Any) -> Any:
    return BINDINGS.RPCS[rpc].decode_input_json({"gauntlet:input": members})


def read_output(rpc: str, **members: Any) -> Any:
    return BINDINGS.RPCS[rpc].decode_output_json({"gauntlet:output": members})


def fault(rpc: str, **members: Any) -> errors.Invalid:
    with pytest.raises(errors.Invalid) as caught:
        read(rpc, **members)
    return caught.value


def pair(left: int, right: str, **more: Any) -> dict[str, Any]:
    return {"left": left, "right": right, "inner": [{"name": "a", "from": True}], **more}


def test_entries_that_are_not_unique_are_all_named() -> None:
    equal = {"note": "n", "inside": {"hint": "h"}}
    wrong = fault("structure", pairs=[pair(1, "1", **equal), pair(2, "2", note="n"), pair(3, "3", **equal)])
    assert isinstance(wrong, errors.NotUnique)
    assert wrong.rule == "must differ from the other entries in g:note and g:inside/g:hint"
    third = "/g:structure/g:pairs[g:left='3'][g:right='3']"
    first = third.replace("3", "1")
    assert wrong.path == third
    assert wrong.nodes == (f"{first}/g:note", f"{first}/g:inside/g:hint", f"{third}/g:note", f"{third}/g:inside/g:hint")


def test_what_is_there_without_being_said() -> None:
    value = read("structure", present={"needed": 1}, bare={}, pairs=[pair(1, "1")])
    assert value.filled == BINDINGS.StructureInputFilled()
    assert (value.filled.words, value.filled.hex, value.filled.shape) == (("one", "two"), 31, "circle")
    assert (value.present.filled, value.plain, value.bare) == (-1, None, BINDINGS.Pair())
    assert value.pairs[0].inside == BINDINGS.StructureInputPairsInside(hint=None, level=50)
    assert read("structure").present is None


def test_defaults_of_a_case_are_there_only_with_it() -> None:
    assert (read("choices", alone="a").left, read("choices", alone="a").usual) == (None, 1)
    assert read("choices", first="a").second.third == 3
    nested = read("choices", beside="b", rare="r")
    assert (nested.left, nested.usual) == (7, None)
    assert read("choices", many=[1], **{"gauntlet-more:further": 2}).left is None
    assert fault("choices", second={"third": 1}).path == "/g:choices/g:first"
    assert "must not stand beside" in fault("choices", first="a", beside="b").rule
    assert "must not stand beside" in fault("choices", left=1, many=[2]).rule
    assert isinstance(fault("choices", rare="r"), errors.MissingChoice)


def test_defaults_that_depend_on_a_condition() -> None:
    assert [read("conditions", kind=kind).side for kind in "abc"] == [None, 2, 2]
    assert read("conditions").side is None
    wrong = fault("conditions", side=1)
    assert (type(wrong), wrong.path) == (errors.UnknownElement, "/g:conditions/g:side")
    assert wrong.rule == "must only be given when ../kind = 'b' or ../kind = 'c'"


def test_what_is_mandatory_only_under_a_condition() -> None:
    for shape in ("gauntlet:round", "gauntlet:circle", "gauntlet-more:oval"):
        assert fault("conditions", shape=shape).path == "/g:conditions/g:radius"
        assert read("conditions", shape=shape, radius=1).radius == 1
    assert read("conditions", shape="gauntlet:square").radius is None


def test_paths_lead_through_entries_and_other_namespaces() -> None:
    wrong = fault("conditions", kind="b", high="3", more={"depth": 3})
    assert (wrong.path, wrong.app_tag) == ("/g:conditions/g:more/g:depth", "too-deep")
    wrong = fault("conditions", entries=[{"name": "x", "tags": ["a", "x"]}])
    assert wrong.path == "/g:conditions/g:entries[g:name='x']/g:tags[.='x']"
    wrong = fault("structure", plain={"gauntlet-more:additions": [{"name": "a"}, {"name": 5}]})
    assert wrong.path == "/g:structure/g:plain/more:additions[more:name='5']/more:name"
    assert wrong.namespace == MORE


def test_nodes_and_identities_of_another_namespace() -> None:
    rpc = BINDINGS.RPCS["structure"]
    value = read("structure", plain={"left": 1, "gauntlet-more:extension": {"left": 2, "shape": "gauntlet:circle"}})
    octets = rpc.encode_input_xml(value)
    shape = f'<shape xmlns:g="{NS}">g:circle</shape>'
    assert f'<plain><left>1</left><extension xmlns="{MORE}"><left>2</left>{shape}</extension>'.encode() in octets
    assert rpc.decode_input_xml(etree.fromstring(octets)) == value
    assert rpc.encode_input_json(value)["gauntlet:input"]["plain"] == {
        "left": 1,
        "gauntlet-more:extension": {"left": 2, "shape": "gauntlet:circle"},
    }
    wrong = fault("structure", plain={"extra": "a"})
    assert (type(wrong), wrong.path) == (errors.UnknownElement, "/g:structure/g:plain/g:extra")


def test_an_rpc_without_output_is_answered_with_ok() -> None:
    rpc = BINDINGS.RPCS["nothing"]
    ok = etree.fromstring('<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><ok/></rpc-reply>')
    assert rpc.decode_output_xml(ok) == BINDINGS.NothingOutput() == rpc.decode_output_json(None)
    assert (rpc.encode_output_xml(BINDINGS.NothingOutput()), rpc.decode_input_json(None)) == (
        b"",
        BINDINGS.NothingInput(),
    )
    with pytest.raises(errors.UnknownElement, match="must not hold an element a"):
        rpc.decode_input_xml(etree.fromstring(f'<nothing xmlns="{NS}"><a/></nothing>'))


def test_python_keywords_get_an_underscore() -> None:
    assert read("scalars", **{"class": 5}).class_ == 5
    assert read("structure", pairs=[pair(1, "1")]).pairs[0].inner[0].from_ is True


def test_a_flag_is_there_or_not() -> None:
    rpc = BINDINGS.RPCS["scalars"]
    assert [read("scalars", mark=[None]).mark, read("scalars").mark] == [True, False]
    assert rpc.encode_input_json(BINDINGS.ScalarsInput(mark=True))["gauntlet:input"] == {"few": 5, "mark": [None]}
    assert b"mark" not in rpc.encode_input_xml(BINDINGS.ScalarsInput())


def test_the_musts_of_a_message_itself() -> None:
    wrong = fault("conditions", low=2, high="1")
    assert (wrong.path, wrong.rule, wrong.app_tag) == ("/g:conditions", "low is not above high", "low-above-high")
    assert len(read_output("conditions", part=[{"left": 1}, {"left": 1}]).part) == 2
    with pytest.raises(errors.MustViolation, match=r"must satisfy count\(part\) \+ 1 <= 3"):
        read_output("conditions", part=[{"left": 1}] * 3)


@pytest.mark.rfc("7950", "15.3", "too-few-elements")
def test_counts_of_entries() -> None:
    assert fault("structure", several=[1, 1, 1, 1, 1]).app_tag == "too-many-elements"
    lonely = fault("structure", pairs=[{"left": 1, "right": "1"}])
    assert (lonely.app_tag, lonely.path) == (
        "too-few-elements",
        "/g:structure/g:pairs[g:left='1'][g:right='1']/g:inner",
    )
    with pytest.raises(errors.MustViolation, match="must have at least 1 entries"):
        read_output("scalars", size=[])
