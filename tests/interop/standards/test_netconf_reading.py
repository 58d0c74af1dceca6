"""What a controller shows to raw requests: the rules of subtree filters, one by one, and readings that others judge."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from configured import NACM, PROMISE, controller, do, edit, expiry, nc, provider
from lxml import etree
from netconf_client import BASE, NC

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from netconf_client import NetconfClient

pytestmark = pytest.mark.asyncio(loop_scope="module")
YANG = Path(__file__).parents[3] / "yang"
YANGLINT = shutil.which("yanglint")
NMDA = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
DATASTORES = "urn:ietf:params:xml:ns:yang:ietf-datastores"
DEFAULTS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
TAG = "{urn:ietf:params:xml:ns:netconf:default:1.0}default"
GROUPS = (
    "<group><name>a</name><user-name>eve</user-name><user-name>adam</user-name></group>"
    "<group><name>b</name><user-name>eve</user-name></group>"
)
RULE = f'<rule><name>r</name><path xmlns:p="{PROMISE}">/p:promise</path><action>permit</action></rule>'
RULES = f"<rule-list><name>l</name><group>*</group>{RULE}</rule-list>"
ACCESS = f'<nacm xmlns="{NACM}"><groups>{GROUPS}</groups>{RULES}</nacm>'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NetconfClient]:
    async with controller(tmp_path_factory.mktemp("reading") / "state") as house, await house.session() as one:
        more = "<region>north</region>"
        await do(one, edit(provider(1)), edit(provider(2, more)), edit(expiry(5)), edit(ACCESS), nc("commit"))
        yield one


def promise(inside: str) -> str:
    return f'<promise xmlns="{PROMISE}">{inside}</promise>'


def nacm(inside: str) -> str:
    return f'<nacm xmlns="{NACM}">{inside}</nacm>'


def group(name: str, *users: str) -> list[str]:
    return [f"name={name}", *(f"user-name={user}" for user in users)]


@pytest.mark.rfc("6241", "6.2.1", "a filter without namespace is of any namespace")
@pytest.mark.rfc("6241", "6.2.2", "attributes must match")
@pytest.mark.rfc("6241", "6.2.3", "containment nodes show what their content shows")
@pytest.mark.rfc("6241", "6.2.4", "selection nodes show everything below")
@pytest.mark.rfc("6241", "6.2.5", "content matches: all of one entry, blanks around a value left out")
@pytest.mark.rfc("6241", "6.4.2", "an empty filter selects nothing")
@pytest.mark.parametrize(
    ("content", "leaves"),
    [
        ("", []),
        (" \n ", []),
        ("some text", []),
        (nacm("<groups/>"), [*group("a", "eve", "adam"), *group("b", "eve")]),
        (nacm("<groups><group/></groups>"), [*group("a", "eve", "adam"), *group("b", "eve")]),
        (nacm("<groups><group><name/></group></groups>"), ["name=a", "name=b"]),
        (nacm("<groups><group><name>b</name></group></groups>"), group("b", "eve")),
        (nacm("<groups><group><name>\n b </name></group></groups>"), group("b", "eve")),
        (nacm("<groups><group><name>c</name></group></groups>"), []),
        (nacm("<groups><group><user-name>adam</user-name></group></groups>"), group("a", "eve", "adam")),
        (nacm("<groups><group><user-name>adam</user-name><name/></group></groups>"), group("a", "adam")),
        (nacm("<groups><group><name>b</name><user-name>eve</user-name></group></groups>"), group("b", "eve")),
        (nacm("<groups><group><name>b</name><user-name>adam</user-name></group></groups>"), []),
        (nacm("<groups><group><name>a</name></group><group><name>b</name></group></groups>"),
         [*group("a", "eve", "adam"), *group("b", "eve")]),
        (nacm("<groups><group><name>a</name></group><group><name/></group></groups>"),
         [*group("a", "eve", "adam"), "name=b"]),
        (nacm("<groups><group><nothing/></group></groups>"), []),
        (nacm('<groups><group colour="red"/></groups>'), []),
        (f'<nacm xmlns="{NACM}" xmlns:x="urn:x"><x:groups/></nacm>', []),
        ('<nacm xmlns=""><groups><group><name/></group></groups></nacm>', ["name=a", "name=b"]),
        (f'<n:nacm xmlns:n="{NACM}"><n:groups><n:group><n:name>b</n:name></n:group></n:groups></n:nacm>',
         group("b", "eve")),
        (nacm("<rule-list><rule><action/></rule></rule-list>"), ["action=permit"]),
        (nacm("<rule-list><name/></rule-list>") + promise("<providers><region/></providers>"),
         ["name=l", "region=north"]),
        (promise("<providers><region>north</region><id/><name/></providers>"),
         ["id=00000000-0000-4000-8000-000000000002", "name=cloud 2", "region=north"]),
    ],
)  # fmt: skip
async def test_subtree_filters(client: NetconfClient, content: str, leaves: list[str]) -> None:
    for source in ("get", "get-config"):
        where = "<source><running/></source>" if source == "get-config" else ""
        reply = await client.rpc(nc(source, f'{where}<filter type="subtree">{content}</filter>'))
        found = [leaf for leaf in reply.find(f"{NC}data").iter() if len(leaf) == 0 and leaf.text]
        assert sorted(f"{etree.QName(leaf).localname}={leaf.text}" for leaf in found) == sorted(leaves)


def defaults(mode: str) -> str:
    return f'<with-defaults xmlns="{DEFAULTS}">{mode}</with-defaults>'


def operational(inside: str) -> str:
    return f'<get-data xmlns="{NMDA}" xmlns:d="{DATASTORES}"><datastore>d:operational</datastore>{inside}</get-data>'


RUNNING = "<source><running/></source>"
TAGGED = "<with-defaults>report-all-tagged</with-defaults>"
READINGS = {
    "get": [nc("get"), nc("get", defaults("report-all")), nc("get", defaults("trim")),
            operational(""), operational(f"<with-origin/>{TAGGED}"), operational("<max-depth>3</max-depth>")],
    "config": [nc("get-config", RUNNING), nc("get-config", RUNNING + defaults("report-all"))],
}  # fmt: skip


@pytest.mark.rfc("6241", "7.7", "get without a filter shows everything, valid by the modules that the server lists")
@pytest.mark.rfc("8526", "3.1.1", "what get-data shows is valid, however deep it is cut")
@pytest.mark.skipif(YANGLINT is None, reason="yanglint judges")
@pytest.mark.parametrize("kind", READINGS)
async def test_what_is_shown_is_valid(client: NetconfClient, kind: str, tmp_path: Path) -> None:
    modules = [*sorted(YANG.glob("*.yang")), *sorted((YANG / "ietf").glob("*.yang"))]
    files = []
    for number, reading in enumerate(READINGS[kind]):
        (data,) = await client.rpc(reading)
        for leaf in data.iter():
            leaf.attrib.pop(TAG, None)  # RFC 6243 has no module for it
        files.append(tmp_path / f"{number}.xml")
        files[-1].write_bytes(b"".join(etree.tostring(node) for node in data))
        assert data.find(f"{{{NACM}}}nacm/{{{NACM}}}groups") is not None
    judges = [
        await asyncio.create_subprocess_exec(
            str(YANGLINT), "-p", str(YANG), "-p", str(YANG / "ietf"), "-t", kind, *map(str, modules), str(file),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )
        for file in files
    ]  # fmt: skip
    assert [(await judge.communicate())[1].decode() for judge in judges] == [""] * len(files)
    assert [judge.returncode for judge in judges] == [0] * len(files)


@pytest.mark.rfc("7950", "9.10", "an identity is the same whatever its prefix, in filters too")
async def test_identities_are_found_whatever_their_prefix(client: NetconfClient) -> None:
    stores = (
        f'<yang-library xmlns="urn:ietf:params:xml:ns:yang:ietf-yang-library"><datastore>'
        f'<name xmlns:x="{DATASTORES}">x:running</name><schema/></datastore></yang-library>'
    )
    paths = nacm(f'<rule-list><rule><path xmlns:x="{PROMISE}">/x:promise</path></rule></rule-list>')
    for content, leaves in (
        (stores, ["ietf-datastores:running", "promise"]),
        (paths, ["r", "/opnfv-promise:promise", "permit"]),
    ):
        reply = await client.rpc(nc("get", f"<filter>{content}</filter>"))
        assert [leaf.text for leaf in reply.find(f"{NC}data").iter() if len(leaf) == 0 and leaf.text] == leaves


async def test_the_names_of_the_protocol_are_not_data(client: NetconfClient) -> None:
    for content in (f'<config xmlns="{BASE}"/>', f'<get xmlns="{BASE}"/>', '<x xmlns="urn:nobody"/>'):
        reply = await client.rpc(nc("get", f"<filter>{content}</filter>"))
        assert len(reply.find(f"{NC}data")) == 0
