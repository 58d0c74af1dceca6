"""What a controller says of raw requests that are wrong: type, tags, info and the place (RFC 6241 appendix A)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from configured import NACM, PROMISE, controller, do, edit, expiry, nc, provider, rules, target
from lxml import etree
from netconf_client import BASE, NC, NOTIFICATIONS, rpc_message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from netconf_client import NetconfClient

pytestmark = pytest.mark.asyncio(loop_scope="module")
A, P = "application", "protocol"
YANG = "urn:ietf:params:xml:ns:yang:1"
EXPIRY = "/promise:promise/promise:policy/promise:reservation/promise:expiry"
FIRST = "/promise:promise/promise:providers[promise:id='00000000-0000-4000-8000-000000000001']"
IN_EDIT = "/nc:rpc/nc:edit-config"
NAMES = {"nc": BASE, "promise": PROMISE, "nacm": NACM, "ncn": NOTIFICATIONS}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NetconfClient]:
    async with controller(tmp_path_factory.mktemp("errors") / "state") as house, await house.session() as one:
        await do(one, edit(expiry(3), "running"))
        yield one


def options(name: str, value: str) -> str:
    return nc("edit-config", f"<target><candidate/></target><{name}>{value}</{name}><config/>")


def acm(inside: str) -> str:
    return edit(f'<nacm xmlns="{NACM}" xmlns:nc="{BASE}">{inside}</nacm>')


def twice() -> str:
    second = provider(2).replace("cloud 2", "cloud 1")
    return edit(provider(1).replace("</promise>", "") + second.partition(">")[2], "running")


BEFORE = f'<providers xmlns:y="{YANG}" y:insert="before" y:key="[id=\'00000000-0000-4000-8000-000000000009\']">'
NOBODY_TOLD = f"""<promise xmlns="{PROMISE}"><subscriptions><id>00000000-0000-4000-8000-000000000001</id>
    <kind>capacity</kind></subscriptions></promise>"""
RULE = "<rule-list><name>l</name><rule><name>r</name></rule></rule-list>"


@pytest.mark.rfc("6241", "A", "error-type, error-tag, error-app-tag, error-info and error-path of wrong edits")
@pytest.mark.parametrize(
    ("operation", "kind", "tag", "path", "info"),
    [
        (edit(rules('<expiry nc:operation="x">5</expiry>')), A, "bad-attribute", EXPIRY, "operation expiry"),
        (edit(rules('<expiry colour="red">5</expiry>')), A, "unknown-attribute", EXPIRY, "colour expiry"),
        (edit(rules("<x/>")), A, "unknown-element", EXPIRY.rpartition("/")[0], "x"),
        (edit('<x xmlns="urn:x"/>'), P, "unknown-namespace", f"{IN_EDIT}/nc:config", "x urn:x"),
        (edit(rules("<expiry>0</expiry>")), A, "invalid-value", EXPIRY, ""),
        (edit(rules('<expiry nc:operation="create">5</expiry>'), "running"), A, "data-exists", EXPIRY, ""),
        (
            edit(rules('<max-duration nc:operation="delete"/>')), A, "data-missing",
            EXPIRY.replace("expiry", "max-duration"), "",
        ),
        (edit(f'<promise xmlns="{PROMISE}"><capacity/></promise>'), A, "unknown-element", None, "capacity"),
        (edit(f'<promise xmlns="{PROMISE}"><providers/></promise>'), A, "missing-element", None, "id"),
        (edit(provider(1).replace("<name>cloud 1</name>", ""), "running"), A, "missing-element", FIRST, "name"),
        (edit(provider(1).replace("<providers>", BEFORE)), A, "bad-attribute missing-instance", FIRST, "key providers"),
        (twice(), A, "operation-failed data-not-unique", None, None),
        (acm("<exec-default>x</exec-default>"), A, "invalid-value", "/nacm:nacm/nacm:exec-default", ""),
        (acm("<x/>"), A, "unknown-element", "/nacm:nacm", "x"),
        (acm('<exec-default nc:operation="delete"/>'), A, "data-missing", "/nacm:nacm/nacm:exec-default", ""),
        (acm(RULE).replace("candidate", "running"), A, "missing-element", None, "action"),
        (nc("edit-config", "<config/>"), P, "missing-element", IN_EDIT, "target"),
        (nc("edit-config", "<target><candidate/></target>"), P, "missing-element", IN_EDIT, "config"),
        (edit("", "startup"), P, "unknown-element", f"{IN_EDIT}/nc:target", "startup"),
        (options("default-operation", "x"), P, "invalid-value", f"{IN_EDIT}/nc:default-operation", ""),
        (options("test-option", "x"), P, "invalid-value", f"{IN_EDIT}/nc:test-option", ""),
        (options("error-option", "x"), P, "invalid-value", f"{IN_EDIT}/nc:error-option", ""),
    ],
)  # fmt: skip
async def test_a_wrong_edit(
    client: NetconfClient, operation: str, kind: str, tag: str, path: str | None, info: str | None
) -> None:
    error = await refused(client, operation)
    assert told(error) == (kind, tag), etree.tostring(error)
    if path is not None:
        assert error.findtext(NC + "error-path") == path
    if info is not None:
        assert facts(error) == info
    await do(client, nc("discard-changes"))


@pytest.mark.rfc("6241", "A", "error-type, error-tag and error-info of wrong operations")
@pytest.mark.parametrize(
    ("operation", "kind", "tag", "info"),
    [
        (nc("frobnicate"), P, "unknown-element", "frobnicate"),
        (target("unlock", "running"), P, "operation-failed promise:not-locked", ""),
        (target("delete-config", "running"), P, "operation-not-supported", ""),
        (nc("copy-config", "<target><running/></target><source><running/></source>"), P, "invalid-value", ""),
        (nc("copy-config", "<target><url>file:///x</url></target><source><running/></source>"), P, "unknown-element",
         "url"),
        (nc("kill-session", "<session-id>1</session-id>"), P, "invalid-value", ""),
        (nc("cancel-commit"), P, "operation-failed promise:no-confirmed-commit", ""),
        (nc("commit", "<persist-id>x</persist-id>"), P, "invalid-value", ""),
        (nc("validate"), P, "missing-element", "source"),
        (nc("get", '<filter type="x"/>'), P, "bad-attribute", "type filter"),
        (f'<create-subscription xmlns="{NOTIFICATIONS}"><stream>x</stream></create-subscription>', P, "invalid-value",
         ""),
        (f'<cancel-reservation xmlns="{PROMISE}"/>', A, "data-missing missing-choice", "reservations"),
        (nc("validate", f"<source><config>{NOBODY_TOLD}</config></source>"), A, "data-missing missing-choice",
         "receiver"),
        (f'<query-capacity xmlns="{PROMISE}"><x xmlns="urn:x"/></query-capacity>', A, "unknown-namespace", "x urn:x"),
    ],
)  # fmt: skip
async def test_a_wrong_operation(client: NetconfClient, operation: str, kind: str, tag: str, info: str) -> None:
    error = await refused(client, operation)
    assert (*told(error), facts(error)) == (kind, tag, info), etree.tostring(error)


@pytest.mark.rfc("6241", "4.3", "an error-path is an XPath whose prefixes are declared, whichever the module")
async def test_a_path_of_another_module_finds_its_node(client: NetconfClient) -> None:
    request = acm("<exec-default>x</exec-default>")
    path = (await refused(client, request)).find(NC + "error-path")
    known = {prefix: uri for prefix, uri in path.nsmap.items() if prefix}
    message = etree.fromstring(rpc_message(request, "1"))
    found: Any = message.xpath(f"//nc:config{path.text}", namespaces={**known, "nc": BASE})
    assert [node.text for node in found] == ["x"]


@pytest.mark.rfc("6241", "4.3", "error-severity is error, error-message says its language")
async def test_an_error_has_severity_and_language(client: NetconfClient) -> None:
    error = await refused(client, nc("frobnicate"))
    assert error.findtext(NC + "error-severity") == "error"
    assert error.find(NC + "error-message").get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    order = [etree.QName(child).localname for child in error]
    assert order == ["error-type", "error-tag", "error-severity", "error-path", "error-message", "error-info"]


@pytest.mark.rfc("6241", "8.5", "an edit with an error changes nothing of what stood before it")
async def test_a_wrong_edit_of_running_changes_nothing(client: NetconfClient) -> None:
    await refused(client, edit(expiry(9) + f'<nacm xmlns="{NACM}"><exec-default>x</exec-default></nacm>', "running"))
    reply = await client.rpc(nc("get-config", "<source><running/></source>"))
    assert reply.findtext(f".//{{{PROMISE}}}expiry") == "3"


async def refused(client: NetconfClient, operation: str) -> Any:
    reply = await client.rpc(operation)
    (error,) = reply.iterchildren(NC + "rpc-error")
    return error


def told(error: Any) -> tuple[str, str]:
    """Return the error-type, and the error-tag with the error-app-tag."""
    tags = [error.findtext(NC + "error-tag"), error.findtext(NC + "error-app-tag")]
    return error.findtext(NC + "error-type"), " ".join(filter(None, tags))


def facts(error: Any) -> str:
    """Return the values in error-info."""
    return " ".join(str(child.text) for child in error.iterfind(f"{NC}error-info/*"))
