"""What an edit does to a tree, by example: RFC 6241 section 7.2, RFC 7950 sections 7.5 to 7.8 and 8.3."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from lxml import etree

from promise import errors
from promise.northbound.datastore import schema
from promise.northbound.editing import Operation
from promise.northbound.editxml import read_edit
from promise.northbound.faults import fault, rpc_error
from promise.northbound.message import BASE, parse

TOP = "opnfv-promise:promise"
NAMES = (
    'xmlns="urn:opnfv:promise" xmlns:p="urn:opnfv:promise" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" '
    'xmlns:y="urn:ietf:params:xml:ns:yang:1"'
)


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def entry(number: int, **more: Any) -> dict[str, Any]:
    found = {
        "id": id_of(number),
        "name": f"cloud {number}",
        "provider-type": "openstack",
        "endpoint": f"http://cloud{number}.example/v3",
    }
    return {**found, **{name.replace("_", "-"): value for name, value in more.items()}}


def tree(*providers: dict[str, Any], **rules: Any) -> dict[str, Any]:
    inside: dict[str, Any] = {"providers": list(providers)} if providers else {}
    if rules:
        inside["policy"] = {"reservation": {name.replace("_", "-"): value for name, value in rules.items()}}
    return {TOP: inside} if inside else {}


def edited(before: dict[str, Any], inside: str, default: str = "merge") -> dict[str, Any]:
    """Return the tree after an edit; `inside` stands in <promise>, or is all of <config> when it has that itself."""
    body = inside if "<promise" in inside or not inside else f"<promise {NAMES}>{inside}</promise>"
    config = parse(f'<config xmlns="{BASE}" {NAMES.replace("xmlns=", "xmlns:d=", 1)}>{body}</config>'.encode())
    after = read_edit(config, Operation(default), schema()).applied(before)
    schema().validate(after)
    return after


def refused(before: dict[str, Any], inside: str, default: str = "merge") -> errors.Invalid:
    with pytest.raises(errors.Invalid) as caught:
        edited(before, inside, default)
    return caught.value


def told(error: errors.Invalid) -> Any:
    text = rpc_error(fault(error), {"promise": "urn:opnfv:promise"})
    return etree.fromstring(b'<r xmlns="%b">%b</r>' % (BASE.encode(), text))[0]


def rule(text: str) -> str:
    return f"<policy><reservation>{text}</reservation></policy>"


POLICY = "/promise:promise/promise:policy/promise:reservation"


def provider_path(number: int) -> str:
    return f"/promise:promise/promise:providers[promise:id='{id_of(number)}']"


def provider(number: int, text: str = "", attributes: str = "") -> str:
    return f"<providers {attributes}><id>{id_of(number)}</id>{text}</providers>"


FULL = "<name>{0}</name><provider-type>openstack</provider-type><endpoint>http://{0}.example</endpoint>"


class TestLeaf:
    @pytest.mark.rfc("7950", "7.6.7", "edits of a leaf")
    def test_merge_sets_it_and_leaves_the_others(self) -> None:
        assert edited(tree(expiry=5), rule("<max-duration>7</max-duration>")) == tree(expiry=5, max_duration=7)
        assert edited(tree(expiry=5), rule("<expiry>6</expiry>")) == tree(expiry=6)

    @pytest.mark.rfc("6241", "7.2", "create of what is there is data-exists")
    def test_create_wants_it_absent(self) -> None:
        create = rule('<expiry nc:operation="create">6</expiry>')
        assert edited({}, create) == tree(expiry=6)
        found = refused(tree(expiry=5), create)
        assert isinstance(found, errors.DataExists)
        assert found.path == f"{POLICY}/promise:expiry"

    @pytest.mark.rfc("6241", "7.2", "delete of what is not there is data-missing; remove is not")
    def test_delete_wants_it_there_and_remove_does_not(self) -> None:
        delete, remove = (rule(f'<expiry nc:operation="{name}"/>') for name in ("delete", "remove"))
        assert edited(tree(expiry=5, max_duration=1), delete) == tree(max_duration=1)
        assert edited(tree(expiry=5), remove) == {}
        assert edited({}, remove) == {}
        found = refused(tree(max_duration=1), delete)
        assert isinstance(found, errors.DataMissing)
        assert found.path == f"{POLICY}/promise:expiry"

    @pytest.mark.parametrize("value", ["5", "", "nonsense"])
    def test_what_value_is_deleted_does_not_matter(self, value: str) -> None:
        assert edited(tree(expiry=5), rule(f'<expiry nc:operation="delete">{value}</expiry>')) == {}

    def test_replace_sets_it_whether_it_is_there_or_not(self) -> None:
        replace = rule('<expiry nc:operation="replace">6</expiry>')
        assert edited({}, replace) == edited(tree(expiry=5), replace) == tree(expiry=6)

    @pytest.mark.parametrize("value", ["0", "-1", "4294967296", "five", "", "1_0", "1.0", "\u0665", "1 0"])
    def test_a_value_outside_its_type_is_invalid(self, value: str) -> None:
        found = refused({}, rule(f"<expiry>{value}</expiry>"))
        assert isinstance(found, errors.BadValue)
        assert found.path == f"{POLICY}/promise:expiry"

    def test_it_holds_no_element(self) -> None:
        assert isinstance(refused({}, rule("<expiry><minutes>5</minutes></expiry>")), errors.UnknownElement)

    def test_given_twice_it_is_a_bad_element(self) -> None:
        found = refused({}, rule('<expiry nc:operation="delete"/><expiry>5</expiry>'))
        assert isinstance(found, errors.DuplicateNode)


class TestContainer:
    @pytest.mark.rfc("7950", "7.5.8", "edits of a container")
    def test_replace_leaves_only_what_is_named(self) -> None:
        before = tree(entry(1), expiry=5, max_duration=1)
        after = edited(
            before, '<policy nc:operation="replace"><reservation><alternatives>0</alternatives></reservation></policy>'
        )
        assert after == tree(entry(1), alternatives=0)

    def test_delete_of_one_with_nothing_in_it_is_data_missing(self) -> None:
        assert edited(tree(expiry=5), '<policy nc:operation="delete"/>') == {}
        found = refused({}, '<policy nc:operation="delete"/>')
        assert isinstance(found, errors.DataMissing)
        assert edited({}, '<policy nc:operation="remove"/>') == {}

    def test_create_of_one_with_something_in_it_is_data_exists(self) -> None:
        create = '<policy nc:operation="create"><reservation><expiry>5</expiry></reservation></policy>'
        assert edited({}, create) == tree(expiry=5)
        assert isinstance(refused(tree(alternatives=1), create), errors.DataExists)

    def test_inside_of_what_is_replaced_nothing_is_there_to_be_deleted(self) -> None:
        text = '<policy nc:operation="replace"><reservation><expiry nc:operation="{}"/></reservation></policy>'
        assert isinstance(refused(tree(expiry=5), text.format("delete")), errors.DataMissing)
        assert edited(tree(expiry=5), text.format("remove")) == {}

    def test_inside_of_what_goes_nothing_can_come(self) -> None:
        found = refused(
            tree(expiry=5),
            '<policy nc:operation="remove"><reservation nc:operation="merge"><expiry>1</expiry></reservation></policy>',
        )
        assert isinstance(found, errors.BadAttribute)

    def test_text_between_elements_is_invalid(self) -> None:
        assert isinstance(refused({}, "<policy>5<reservation/></policy>"), errors.BadValue)
        assert isinstance(refused({}, "<policy><reservation/>5</policy>"), errors.BadValue)


class TestDefaultOperation:
    @pytest.mark.rfc("6241", "7.2", "default-operation replace")
    def test_replace_leaves_nothing_that_is_not_named(self) -> None:
        before = tree(entry(1), expiry=5)
        assert edited(before, rule("<expiry>1</expiry>"), "replace") == tree(expiry=1)
        assert edited(before, "", "replace") == {}

    @pytest.mark.rfc("6241", "7.2", "default-operation none")
    def test_none_changes_only_what_says_so(self) -> None:
        before = tree(entry(1), expiry=5)
        assert edited(before, rule("<expiry>1</expiry>"), "none") == before
        assert edited(before, rule('<expiry nc:operation="merge">1</expiry>'), "none") == tree(entry(1), expiry=1)
        assert edited({}, rule('<expiry nc:operation="create">1</expiry>'), "none") == tree(expiry=1)

    @pytest.mark.rfc("6241", "7.2", "none of what is not there is data-missing")
    def test_none_wants_what_it_names_to_be_there(self) -> None:
        assert isinstance(refused({}, rule("<expiry>1</expiry>"), "none"), errors.DataMissing)
        found = refused(tree(entry(1)), provider(2, '<region nc:operation="remove"/>'), "none")
        assert isinstance(found, errors.DataMissing)
        assert found.path == provider_path(2)


class TestList:
    def test_a_new_entry_stands_last(self) -> None:
        after = edited(tree(entry(2)), provider(1, FULL.format("one")))
        assert [found["id"] for found in after[TOP]["providers"]] == [id_of(2), id_of(1)]

    def test_merge_changes_an_entry_in_its_place(self) -> None:
        after = edited(tree(entry(1, region="north"), entry(2)), provider(1, "<name>first</name>"))
        assert after == tree(entry(1, region="north", name="first"), entry(2))

    def test_replace_of_an_entry_leaves_only_what_is_named_and_its_place(self) -> None:
        before = tree(entry(1, region="north", sync_interval=5), entry(2))
        after = edited(before, provider(1, FULL.format("new"), 'nc:operation="replace"'))
        assert after == tree(entry(1, name="new", endpoint="http://new.example"), entry(2))

    @pytest.mark.rfc("7950", "7.8.6", "edits of a list's entries")
    def test_create_delete_and_remove_of_an_entry(self) -> None:
        assert isinstance(
            refused(tree(entry(1)), provider(1, FULL.format("x"), 'nc:operation="create"')), errors.DataExists
        )
        assert edited(tree(entry(1), entry(2)), provider(1, "", 'nc:operation="delete"')) == tree(entry(2))
        found = refused(tree(entry(1)), provider(2, "", 'nc:operation="delete"'))
        assert isinstance(found, errors.DataMissing)
        assert found.path == provider_path(2)
        assert edited(tree(entry(1)), provider(2, "", 'nc:operation="remove"')) == tree(entry(1))
        assert edited(tree(entry(1)), provider(1, "", 'nc:operation="remove"')) == {}

    def test_a_key_is_compared_in_its_canonical_form(self) -> None:
        key = "ABCDEFAB-0000-4000-8000-000000000001"
        after = edited({}, f"<providers><id>{key}</id>{FULL.format('x')}</providers>")
        assert after[TOP]["providers"][0]["id"] == key.lower()
        assert edited(after, f'<providers nc:operation="delete"><id>{key}</id></providers>') == {}

    @pytest.mark.rfc("7950", "8.3.1", "an entry without its key is missing-element")
    def test_without_its_key_an_entry_is_nothing(self) -> None:
        found = refused({}, f"<providers>{FULL.format('x')}</providers>")
        assert isinstance(found, errors.MissingElement)
        assert (found.name, found.path) == ("id", "/promise:promise/promise:providers")

    def test_a_key_that_is_none_is_invalid(self) -> None:
        found = refused({}, "<providers><id>first</id></providers>")
        assert isinstance(found, errors.BadValue)
        assert found.path == "/promise:promise/promise:providers/promise:id"

    def test_the_same_entry_twice_in_one_edit_is_a_bad_element(self) -> None:
        twice = provider(1, "", 'nc:operation="delete"') + provider(1, FULL.format("x"), 'nc:operation="create"')
        assert isinstance(refused(tree(entry(1)), twice), errors.DuplicateNode)

    def test_a_key_cannot_go_alone(self) -> None:
        for operation in ("delete", "remove"):
            text = f'<providers><id nc:operation="{operation}">{id_of(1)}</id></providers>'
            found = refused(tree(entry(1)), text)
            assert isinstance(found, errors.BadAttribute)
            assert found.name == "operation"
        with_entry = f'<providers nc:operation="delete"><id nc:operation="delete">{id_of(1)}</id></providers>'
        assert edited(tree(entry(1)), with_entry) == {}

    def test_a_key_that_is_to_be_created_must_not_be_there(self) -> None:
        text = f'<providers><id nc:operation="create">{id_of(1)}</id>{FULL.format("x")}</providers>'
        assert isinstance(refused(tree(entry(1)), text), errors.DataExists)
        assert edited({}, text)[TOP]["providers"][0]["name"] == "x"

    def test_entries_inside_of_entries(self) -> None:
        cores = "<overcommit><resource>cores</resource><ratio>{}</ratio></overcommit>"
        after = edited(tree(entry(1)), provider(1, cores.format("1.50")))
        assert after == tree(entry(1, overcommit=[{"resource": "cores", "ratio": "1.5"}]))
        gone = '<overcommit nc:operation="delete"><resource>cores</resource></overcommit>'
        assert edited(after, provider(1, gone)) == tree(entry(1))
        found = refused(tree(entry(1)), provider(1, gone))
        assert found.path == f"{provider_path(1)}/promise:overcommit[promise:resource='cores']"

    @pytest.mark.parametrize("ratio", ["1.2345", "0", "1000.001", "NaN", "1e1", "-1"])
    def test_a_ratio_outside_its_type_is_invalid(self, ratio: str) -> None:
        text = f"<overcommit><resource>cores</resource><ratio>{ratio}</ratio></overcommit>"
        found = refused(tree(entry(1)), provider(1, text))
        assert isinstance(found, errors.BadValue)
        assert found.path.endswith("/promise:overcommit[promise:resource='cores']/promise:ratio")


class TestOrder:
    def order(self, insert: str, number: int = 3, more: str = "") -> list[int]:
        before = tree(entry(1), entry(2), entry(3))
        after = edited(before, provider(number, more, insert))
        return [int(found["id"][-12:]) for found in after[TOP]["providers"]]

    def test_an_entry_is_moved(self) -> None:
        assert self.order('y:insert="first"') == [3, 1, 2]
        assert self.order('y:insert="last"', 1) == [2, 3, 1]
        assert self.order(f'y:insert="before" y:key="[p:id=\'{id_of(2)}\']"') == [1, 3, 2]
        assert self.order(f'y:insert="after" y:key="[p:id=\'{id_of(1)}\']"') == [1, 3, 2]
        assert self.order(f'y:insert="after" y:key=" [ id = \'{id_of(3)}\' ] "', 1) == [2, 3, 1]

    @pytest.mark.rfc("7950", "7.8.6", "insert first, last, before, after")
    def test_a_new_entry_is_put_where_it_is_said(self) -> None:
        create = 'nc:operation="create" y:insert="{}"'
        assert self.order(create.format("first"), 4, FULL.format("x")) == [4, 1, 2, 3]
        assert self.order(create.format("last"), 4, FULL.format("x")) == [1, 2, 3, 4]

    def test_without_insert_its_place_stays(self) -> None:
        assert self.order("", 2, "<region>x</region>") == [1, 2, 3]
        assert self.order('nc:operation="replace"', 1, FULL.format("x")) == [1, 2, 3]

    @pytest.mark.parametrize(
        ("attributes", "kind", "name"),
        [
            ('y:insert="middle"', errors.BadAttribute, "insert"),
            ('y:insert="before"', errors.MissingAttribute, "key"),
            (f"y:key=\"[p:id='{id_of(1)}']\"", errors.MissingAttribute, "insert"),
            (f'y:insert="first" y:key="[p:id=\'{id_of(1)}\']"', errors.UnknownAttribute, "key"),
            ('y:insert="before" y:key="2"', errors.BadAttribute, "key"),
            ('y:insert="before" y:key="[p:name=\'x\']"', errors.BadAttribute, "key"),
            ('y:insert="before" y:key="[p:id=\'x\']"', errors.BadAttribute, "key"),
            (f'y:insert="before" y:key="[q:id=\'{id_of(1)}\']"', errors.BadAttribute, "key"),
            (f'y:insert="before" y:key="[p:id=\'{id_of(9)}\']"', errors.BadAttribute, "key"),
            (f'y:insert="after" y:key="[p:id=\'{id_of(3)}\']"', errors.BadAttribute, "key"),
            ('y:insert="first" nc:operation="delete"', errors.BadAttribute, "insert"),
            ('y:value="x"', errors.UnknownAttribute, "value"),
            ('y:insert="first" insert="last"', errors.UnknownAttribute, "insert"),
        ],
    )
    def test_a_place_that_is_none(self, attributes: str, kind: type[errors.Invalid], name: str) -> None:
        found = refused(tree(entry(1), entry(2), entry(3)), provider(3, "", attributes))
        assert type(found) is kind
        assert found.name == name

    @pytest.mark.rfc("7950", "15.7", "missing-instance")
    def test_an_anchor_that_is_not_there_is_a_missing_instance(self) -> None:
        error = told(refused(tree(entry(1)), provider(1, "", f'y:insert="before" y:key="[p:id=\'{id_of(9)}\']"')))
        assert error.findtext(f"{{{BASE}}}error-tag") == "bad-attribute"
        assert error.findtext(f"{{{BASE}}}error-app-tag") == "missing-instance"

    def test_only_a_list_ordered_by_the_user_has_places(self) -> None:
        text = '<overcommit y:insert="first"><resource>cores</resource><ratio>1</ratio></overcommit>'
        assert isinstance(refused(tree(entry(1)), provider(1, text)), errors.UnknownAttribute)


class TestWhatMayStandThere:
    @pytest.mark.parametrize(
        ("text", "kind", "name"),
        [
            (rule("<nothing>1</nothing>"), errors.UnknownElement, "nothing"),
            ('<policy><reservation xmlns="urn:nobody"/></policy>', errors.UnknownNamespace, "reservation"),
            ('<promise xmlns="urn:nobody"/>', errors.UnknownNamespace, "promise"),
            (
                '<promises xmlns="urn:opnfv:promise"/><promise xmlns="urn:opnfv:promise"/>',
                errors.UnknownElement,
                "promises",
            ),
            ("<pools><id>1</id></pools>", errors.UnknownElement, "pools"),
            (provider(1, "<health><reachable>true</reachable></health>"), errors.UnknownElement, "health"),
            (provider(1, "<password>x</password>"), errors.UnknownElement, "password"),
            (rule('<expiry operation="delete"/>'), errors.UnknownAttribute, "operation"),
            (rule('<expiry nc:operation="destroy"/>'), errors.BadAttribute, "operation"),
            (rule('<expiry nc:operation="none">1</expiry>'), errors.BadAttribute, "operation"),
            (rule('<expiry nc:action="delete"/>'), errors.UnknownAttribute, "action"),
        ],
    )
    def test_what_no_model_has(self, text: str, kind: type[errors.Invalid], name: str) -> None:
        found = refused({}, text)
        assert type(found) is kind
        assert found.name == name

    def test_annotations_of_others_say_nothing(self) -> None:
        assert edited({}, rule('<expiry xmlns:o="urn:other" o:note="why">5</expiry>')) == tree(expiry=5)


NACM = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"


class TestChoices:
    """RFC 7950 section 7.9: of a choice one case is there; another one that comes takes its place."""

    BEFORE: ClassVar[dict[str, Any]] = {
        "ietf-netconf-acm:nacm": {
            "rule-list": [{"name": "a", "rule": [{"name": "r", "rpc-name": "x", "action": "permit"}]}]
        }
    }

    def rule(self, inside: str) -> str:
        return (
            f'<nacm xmlns="{NACM}"><rule-list><name>a</name><rule><name>r</name>{inside}</rule></rule-list></nacm>'
            f"<promise {NAMES}/>"
        )

    @pytest.mark.rfc("7950", "7.9", "another case takes the place of the one there")
    def test_another_case_takes_the_place_of_the_one_that_is_there(self) -> None:
        after = edited(self.BEFORE, self.rule("<notification-name>n</notification-name>"))
        rule = {"name": "r", "notification-name": "n", "action": "permit"}
        assert after == {"ietf-netconf-acm:nacm": {"rule-list": [{"name": "a", "rule": [rule]}]}}

    def test_two_cases_in_one_edit_are_refused(self) -> None:
        two = "<rpc-name>x</rpc-name><notification-name>n</notification-name>"
        assert isinstance(refused(self.BEFORE, self.rule(two)), errors.DuplicateNode)

    def test_names_in_values_have_the_names_of_modules(self) -> None:
        path = '<path xmlns:z="urn:opnfv:promise">/z:promise/z:policy</path>'
        after = edited(self.BEFORE, self.rule(path))
        (rule,) = after["ietf-netconf-acm:nacm"]["rule-list"][0]["rule"]
        assert rule["path"] == "/opnfv-promise:promise/policy"  # as RFC 7951 section 6.11 has it

    @pytest.mark.rfc("6243", "4.5.2", "an edit of a value tagged as default")
    def test_a_value_that_is_tagged_as_default_is_not_set(self) -> None:
        tag = 'xmlns:wd="urn:ietf:params:xml:ns:netconf:default:1.0" wd:default="true"'
        before = {"ietf-netconf-acm:nacm": {"read-default": "permit", "exec-default": "deny"}}
        body = f'<nacm xmlns="{NACM}"><read-default {tag}>permit</read-default></nacm><promise {NAMES}/>'
        assert edited(before, body) == {"ietf-netconf-acm:nacm": {"exec-default": "deny"}}
        other = body.replace(">permit<", ">deny<")
        assert isinstance(refused(before, other), errors.BadValue)
        told = [body.replace(tag, f'{tag} xmlns:nc="{BASE}" nc:operation="{name}"') for name in ("create", "delete")]
        assert [type(refused(before, one)) for one in told] == [errors.DataExists, errors.BadValue]


class TestTheWholeTree:
    def test_what_is_mandatory_must_be_there(self) -> None:
        found = refused({}, provider(1, "<name>x</name><provider-type>openstack</provider-type>"))
        error = told(found)
        assert error.findtext(f"{{{BASE}}}error-tag") == "missing-element"
        assert error.findtext(f"{{{BASE}}}error-path") == provider_path(1)
        assert error.findtext(f".//{{{BASE}}}bad-element") == "endpoint"

    def test_it_cannot_be_deleted(self) -> None:
        found = refused(tree(entry(1)), provider(1, '<endpoint nc:operation="delete"/>'))
        assert isinstance(found, errors.MissingElement)

    @pytest.mark.rfc("7950", "15.1", "data-not-unique")
    def test_names_are_unique(self) -> None:
        error = told(refused(tree(entry(1)), provider(2, FULL.format("cloud 1"))))
        assert error.findtext(f"{{{BASE}}}error-tag") == "operation-failed"
        assert error.findtext(f"{{{BASE}}}error-app-tag") == "data-not-unique"
        unique = error.findall(".//{urn:ietf:params:xml:ns:yang:1}non-unique")
        assert [found.text for found in unique] == [f"{provider_path(number)}/promise:name" for number in (1, 2)]
        assert all(found.nsmap["promise"] == "urn:opnfv:promise" for found in unique)

    def test_two_may_change_their_names(self) -> None:
        swap = provider(1, "<name>cloud 2</name>") + provider(2, "<name>cloud 1</name>")
        assert edited(tree(entry(1), entry(2)), swap) == tree(entry(1, name="cloud 2"), entry(2, name="cloud 1"))

    def test_the_tree_that_was_there_stays_as_it_was(self) -> None:
        before = tree(entry(1, overcommit=[{"resource": "cores", "ratio": "1.5"}]), expiry=5)
        text = provider(1, '<overcommit nc:operation="delete"><resource>cores</resource></overcommit>')
        edited(before, text + rule('<expiry nc:operation="delete"/>'))
        assert before == tree(entry(1, overcommit=[{"resource": "cores", "ratio": "1.5"}]), expiry=5)
