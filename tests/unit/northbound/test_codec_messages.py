"""Messages as a whole: what may stand where, what is said about what may not, and what is written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from promise import errors
from promise.northbound import bindings as yang

ID = "5b2dbe37-2f1e-4d43-9a2b-30d6d4c1a001"
OTHER = "5b2dbe37-2f1e-4d43-9a2b-30d6d4c1a002"
NS = "urn:opnfv:promise"
CREATE = yang.CREATE_RESERVATION_RPC
CAPACITY = "/promise:create-reservation/promise:capacity"
ONLY = "must not stand here, only start, end, capacity, "
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def xml(inner: str, name: str = "create-reservation", more: str = "") -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.fromstring(f'<{name} xmlns="{NS}"{more}>{inner}</{name}>', parser)


def body(**members: Any) -> dict[str, Any]:
    return {"opnfv-promise:input": {name.replace("_", "-"): value for name, value in members.items()}}


def fault_of(read: Any, document: Any) -> errors.Invalid:
    with pytest.raises(errors.Invalid) as caught:
        read(document)
    return caught.value


def custom(resource_class: str, amount: str = "1") -> str:
    return f"<custom><resource-class>{resource_class}</resource-class><amount>{amount}</amount></custom>"


# XML


@pytest.mark.parametrize(
    ("inner", "kind", "path", "rule"),
    [
        ("<start/>", errors.BadValue, "/promise:start", "must be a date-and-time of RFC 3339"),
        ("<name>a</name><name>a</name>", errors.DuplicateNode, "/promise:name", "must be given once"),
        ("<capacity/><capacity/>", errors.DuplicateNode, "/promise:capacity", "must be given once"),
        ("<nonsense/>", errors.UnknownElement, "/promise:nonsense", ONLY),
        ("<nonsense xmlns='urn:other'/>", errors.UnknownNamespace, "",
         "must not hold an element nonsense of the namespace urn:other, only of urn:opnfv:promise"),
        ("<name xmlns=''>a</name>", errors.UnknownNamespace, "",
         "must not hold an element name without a namespace, only of urn:opnfv:promise"),
        ("<name lang='en'>a</name>", errors.UnknownAttribute, "/promise:name", "must not have the attribute lang"),
        ("<capacity a='1'/>", errors.UnknownAttribute, "/promise:capacity", "must not have the attribute a"),
        ("<name xmlns:nc='urn:ietf:params:xml:ns:netconf:base:1.0' nc:operation='delete'>a</name>",
         errors.UnknownAttribute, "/promise:name", "must not have the attribute operation"),
        ("<elements xmlns:yang='urn:ietf:params:xml:ns:yang:1' yang:insert='first'>a</elements>",
         errors.UnknownAttribute, "/promise:elements[.='a']", "must not have the attribute insert"),
        ("<name>a<b/></name>", errors.UnknownElement, "/promise:name", "must not hold an element b"),
        ("<elements>a<b/></elements>", errors.UnknownElement, "/promise:elements[.='a']", "must not hold an element b"),
        ("words<name>a</name>", errors.BadValue, "", "must hold elements only, without text between them"),
        ("<name>a</name>words", errors.BadValue, "", "must hold elements only, without text between them"),
        ("<name>a</name><!-- c -->words", errors.BadValue, "", "must hold elements only, without text between them"),
        ("<capacity>5</capacity>", errors.BadValue, "/promise:capacity", "must hold elements only"),
        ("<priority>urgent</priority>", errors.BadValue, "/promise:priority", "must be high, normal or low"),
        ("<capacity><cores>-1</cores></capacity>", errors.BadValue, "/promise:capacity/promise:cores",
         "must be 0..4294967295"),
        (f"<capacity>{custom('X', '-1')}</capacity>", errors.BadValue,
         "/promise:capacity/promise:custom[promise:resource-class='X']/promise:amount", "must be 0..1000000000000"),
        (f"<capacity>{custom('X')}{custom('Y')}{custom('X')}</capacity>", errors.DuplicateNode,
         "/promise:capacity/promise:custom[promise:resource-class='X']", "must be given once"),
        ("<capacity><custom><resource-class>X</resource-class></custom></capacity>", errors.MissingElement,
         "/promise:capacity/promise:custom[promise:resource-class='X']/promise:amount", "must have an element amount"),
        (f"<capacity>{custom('X')}<custom><amount>1</amount></custom></capacity>", errors.MissingElement,
         "/promise:capacity/promise:custom[2]/promise:resource-class", "must have an element resource-class"),
        (f"<capacity>{custom('VCPU')}</capacity>", errors.MustViolation,
         "/promise:capacity/promise:custom[promise:resource-class='VCPU']", "VCPU is the leaf cores"),
        (f"<capacity>{custom('it&apos;s')}</capacity>", errors.BadValue,
         "/promise:capacity/promise:custom[promise:resource-class=\"it's\"]/promise:resource-class", "must match"),
        (f"<capacity>{custom('&apos;&quot;')}</capacity>", errors.BadValue,
         "/promise:capacity/promise:custom[1]/promise:resource-class", "must match"),
        (f"<capacity>{custom('a' * 101)}</capacity>", errors.BadValue,
         "/promise:capacity/promise:custom[1]/promise:resource-class", "must match"),
    ],
)  # fmt: skip
def test_what_may_not_stand_in_xml(inner: str, kind: type[errors.Invalid], path: str, rule: str) -> None:
    fault = fault_of(CREATE.decode_input_xml, xml(inner))
    assert type(fault) is kind
    assert fault.path == f"/promise:create-reservation{path}"
    assert rule in fault.rule
    assert fault.name
    assert fault.namespace == ("urn:other" if "urn:other" in inner else fault.namespace)


def test_names_and_namespaces_of_what_is_at_fault() -> None:
    fault = fault_of(CREATE.decode_input_xml, xml("<capacity><cores>x</cores></capacity>"))
    assert (fault.name, fault.namespace) == ("cores", NS)
    fault = fault_of(CREATE.decode_input_xml, xml("<capacity><o:x xmlns:o='urn:other'/></capacity>"))
    assert (fault.name, fault.namespace, fault.path) == ("x", "urn:other", CAPACITY)
    fault = fault_of(CREATE.decode_input_xml, xml("", more=" odd='1'"))
    assert (fault.name, fault.namespace, fault.path) == ("odd", "", "/promise:create-reservation")


def test_what_does_not_disturb_in_xml() -> None:
    inner = """
      <!-- a comment --><?pi says nothing?>
      <name xml:lang="en" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="t">a<!-- c -->b<?p?>c</name>
      <p:elements xmlns:p="urn:opnfv:promise">x</p:elements>
      <capacity m:note="annotated" xmlns:m="urn:m"><!-- nothing -->
        <custom><amount> 5 </amount><!-- order does not matter --><resource-class>X</resource-class></custom>
      </capacity>
      <elements><![CDATA[<y>]]></elements>
    """
    assert CREATE.decode_input_xml(xml(inner)) == yang.CreateReservationInput(
        name="abc",
        elements=("x", "<y>"),
        capacity=yang.Capacity(custom=(yang.CustomAmount(resource_class="X", amount=5),)),
    )


def test_entity_references_are_refused() -> None:
    parser = etree.XMLParser(resolve_entities=False)
    document = '<!DOCTYPE a [<!ENTITY e "x">]><create-reservation xmlns="urn:opnfv:promise">{}</create-reservation>'
    for inner in ("<name>&e;</name>", "&e;", "<capacity>&e;</capacity>"):
        fault = fault_of(CREATE.decode_input_xml, etree.fromstring(document.format(inner), parser))
        assert fault.rule == "must not hold entity references"


def test_an_empty_container_says_nothing() -> None:
    assert CREATE.decode_input_xml(xml("<capacity/>")) == yang.CreateReservationInput()
    assert CREATE.decode_input_json(body(capacity={}, elements=[])) == yang.CreateReservationInput()
    assert CREATE.decode_input_json(None) == yang.CreateReservationInput()


def test_the_name_of_the_root_is_not_looked_at() -> None:
    for name in ("create-reservation", "input"):
        assert CREATE.decode_input_xml(xml("<name>a</name>", name)) == yang.CreateReservationInput(name="a")


# JSON


@pytest.mark.parametrize(
    ("document", "kind", "path", "rule"),
    [
        ({"input": {}}, errors.Malformed, "", 'must be a JSON object with one member, "opnfv-promise:input"'),
        ({}, errors.Malformed, "", "must be a JSON object with one member"),
        ([], errors.Malformed, "", "must be a JSON object with one member"),
        ({"opnfv-promise:input": {}, "more": 1}, errors.Malformed, "", "must be a JSON object with one member"),
        ({"opnfv-promise:input": []}, errors.BadValue, "", "must be a JSON object"),
        ({"opnfv-promise:input": None}, errors.BadValue, "", "must be a JSON object"),
        (body(nonsense=1), errors.UnknownElement, "/promise:nonsense", ONLY),
        (body(**{"a b'c]": 1}), errors.UnknownElement, "", "must not hold a member a b'c]"),
        (body(**{"other:name": "a"}), errors.UnknownNamespace, "", "must not hold a member name of the module 'other'"),
        (body(**{"opnfv-promise:nonsense": 1}), errors.UnknownElement, "/promise:nonsense", ONLY),
        (body(**{"name": "a", "opnfv-promise:name": "a"}), errors.DuplicateNode, "/promise:name", "must be given once"),
        (body(**{"elements": ["a"], "opnfv-promise:elements": ["b"]}), errors.DuplicateNode, "/promise:elements",
         "must be given once"),
        (body(**{"capacity": {}, "opnfv-promise:capacity": {}}), errors.DuplicateNode, "/promise:capacity",
         "must be given once"),
        (body(capacity=[]), errors.BadValue, "/promise:capacity", "must be a JSON object"),
        (body(elements="a"), errors.BadValue, "/promise:elements", "must be a JSON array"),
        (body(elements=["a", 5]), errors.BadValue, "/promise:elements[.='5']", "must be a JSON string"),
        (body(elements=["a", None]), errors.BadValue, "/promise:elements[2]", "must be a JSON string"),
        (body(elements=["a", True]), errors.BadValue, "/promise:elements[.='true']", "must be a JSON string"),
        (body(capacity={"cores": "4"}), errors.BadValue, "/promise:capacity/promise:cores", "as a JSON number"),
        (body(capacity={"ram": 4}), errors.BadValue, "/promise:capacity/promise:ram", "as a JSON string"),
        (body(capacity={"custom": {}}), errors.BadValue, "/promise:capacity/promise:custom", "must be a JSON array"),
        (body(capacity={"custom": [None]}), errors.BadValue, "/promise:capacity/promise:custom[1]",
         "must be a JSON object"),
        (body(capacity={"custom": [{"resource-class": "X", "amount": 1}]}), errors.BadValue,
         "/promise:capacity/promise:custom[promise:resource-class='X']/promise:amount", "as a JSON string"),
        (body(capacity={"custom": [{"opnfv-promise:resource-class": "X", "amount": 1}]}), errors.BadValue,
         "/promise:capacity/promise:custom[promise:resource-class='X']/promise:amount", "as a JSON string"),
        (body(**{"@name": {"a:b": 1}}), errors.UnknownAttribute, "", "must not annotate name, which is absent"),
        (body(**{"@nonsense": {"a:b": 1}}), errors.UnknownElement, "", "must not hold a member @nonsense"),
        (body(**{"@": 5}), errors.BadValue, "", "must have an object as the value of @"),
        (body(**{"name": "a", "@name": [None]}), errors.BadValue, "", "must have an object as the value of @name"),
        (body(**{"name": "a", "@name": {"b": 1}}), errors.UnknownAttribute, "", "must not have the annotation b"),
        (body(**{"name": "a", "@name": {"ietf-netconf:operation": "delete"}}), errors.UnknownAttribute, "",
         "must not have the annotation ietf-netconf:operation"),
        (body(elements=["a"], **{"@elements": [{"yang:insert": "first"}]}), errors.UnknownAttribute, "",
         "must not have the annotation yang:insert"),
    ],
)  # fmt: skip
def test_what_may_not_stand_in_json(document: Any, kind: type[errors.Invalid], path: str, rule: str) -> None:
    fault = fault_of(CREATE.decode_input_json, document)
    assert (type(fault), fault.path) == (kind, f"/promise:create-reservation{path}")
    assert rule in fault.rule


def test_what_does_not_disturb_in_json() -> None:
    document = body(
        **{"opnfv-promise:name": "a", "@opnfv-promise:name": {"x:y": 1}, "@": {"x:y": 1}},
        elements=["a", "b"],
        **{"@elements": [None, {"x:y": 1}]},
    )
    assert CREATE.decode_input_json(document) == yang.CreateReservationInput(name="a", elements=("a", "b"))


# Choices, conditions and counts


@pytest.mark.rfc("7950", "7.9", "one case of a choice")
@pytest.mark.rfc("7950", "15.6", "missing-choice")
def test_one_case_of_a_choice() -> None:
    cancel = yang.CANCEL_RESERVATION_RPC
    fault = fault_of(cancel.decode_input_json, body())
    assert isinstance(fault, errors.MissingChoice)
    assert (fault.path, fault.name, fault.app_tag) == ("/promise:cancel-reservation", "reservations", "missing-choice")
    fault = fault_of(cancel.decode_input_json, body(reservation_ids=[ID], reservation_id=ID))
    assert isinstance(fault, errors.DuplicateNode)
    assert fault.path == "/promise:cancel-reservation/promise:reservation-ids"
    assert fault.rule == "must not stand beside reservation-id: one of reservation-id | reservation-ids"


@pytest.mark.rfc("7950", "15.2", "too-many-elements")
def test_counts() -> None:
    cancel = yang.CANCEL_RESERVATION_RPC
    fault = fault_of(cancel.decode_input_json, body(reservation_ids=[ID] * 1001))
    assert (type(fault), fault.app_tag) == (errors.MustViolation, "too-many-elements")
    assert (fault.path, fault.rule) == (
        "/promise:cancel-reservation/promise:reservation-ids",
        "must have at most 1000 entries",
    )


@pytest.mark.rfc("7950", "15.4", "must-violation, with message and app-tag")
def test_a_must_tells_its_message_and_tag() -> None:
    fault = fault_of(CREATE.decode_output_json, {"opnfv-promise:output": {"result": "error"}})
    assert (type(fault), fault.path) == (errors.MustViolation, "/promise:create-reservation/promise:result")
    assert (fault.rule, fault.app_tag) == ("a refused request has a reason", "reason-missing")
    volumes = [{"name": name, "size": 1, "boot": True} for name in "ab"]
    request = body(name="a", image="i", flavor="f", volumes=volumes)
    fault = fault_of(yang.CREATE_INSTANCE_RPC.decode_input_json, request)
    assert (fault.path, fault.name, fault.app_tag) == (
        "/promise:create-instance",
        "create-instance",
        "several-boot-volumes",
    )


def test_defaults_are_there_when_nothing_is_said() -> None:
    value = yang.QUERY_CAPACITY_RPC.decode_input_xml(xml("", "query-capacity"))
    assert (value.capacity, value.show_utilization, value.window.scope) == ("available", True, "inclusive")
    assert value == yang.QueryCapacityInput()


# Writing


@pytest.fixture
def output() -> yang.CreateReservationOutput:
    return yang.CreateReservationOutput(
        result="conflict",
        message='4 > 3 & "a\0b"',
        reason="insufficient-capacity",
        start=DECEMBER,
        refusal=yang.Refusal(provider_id=ID, max_capacity=yang.Capacity(ram=1), alternative=()),
    )


def test_the_output_declares_its_namespace_once_on_each_top_level_child(output: yang.CreateReservationOutput) -> None:
    assert CREATE.encode_output_xml(output).decode() == (
        f'<result xmlns="{NS}">conflict</result>'
        f'<message xmlns="{NS}">4 &gt; 3 &amp; "a\ufffdb"</message>'
        f'<reason xmlns="{NS}">insufficient-capacity</reason>'
        f'<start xmlns="{NS}">2026-12-01T00:00:00Z</start>'
        f'<refusal xmlns="{NS}"><provider-id>{ID}</provider-id><max-capacity><ram>1</ram></max-capacity></refusal>'
    )


def test_the_document_declares_it_once(output: yang.CreateReservationOutput) -> None:
    text = CREATE.encode_output_document(output).decode()
    assert text.startswith(f'<output xmlns="{NS}"><result>conflict</result>')
    assert text.count("xmlns") == 1
    assert CREATE.decode_output_xml(etree.fromstring(text)).refusal == output.refusal


@pytest.mark.rfc("7951", "4", "names of modules in JSON")
def test_json_has_the_name_of_the_module_at_the_top_and_on_identities(output: yang.CreateReservationOutput) -> None:
    assert CREATE.encode_output_json(output) == {
        "opnfv-promise:output": {
            "result": "conflict",
            "message": '4 > 3 & "a\ufffdb"',
            "reason": "opnfv-promise:insufficient-capacity",
            "start": "2026-12-01T00:00:00Z",
            "refusal": {"provider-id": ID, "max-capacity": {"ram": "1"}},
        }
    }


def test_containers_without_content_are_not_written() -> None:
    value = yang.CreateReservationInput(capacity=yang.Capacity(), elements=())
    assert CREATE.encode_input_xml(value) == f'<create-reservation xmlns="{NS}"></create-reservation>'.encode()
    assert CREATE.encode_input_json(value) == {"opnfv-promise:input": {}}


def test_a_container_with_presence_is_written() -> None:
    output = yang.CreateReservationOutput(result="error", message="no", reason="not-found", refusal=yang.Refusal())
    assert CREATE.encode_output_xml(output).decode().endswith(f'<refusal xmlns="{NS}"></refusal>')
    assert CREATE.encode_output_json(output)["opnfv-promise:output"]["refusal"] == {}


def test_what_lacks_something_mandatory_is_not_written() -> None:
    output = yang.CreateReservationOutput(message="no result")
    for encode in (CREATE.encode_output_xml, CREATE.encode_output_json, CREATE.encode_output_document):
        with pytest.raises(ValueError, match=r"CreateReservationOutput\.result is mandatory"):
            encode(output)


def test_the_attributes_of_a_reply_are_not_those_of_the_output() -> None:
    reply = '<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1" a="b">{}</rpc-reply>'
    element = etree.fromstring(reply.format(f'<result xmlns="{NS}">ok</result>'))
    assert CREATE.decode_output_xml(element) == yang.CreateReservationOutput(result="ok")


def test_names_that_a_client_made_up_are_told_back_short() -> None:
    name = "x" * 5000
    for fault in (
        fault_of(CREATE.decode_input_xml, xml(f"<{name}/>")),
        fault_of(CREATE.decode_input_xml, xml(f"<{name} xmlns='{name}'/>")),
        fault_of(CREATE.decode_input_xml, xml(f"<name {name}='1'>a</name>")),
        fault_of(CREATE.decode_input_json, body(**{name: 1})),
        fault_of(CREATE.decode_input_json, body(**{f"{name}:{name}": 1})),
        fault_of(CREATE.decode_input_json, body(**{f"@{name}": 1})),
        fault_of(CREATE.decode_input_json, body(name="a", **{"@name": {name: 1}})),
    ):
        assert "xxx…" in fault.rule
        assert len(fault.rule) < 300
        assert len(fault.name) < 102
        assert len(fault.path) < 300


def test_a_notification_stands_beside_the_time_of_its_event() -> None:
    event = yang.CapacityEvent(event_id=ID, sequence=2**33, time=DECEMBER, provider_id=ID, cause="sync")
    binding = yang.CAPACITY_EVENT_NOTIFICATION
    octets = binding.encode_xml(event)
    assert octets.startswith(f'<capacity-event xmlns="{NS}"><event-id>{ID}</event-id><sequence>8589934592'.encode())
    assert binding.decode_xml(etree.fromstring(octets)) == event
    document = binding.encode_json(event)
    assert document["opnfv-promise:capacity-event"]["sequence"] == "8589934592"
    assert binding.decode_json(json.loads(json.dumps(document))) == event


# The data tree


def test_data_is_read_in_parts() -> None:
    binding = yang.DATA["/promise/reservations"]
    value = binding.decode_xml(xml(f"<id>{ID}</id><capacity><cores>2</cores></capacity>", "reservations"))
    assert value == yang.Reservation(id=ID, capacity=yang.Capacity(cores=2))
    assert (binding.config, binding.keys, binding.entry) == (False, ("id",), True)
    assert binding.encode_json(value) == {"opnfv-promise:reservations": [{"id": ID, "capacity": {"cores": 2}}]}
    assert binding.decode_json(binding.encode_json(value)) == value
    assert binding.encode_xml(value).startswith(f'<reservations xmlns="{NS}"><id>'.encode())


def test_data_is_checked_node_by_node() -> None:
    binding = yang.DATA["/promise"]
    fault = fault_of(binding.decode_xml, xml(f"<pools><id>{ID}</id></pools><pools><id>{ID}</id></pools>", "promise"))
    assert (type(fault), fault.path) == (errors.DuplicateNode, f"/promise:promise/promise:pools[promise:id='{ID}']")
    fault = fault_of(binding.decode_xml, xml("<pools><zone>a</zone></pools>", "promise"))
    assert (type(fault), fault.path) == (errors.MissingElement, "/promise:promise/promise:pools[1]/promise:id")
    tree = binding.decode_xml(xml(f"<policy/><pools><id>{ID}</id></pools><pools><id>{OTHER}</id></pools>", "promise"))
    assert [pool.id for pool in tree.pools] == [ID, OTHER]
    assert tree.policy is None


# Values


def test_secrets_are_not_in_what_is_printed() -> None:
    value = yang.AddProviderInput(
        provider_type="openstack", endpoint="https://a/v3", username="u", password="hunter2"
    )  # fmt: skip
    assert "hunter2" not in repr(value)
    assert value != yang.AddProviderInput(
        provider_type="openstack", endpoint="https://a/v3", username="u", password="hunter3"
    )  # fmt: skip


def test_no_rule_repeats_a_value_that_may_be_secret() -> None:
    long = "hunter2" * 100
    request = body(provider_type="openstack", endpoint="https://a/v3", username="u", password=long)
    fault = fault_of(yang.ADD_PROVIDER_RPC.decode_input_json, request)
    assert fault.path == "/promise:add-provider/promise:password"
    assert "hunter2" not in str(fault)


def test_values_are_frozen_hashable_and_have_no_other_attributes() -> None:
    value = CREATE.decode_input_json(body(name="a", elements=["x"]))
    with pytest.raises(AttributeError):
        value.name = "b"  # type: ignore[misc]
    assert not hasattr(value, "__dict__")
    assert len({value, CREATE.decode_input_xml(xml("<elements>x</elements><name>a</name>"))}) == 1
