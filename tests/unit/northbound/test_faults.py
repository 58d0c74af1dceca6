"""Every error has its words, and they are what RFC 6241 appendix A asks for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from netconf_client import BASE, NC
from structlog.testing import capture_logs

from promise import errors
from promise.northbound.faults import TABLE, YANG, fault, last_step, row, rpc_error

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIXES = {"promise": "urn:opnfv:promise", "x": "urn:x"}
ORDER = ["error-type", "error-tag", "error-severity", "error-app-tag", "error-path", "error-message", "error-info"]

# RFC 6241 appendix A: which error-types a tag may have, and which children of error-info it must have.
APPENDIX_A: dict[str, tuple[set[str], list[str]]] = {
    "in-use": ({"protocol", "application"}, []),
    "invalid-value": ({"protocol", "application"}, []),
    "too-big": ({"transport", "rpc", "protocol", "application"}, []),
    "missing-attribute": ({"rpc", "protocol", "application"}, ["bad-attribute", "bad-element"]),
    "bad-attribute": ({"rpc", "protocol", "application"}, ["bad-attribute", "bad-element"]),
    "unknown-attribute": ({"rpc", "protocol", "application"}, ["bad-attribute", "bad-element"]),
    "missing-element": ({"protocol", "application"}, ["bad-element"]),
    "bad-element": ({"protocol", "application"}, ["bad-element"]),
    "unknown-element": ({"protocol", "application"}, ["bad-element"]),
    "unknown-namespace": ({"protocol", "application"}, ["bad-element", "bad-namespace"]),
    "access-denied": ({"protocol", "application"}, []),
    "lock-denied": ({"protocol"}, ["session-id"]),
    "resource-denied": ({"transport", "rpc", "protocol", "application"}, []),
    "data-exists": ({"application"}, []),
    "data-missing": ({"application"}, []),
    "operation-not-supported": ({"protocol", "application"}, []),
    "operation-failed": ({"rpc", "protocol", "application"}, []),
    "malformed-message": ({"rpc"}, []),
}
# RFC 8040 section 7.1; 408 and 415 are those of HTTP itself.
STATUSES = {
    "in-use": {409}, "invalid-value": {400, 404, 406, 415}, "too-big": {413, 400}, "missing-attribute": {400},
    "bad-attribute": {400}, "unknown-attribute": {400}, "missing-element": {400}, "bad-element": {400},
    "unknown-element": {400}, "unknown-namespace": {400}, "access-denied": {401, 403}, "lock-denied": {409},
    "resource-denied": {409}, "data-missing": {409}, "data-exists": {409}, "operation-not-supported": {405, 501},
    "operation-failed": {408, 412, 500, 503}, "malformed-message": {400},
}  # fmt: skip


def kinds(root: type[errors.PromiseError]) -> Iterator[type[errors.PromiseError]]:
    yield root
    for kind in root.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield from kinds(kind)


KINDS = [kind for kind in kinds(errors.PromiseError) if kind is not errors.PromiseError]


def made(kind: type[errors.PromiseError]) -> errors.PromiseError:
    if issubclass(kind, errors.Invalid):
        return kind("it must be so", path="/promise:a/promise:b", name="b", namespace="urn:b")
    if issubclass(kind, errors.Locked):
        return kind("the datastore", 7)
    if issubclass(kind, errors.NotAllowed):
        return kind("something", ("GET",))
    return kind("something")


def element(error: BaseException, **options: Any) -> Any:
    told = rpc_error(fault(error), PREFIXES, **options)
    return etree.fromstring(b'<r xmlns="%b">%b</r>' % (BASE.encode(), told))[0]


def text(error: Any, name: str) -> str | None:
    found = error.find(NC + name)
    return None if found is None else str(found.text)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_ours_has_a_row_of_its_own(kind: type[errors.PromiseError]) -> None:
    assert kind in TABLE


def test_the_table_has_no_rows_for_errors_that_do_not_exist() -> None:
    assert set(TABLE) == {*KINDS, BaseException}


@pytest.mark.rfc("8040", "7", "the status of each error-tag")
@pytest.mark.rfc("6241", "4.3", "every error: type, tag, severity and HTTP status")
@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_told_as_the_standards_ask(kind: type[errors.PromiseError]) -> None:
    told = element(made(kind))
    tag = str(text(told, "error-tag"))
    types, info = APPENDIX_A[tag]
    assert text(told, "error-type") in types
    assert row(made(kind)).status in STATUSES[tag]
    assert text(told, "error-severity") == "error"
    found = told.find(NC + "error-info")
    required = ["missing-choice"] if kind is errors.MissingChoice else info
    assert [etree.QName(child).localname for child in (found if found is not None else [])] == required
    names = [etree.QName(child).localname for child in told]
    assert names == [name for name in ORDER if name in names]
    message = told.find(NC + "error-message")
    assert message.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert message.text == str(made(kind))


def test_a_subclass_is_told_like_its_base() -> None:
    class NoSuchImage(errors.CloudRefused):
        pass

    assert row(NoSuchImage("x")) is TABLE[errors.CloudRefused]


@pytest.mark.rfc("6241", "A", "error-info: bad-element, bad-attribute, session-id")
def test_the_facts_of_an_error_stand_in_error_info() -> None:
    def info(error: errors.PromiseError) -> list[tuple[str, str]]:
        return [(child.tag, child.text) for child in element(error).find(NC + "error-info")]

    unknown = errors.UnknownNamespace("x", path="/promise:a", name="b", namespace="urn:b&")
    assert info(unknown) == [(NC + "bad-element", "b"), (NC + "bad-namespace", "urn:b&")]
    missing = errors.MissingAttribute("x", path="/nc:rpc", name="message-id")
    assert info(missing) == [(NC + "bad-attribute", "message-id"), (NC + "bad-element", "rpc")]
    assert info(errors.UnknownElement("x", path="/promise:a/x:c[1]")) == [(NC + "bad-element", "c")]
    assert info(errors.Locked("running", 7)) == [(NC + "session-id", "7")]
    choice = errors.MissingChoice("x", path="/promise:a", name="which")
    assert info(choice) == [(f"{{{YANG}}}missing-choice", "which")]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (errors.BadValue("must be 0..7", path="/promise:a/promise:cores"), "cores must be 0..7"),
        (errors.BadValue("must be 0..7", path="/promise:a/promise:l[promise:id='/x']"), "l must be 0..7"),
        (
            errors.MissingElement("must have an element b", path="/promise:a/promise:b", name="b"),
            "a must have an element b",
        ),
        (errors.MissingElement("must have an element b", path="/promise:a", name="b"), "a must have an element b"),
        (errors.BadValue("must be 0..7"), "must be 0..7"),
        (errors.BadValue("there is no session 7", path="/nc:rpc"), "there is no session 7"),
    ],
)
def test_the_message_names_what_its_rule_is_about(error: errors.Invalid, message: str) -> None:
    assert text(element(error), "error-message") == message


@pytest.mark.parametrize(
    ("path", "parent"),
    [("/x:a/x:b", "/nc:rpc/x:a"), ("/x:a[x:k='/']/x:b", "/nc:rpc/x:a[x:k='/']"), ('/x:a/x:b[x:k="]/"]', "/nc:rpc/x:a")],
)
def test_the_path_of_what_is_not_there_is_that_of_its_parent(path: str, parent: str) -> None:
    assert text(element(errors.MissingElement("x", path=path, name="b")), "error-path") == parent
    assert text(element(errors.BadValue("x", path=path, name="b")), "error-path") == f"/nc:rpc{path}"


@pytest.mark.parametrize(
    ("error", "app_tag"),
    [
        (errors.MustViolation("x"), "must-violation"),
        (errors.MustViolation("x", app_tag="end-before-start"), "end-before-start"),
        (errors.MissingChoice("x"), "missing-choice"),
        (errors.BadValue("x"), None),
        (errors.LedgerFailure("x"), "promise:ledger"),
        (ValueError("x"), "promise:internal"),
    ],
)
def test_the_app_tag_is_the_errors_own_or_the_tables(error: Exception, app_tag: str | None) -> None:
    assert text(element(error), "error-app-tag") == app_tag


def test_an_error_path_finds_the_node_in_the_request() -> None:
    request = etree.fromstring(
        f'<rpc xmlns="{BASE}"><a xmlns="urn:opnfv:promise"><l><k>x:1</k></l><l><k>b]"</k><v/></l></a></rpc>'
    )
    path = "/promise:a/promise:l[promise:k='b]\"']/promise:v"
    found = element(errors.BadValue("x", path=path)).find(NC + "error-path")
    assert found.nsmap == {None: BASE, "nc": BASE, "promise": "urn:opnfv:promise"}
    nodes: Any = request.xpath(found.text, namespaces={p: uri for p, uri in found.nsmap.items() if p})
    assert [node.tag for node in nodes] == ["{urn:opnfv:promise}v"]


@pytest.mark.parametrize(
    ("path", "declared"),
    [
        ("/promise:a", {"nc", "promise"}),
        ("/nc:rpc", {"nc"}),
        ("/nc:rpc/x:a/promise:b", {"nc", "x", "promise"}),
        ("/x:a[x:k='no:prefix']", {"nc", "x"}),
        ("/child::x:a", {"nc", "x"}),
    ],
)
def test_an_error_path_declares_the_prefixes_that_it_uses(path: str, declared: set[str]) -> None:
    found = element(errors.BadValue("x", path=path)).find(NC + "error-path")
    assert {prefix for prefix in found.nsmap if prefix} == declared


def test_an_error_path_with_a_prefix_that_nobody_knows_is_left_out() -> None:
    assert element(errors.BadValue("x", path="/y:a")).find(NC + "error-path") is None
    assert element(errors.BadValue("x")).find(NC + "error-path") is None


@pytest.mark.parametrize(
    ("path", "step"), [("/p:a/p:b", "b"), ("/p:a[p:k='/p:x']", "a"), ("/a", "a"), ("", ""), ('/p:a[p:k="]/"]/p:c', "c")]
)
def test_the_last_step_of_a_path_is_a_local_name(path: str, step: str) -> None:
    assert last_step(path) == step


def test_the_reporter_may_know_the_layer_better() -> None:
    assert text(element(errors.BadValue("x"), layer="protocol"), "error-type") == "protocol"


@pytest.mark.rfc("6241", "A", "malformed-message is for base:1.1 only")
def test_a_base_1_0_peer_is_not_told_malformed_message() -> None:
    assert text(element(errors.Malformed("x"), base_1_1=False), "error-tag") == "operation-failed"
    assert text(element(errors.Malformed("x")), "error-tag") == "malformed-message"
    assert text(element(errors.TooBig("x"), base_1_1=False), "error-tag") == "too-big"


@pytest.mark.parametrize("bug", [ValueError("secret"), RecursionError("secret"), asyncio.CancelledError("secret")])
def test_a_bug_is_logged_once_with_its_traceback_and_hidden_from_the_client(bug: BaseException) -> None:
    with capture_logs() as logs:
        told = element(bug)
    assert [(entry["event"], entry["log_level"], entry["exc_info"]) for entry in logs] == [
        ("internal-error", "error", bug)
    ]
    assert text(told, "error-tag") == "operation-failed"
    assert b"secret" not in etree.tostring(told)


def test_an_error_of_ours_is_not_logged_as_a_bug() -> None:
    with capture_logs() as logs:
        element(errors.Denied("create-reservation"))
    assert logs == []


@given(st.text(), st.text(), st.text())
def test_an_rpc_error_is_well_formed_whatever_is_in_it(rule: str, name: str, path: str) -> None:
    element(errors.UnknownNamespace(rule, path=path, name=name, namespace=name, app_tag=rule))
    element(errors.MissingChoice(rule, path=path, name=name))
