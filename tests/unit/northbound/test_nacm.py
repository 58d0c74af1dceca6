"""Access control: the procedures of RFC 8341 section 3.4 and the examples of its appendix A, on our own tree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from promise.errors import BadValue, Denied
from promise.northbound.datastore import schema
from promise.northbound.nacm.changes import check
from promise.northbound.nacm.path import Step, read_path
from promise.northbound.nacm.pruning import readable, readable_tree
from promise.northbound.nacm.rights import Marks, Rights
from promise.northbound.nacm.rulebook import Access, Rulebook

PROMISE = "opnfv-promise"
NACM = "ietf-netconf-acm"
MODULES = {
    "urn:opnfv:promise": PROMISE,
    "urn:ietf:params:xml:ns:yang:ietf-netconf-acm": NACM,
}
PREFIXES = {PROMISE: PROMISE, "promise": PROMISE, "nacm": NACM, NACM: NACM, "nc": "ietf-netconf"}
MARKS = Marks(
    operations={("ietf-netconf", "kill-session"): "all"},
    notifications={(PROMISE, "secret-event"): "all"},
    data={((NACM, "nacm"),): "all", ((PROMISE, "promise"), (PROMISE, "policy")): "write"},
)
TREE: dict[str, Any] = {
    "opnfv-promise:promise": {
        "policy": {"reservation": {"expiry": 30, "preempt": True}},
        "reservations": [
            {"id": "1", "owner": "ann", "capacity": {"cores": 4}},
            {"id": "2", "owner": "bob", "capacity": {"cores": 2, "ram": "8"}},
        ],
    },
    "ietf-netconf-acm:nacm": {"enable-nacm": True},
}
XML = etree.fromstring(
    """<data>
  <promise xmlns="urn:opnfv:promise">
    <policy><reservation><expiry>30</expiry><preempt>true</preempt></reservation></policy>
    <reservations><id>1</id><owner>ann</owner><capacity><cores>4</cores></capacity></reservations>
    <reservations><id>2</id><owner>bob</owner><capacity><cores>2</cores><ram>8</ram></capacity></reservations>
  </promise>
  <nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm"><enable-nacm>true</enable-nacm></nacm>
</data>""",
    etree.XMLParser(remove_blank_text=True),
)


def rule(name: str, action: str, **said: Any) -> dict[str, Any]:
    return {"name": name, "action": action, **{key.replace("_", "-"): value for key, value in said.items()}}


def book(*rules: dict[str, Any], group: str = "guests", **leaves: Any) -> Rulebook:
    said = {key.replace("_", "-"): value for key, value in leaves.items()}
    return Rulebook.of({**said, "rule-list": [{"name": "l", "group": [group], "rule": list(rules)}]}, PREFIXES)


def guest(*rules: dict[str, Any], user: str = "ann", **leaves: Any) -> Rights:
    return Rights.of(book(*rules, **leaves), MARKS, user, frozenset({"guests"}))


def seen(rights: Rights) -> list[str]:
    copy = etree.fromstring(etree.tostring(XML))
    found = readable(rights, list(copy), MODULES)
    names = [each.text or "" for element in found for each in element.iter("{*}id", "{*}expiry", "{*}ram")]
    return [str(element.tag).rpartition("}")[2] for element in found] + names


# --- operations (section 3.4.4)


@pytest.mark.rfc("8341", "3.3.4.4", "exec-default; close-session is always permitted")
def test_defaults_let_operations_run_but_those_that_the_module_denies() -> None:
    rights = guest()
    assert rights.may_execute(PROMISE, "create-reservation")
    assert not rights.may_execute("ietf-netconf", "kill-session")
    assert rights.may_execute("ietf-netconf", "close-session")


@pytest.mark.rfc("8341", "3.3.5", "rules by module, by RPC and for all, the first that fits decides")
def test_the_first_rule_that_matches_decides() -> None:
    rights = guest(
        rule("a", "permit", module_name="ietf-netconf", rpc_name="kill-session", access_operations="exec"),
        rule("b", "deny", module_name=PROMISE, rpc_name="cancel-reservation", access_operations="exec"),
        rule("c", "permit", module_name=PROMISE, rpc_name="*"),
        rule("d", "deny", module_name="*", access_operations="exec"),
    )
    assert rights.may_execute("ietf-netconf", "kill-session")
    assert not rights.may_execute(PROMISE, "cancel-reservation")
    assert rights.may_execute(PROMISE, "query-capacity")
    assert not rights.may_execute("ietf-netconf", "get")
    assert rights.may_execute("ietf-netconf", "close-session")


def test_a_rule_for_other_accesses_says_nothing_of_running() -> None:
    rights = guest(rule("a", "deny", module_name=PROMISE, access_operations="create read update delete"))
    assert rights.may_execute(PROMISE, "query-capacity")


@pytest.mark.rfc("8341", "3.3.2", "groups; a rule-list for * is for everybody who has a group")
def test_rules_of_other_groups_and_of_nobody() -> None:
    rules = (rule("a", "deny", module_name="*"),)
    assert Rights.of(book(*rules, group="x"), MARKS, "ann", frozenset({"guests"})).may_execute(PROMISE, "get")
    everyone = book(*rules, group="*")
    assert not Rights.of(everyone, MARKS, "ann", frozenset({"guests"})).may_execute(PROMISE, "get")
    assert Rights.of(everyone, MARKS, "ann", frozenset()).may_execute(PROMISE, "get")  # step 5: no groups, no rules


@pytest.mark.rfc("8341", "3.3.4.5", "enable-external-groups")
def test_groups_of_the_rules_and_of_the_user_count_both() -> None:
    nacm = {
        "groups": {"group": [{"name": "guests", "user-name": ["bob"]}]},
        "rule-list": [{"name": "l", "group": ["guests"], "rule": [rule("a", "deny", access_operations="exec")]}],
    }
    for external, denied in ((True, True), (False, False)):
        rulebook = Rulebook.of({**nacm, "enable-external-groups": external}, PREFIXES)
        assert not Rights.of(rulebook, MARKS, "bob", frozenset()).may_execute(PROMISE, "get")
        assert Rights.of(rulebook, MARKS, "ann", frozenset({"guests"})).may_execute(PROMISE, "get") is not denied


@pytest.mark.rfc("8341", "3.3.3", "no rule binds a recovery session")
@pytest.mark.parametrize(("enabled", "recovery"), [(False, False), (True, True)])
def test_nothing_binds_a_recovery_session_or_when_it_is_off(*, enabled: bool, recovery: bool) -> None:
    rulebook = book(rule("a", "deny"), enable_nacm=enabled, exec_default="deny", read_default="deny")
    rights = Rights.of(rulebook, MARKS, "ann", frozenset({"guests"}), recovery=recovery)
    assert rights.may_execute("ietf-netconf", "kill-session")
    assert rights.may_be_told(PROMISE, "secret-event")
    assert seen(rights) == ["promise", "nacm", "30", "1", "2", "8"]
    check(rights, schema().top, {}, {"opnfv-promise:promise": {"policy": {"reservation": {"expiry": 1}}}}, MODULES)


# --- notifications (section 3.4.6)


def test_notifications() -> None:
    rights = guest(rule("a", "deny", module_name=PROMISE, notification_name="allocation-event"))
    assert not rights.may_be_told(PROMISE, "allocation-event")
    assert rights.may_be_told(PROMISE, "reservation-event")
    assert not rights.may_be_told(PROMISE, "secret-event")
    assert not guest(read_default="deny").may_be_told(PROMISE, "reservation-event")


# --- reading (section 3.2.4)


@pytest.mark.rfc("8341", "3.4.5", "nacm:default-deny-all of a node hides it with all below")
def test_by_default_all_is_read_but_what_the_module_keeps() -> None:
    assert seen(guest()) == ["promise", "30", "1", "2", "8"]
    assert seen(guest(rule("a", "permit", module_name=NACM, path="/nacm:nacm"))) == [
        "promise",
        "nacm",
        "30",
        "1",
        "2",
        "8",
    ]


def test_what_is_denied_goes_with_all_that_is_below() -> None:
    rights = guest(
        rule("a", "permit", path="/promise:promise/policy/reservation/expiry", access_operations="read"),
        rule("b", "deny", path="/promise:promise/promise:policy", access_operations="read"),
        rule("c", "deny", path="/promise:promise/reservations/capacity/ram"),
    )
    assert seen(rights) == ["promise", "1", "2"]


@pytest.mark.rfc("8341", "3.5.2", "paths of rules with keys, without them, and with $USER")
def test_list_entries_by_key_and_by_user() -> None:
    only_mine = (
        rule("a", "permit", path="/promise:promise/reservations[owner=$USER]", access_operations="read"),
        rule("b", "deny", path="/promise:promise/reservations", access_operations="read"),
    )
    assert seen(guest(*only_mine)) == ["promise", "30", "1"]
    assert seen(guest(*only_mine, user="bob")) == ["promise", "30", "2", "8"]
    assert seen(guest(rule("a", "deny", path="/promise:promise/reservations[id='2']"))) == ["promise", "30", "1"]


def test_a_path_of_everything() -> None:
    assert seen(guest(rule("a", "deny", path="/", access_operations="read"))) == []
    assert seen(guest(read_default="deny")) == []
    assert seen(guest(rule("a", "permit", path="/"), read_default="deny")) == ["promise", "nacm", "30", "1", "2", "8"]


PATHS = st.sampled_from(
    [
        "/", "/promise:promise", "/promise:promise/policy", "/promise:promise/policy/reservation/expiry",
        "/promise:promise/reservations", "/promise:promise/reservations[id='2']/capacity",
        "/promise:promise/reservations[owner=$USER]", "/nacm:nacm", "/promise:promise/reservations/capacity/cores",
    ]
)  # fmt: skip
RULES = st.lists(
    st.builds(
        lambda path, action, access, module: rule("r", action, path=path, access_operations=access, module_name=module),
        PATHS, st.sampled_from(["permit", "deny"]), st.sampled_from(["*", "read", "create update"]),
        st.sampled_from(["*", PROMISE]),
    ),
    max_size=5,
)  # fmt: skip


def naive(rights: Rights, steps: list[tuple[str, str, dict[str, str]]], access: Access) -> bool:
    """Section 3.4.5 word by word: each node from the top must be permitted."""
    for depth in range(1, len(steps) + 1):
        module = steps[depth - 1][0]
        decided = None
        for found in rights.rules:
            matches = (
                found.path is not None
                and len(found.path) <= depth
                and all(
                    one.module == step[0]
                    and one.name == step[1]
                    and all(
                        step[2].get(key) == (rights.user if want is None else want) for key, want in one.keys.items()
                    )
                    for one, step in zip(found.path, steps, strict=False)
                )
            )
            if matches and found.covers(module) and access in found.access:
                decided = found.permits
                break
        if decided is None:
            names = [tuple(step[:2]) for step in steps[:depth]]
            decided = rights.book.reads and names[0] != (NACM, "nacm")
        if not decided:
            return False
    return True


def leaves_of(tree: Any, steps: list[Any], module: str) -> list[list[Any]]:
    if not isinstance(tree, dict):
        return [steps]
    found = []
    for member, value in tree.items():
        prefix, _, name = member.rpartition(":")
        inside = prefix or module
        for entry in value if isinstance(value, list) else [value]:
            own = {key: str(text) for key, text in entry.items()} if isinstance(entry, dict) else {}
            found += leaves_of(entry, [*steps, (inside, name, own)], inside)
    return found


@given(RULES, st.sampled_from(["permit", "deny"]), st.sampled_from(["ann", "bob"]))
def test_what_is_read_is_what_the_rules_say_word_by_word(rules: list[dict[str, Any]], default: str, user: str) -> None:
    rights = guest(*rules, user=user, read_default=default)
    wanted = [[step[:2] for step in steps] for steps in leaves_of(TREE, [], "") if naive(rights, steps, Access.READ)]
    kept = readable_tree(rights, TREE)
    shown = [[step[:2] for step in steps] for steps in leaves_of(kept, [], "") if steps and len(steps) > 1]
    assert [steps for steps in shown if steps in wanted] == wanted
    assert all(naive(rights, steps, Access.READ) for steps in leaves_of(kept, [], "") if steps)
    copy = etree.fromstring(etree.tostring(XML))
    texts = [each.text for top in readable(rights, list(copy), MODULES) for each in top.iter() if each.text]
    assert len(texts) == len(wanted)


# --- changing (sections 3.2.3 and 3.2.8)

EMPTY: dict[str, Any] = {}
POLICY = {"opnfv-promise:promise": {"policy": {"reservation": {"expiry": 30, "preempt": True}}}}
OTHER = {"opnfv-promise:promise": {"policy": {"reservation": {"expiry": 60, "preempt": True}}}}


def refused(rights: Rights, before: dict[str, Any], after: dict[str, Any]) -> str:
    with pytest.raises(Denied) as error:
        check(rights, schema().top, before, after, MODULES)
    return error.value.what


def test_by_default_nothing_is_changed() -> None:
    expiry = "/promise:promise/promise:policy/promise:reservation/promise:expiry"
    assert refused(guest(), EMPTY, POLICY) == f"create of {expiry}"
    assert refused(guest(), POLICY, OTHER) == f"update of {expiry}"
    assert refused(guest(), POLICY, EMPTY) == f"delete of {expiry}"
    check(guest(), schema().top, POLICY, POLICY, MODULES)


def test_only_what_changes_has_to_be_permitted() -> None:
    rights = guest(rule("a", "permit", path="/promise:promise/policy/reservation/expiry", access_operations="update"))
    check(rights, schema().top, POLICY, OTHER, MODULES)
    assert refused(rights, POLICY, EMPTY).startswith("delete of")


@pytest.mark.rfc("8341", "3.4.5", "nacm:default-deny-write of a node")
def test_a_default_that_permits_does_not_change_what_a_module_keeps() -> None:
    rights = guest(write_default="permit")
    assert refused(rights, EMPTY, POLICY).startswith("create of")  # marked "write" here
    provider = {"id": "00000000-0000-4000-8000-000000000001", "name": "a"}
    before = {"opnfv-promise:promise": {"providers": [provider]}}
    after = {"opnfv-promise:promise": {"providers": [{**provider, "name": "b"}]}}
    check(rights, schema().top, before, after, MODULES)
    name = "/promise:promise/promise:providers[promise:id='00000000-0000-4000-8000-000000000001']/promise:name"
    assert refused(guest(), before, after) == f"update of {name}"


# --- paths


def test_paths_are_read() -> None:
    assert read_path('/promise:promise/nacm:x[promise:a = "1]\'"][b=$USER]', PREFIXES) == (
        Step(PROMISE, "promise", {}),
        Step(NACM, "x", {"a": "1]'", "b": None}),
    )
    assert read_path("/", PREFIXES) == ()


@pytest.mark.parametrize(
    "text", ["", "promise:promise", "/promise", "/no:promise", "/promise:promise/", "/a:b[c]", "//"]
)
def test_other_paths_are_refused(text: str) -> None:
    with pytest.raises(BadValue):
        read_path(text, PREFIXES)


def test_a_rule_with_a_bad_path_is_named() -> None:
    with pytest.raises(BadValue) as error:
        book(rule("a", "deny", path="/no:where"))
    assert error.value.path == "/nacm:nacm/nacm:rule-list[nacm:name='l']/nacm:rule[nacm:name='a']/nacm:path"
