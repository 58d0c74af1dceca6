"""What a reader can ask for: XPath, defaults, and the datastores of RFC 8342."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from configured import NACM, PROMISE, P, asked, controller, do, edit, expiry, names, nc, provider, shown, target
from lxml import etree
from netconf_client import NC

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from configured import House
    from netconf_client import NetconfClient

WD = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
TAG = "{urn:ietf:params:xml:ns:netconf:default:1.0}default"
NMDA = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
ORIGIN = "{urn:ietf:params:xml:ns:yang:ietf-origin}origin"
DS = 'xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"'
N = f"{{{NACM}}}"
RULES = (
    f'<nacm xmlns="{NACM}"><read-default>permit</read-default><exec-default>deny</exec-default>'
    "<rule-list><name>a</name><group>tenants</group><rule><name>r</name>"
    f'<path xmlns:pr="{PROMISE}">/pr:promise/pr:policy</path><access-operations>read update</access-operations>'
    "<action>permit</action></rule></rule-list></nacm>"
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with controller(tmp_path) as running:
        async with await running.session() as one:
            both = provider(1) + provider(2).replace(f'<promise xmlns="{PROMISE}">', "").replace("</promise>", "")
            both = both.replace("</promise>", "") + "</promise>"
            await do(one, edit(both), edit(expiry(7)), edit(RULES), nc("commit"))
        yield running


async def read(client: NetconfClient, operation: str) -> Any:
    reply = await client.rpc(operation)
    assert reply.find(f"{NC}rpc-error") is None, etree.tostring(reply)
    return reply[0]


def xpath(expression: str, name: str = "get-config") -> str:
    source = "<source><running/></source>" if name == "get-config" else ""
    return nc(name, f'{source}<filter type="xpath" xmlns:p="{PROMISE}" xmlns:n="{NACM}" select="{expression}"/>')


def flat(data: Any) -> list[str]:
    """Return the paths of the leaves, with their values."""
    return [f"{path_to(leaf)}={leaf.text}" for leaf in data.iter() if len(leaf) == 0]


def path_to(leaf: Any) -> str:
    steps = [etree.QName(each).localname for each in (leaf, *leaf.iterancestors())]
    return "/".join(reversed(steps)).partition("data/")[2]


ID = "00000000-0000-4000-8000-00000000000"


@pytest.mark.rfc("6241", "8.9", "an XPath filter selects nodes, ancestors and keys")
async def test_xpath_selects_nodes_with_their_ancestors_and_keys(house: House) -> None:
    async with await house.session() as one:
        for name in ("get", "get-config"):
            assert flat(await read(one, xpath("/p:promise/p:policy//p:expiry", name))) == [
                "promise/policy/reservation/expiry=7"
            ]
            named = await read(one, xpath("/p:promise/p:providers[p:name='cloud 2']/p:endpoint", name))
            assert flat(named) == [f"promise/providers/id={ID}2", "promise/providers/endpoint=http://cloud2.example/v3"]
        both = await read(one, xpath("//p:name[.='cloud 1'] | /n:nacm/n:exec-default"))
        assert sorted(flat(both)) == [
            "nacm/exec-default=deny", f"promise/providers/id={ID}1", "promise/providers/name=cloud 1",
        ]  # fmt: skip
        text = await read(one, xpath("/p:promise/p:policy/p:reservation/p:expiry/text()"))
        assert flat(text) == ["promise/policy/reservation/expiry=7"]
        assert len(await read(one, xpath("/p:promise/p:nothing"))) == 0
        assert flat(await read(one, xpath("/promise/policy//expiry"))) == ["promise/policy/reservation/expiry=7"]
        held = "/p:promise/p:policy[/n:nacm/n:exec-default = 'deny']//p:expiry"
        for name in ("get", "get-config"):  # what stands beside it can be asked for
            assert flat(await read(one, xpath(held, name))) == ["promise/policy/reservation/expiry=7"]
            assert len(await read(one, xpath("/", name))) == len(await read(one, xpath("/*", name))) > 1
        everything = await read(one, xpath("/p:promise | /n:nacm"))
        plain = await read(one, nc("get-config", "<source><running/></source>"))
        assert flat(everything) == flat(plain)


@pytest.mark.rfc("6241", "8.9.5.1", "an expression that gives no node set is refused")
async def test_xpath_that_cannot_be_is_refused(house: House) -> None:
    cases = {
        "/p:promise[": "invalid-value",
        "count(//*)": "invalid-value",
        "/q:promise": "invalid-value",
        "": "invalid-value",
        "$user": "invalid-value",
        "re:test(.,'(a+)+')": "invalid-value",
        "//*" + "[//*" * 9 + "]" * 9: "too-big",
        "//*" * 2000: "too-big",
    }
    async with await house.session() as one:
        for expression, tag in cases.items():
            for name in ("get", "get-config"):
                said = await asked_data(one, xpath(expression, name))
                assert said.startswith(f"{tag}: "), (expression, said)
        assert (await asked_data(one, nc("get", '<filter type="xpath"/>'))).startswith("missing-attribute")
        assert (await asked_data(one, nc("get", '<filter select="/"/>'))).startswith("unknown-attribute")


async def asked_data(client: NetconfClient, operation: str) -> str:
    reply = await client.rpc(operation)
    error = reply.find(f"{NC}rpc-error")
    return "data" if error is None else f"{error.findtext(f'{NC}error-tag')}: {error.findtext(f'{NC}error-message')}"


def defaults(mode: str, name: str = "get-config", inside: str = "") -> str:
    source = "<source><running/></source>" if name == "get-config" else ""
    return nc(name, f'{source}{inside}<with-defaults xmlns="{WD}">{mode}</with-defaults>')


@pytest.mark.rfc("6243", "3.1", "report-all")
@pytest.mark.rfc("6243", "3.2", "trim")
@pytest.mark.rfc("6243", "3.3", "explicit")
@pytest.mark.rfc("6243", "3.4", "report-all-tagged")
async def test_defaults_are_reported_as_asked(house: House) -> None:
    at = f"{N}nacm"
    async with await house.session() as one:
        for name in ("get", "get-config"):
            explicit = await read(one, defaults("explicit", name))
            assert [leaf.tag for leaf in explicit.find(at) if len(leaf) == 0 and "denied" not in leaf.tag] == [
                f"{N}read-default",
                f"{N}exec-default",
            ]
            everything = (await read(one, defaults("report-all", name))).find(at)
            assert [
                f"{leaf.tag[len(N) :]} {leaf.text}"
                for leaf in everything
                if len(leaf) == 0 and "denied" not in leaf.tag
            ] == [
                "enable-nacm true",
                "read-default permit",
                "write-default deny",
                "exec-default deny",
                "enable-external-groups true",
            ]
            assert everything.findtext(f"{N}rule-list/{N}rule/{N}module-name") == "*"
            tagged = (await read(one, defaults("report-all-tagged", name))).find(at)
            assert [leaf.tag[len(N) :] for leaf in tagged.iter() if leaf.get(TAG) == "true"] == [
                "enable-nacm", "write-default", "enable-external-groups", "module-name",
            ]  # fmt: skip
            trimmed = (await read(one, defaults("trim", name))).find(at)
            assert [leaf.tag for leaf in trimmed if len(leaf) == 0 and "denied" not in leaf.tag] == [f"{N}exec-default"]
        only = f'<filter><nacm xmlns="{NACM}"><write-default/></nacm></filter>'
        assert flat(await read(one, defaults("report-all", inside=only))) == ["nacm/write-default=deny"]
        assert (await asked_data(one, defaults("some"))).startswith("invalid-value")


@pytest.mark.rfc("6243", "3.1", "defaults of containers that hold nothing")
async def test_defaults_are_reported_where_nothing_is_configured(tmp_path: Path) -> None:
    async with controller(tmp_path) as house, await house.session() as one:
        found = await read(one, defaults("report-all"))
        assert found.findtext(f"{N}nacm/{N}enable-nacm") == "true"
        assert len(await read(one, defaults("trim"))) == 0


@pytest.mark.rfc("7950", "9.10.3", "the prefix of an identity is declared where it stands, with defaults shown too")
async def test_identities_keep_their_prefixes(house: House) -> None:
    ncm = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
    state = f'<netconf-state xmlns="{ncm}"><schemas/></netconf-state>'
    wanted = f"<filter>{state}</filter>"
    async with await house.session() as one:
        for ask in (
            nc("get", wanted),
            defaults("report-all", "get", wanted),
            defaults("trim", "get", wanted),
            get_data("operational", f"<subtree-filter>{state}</subtree-filter>"),
            xpath("//schemas//*", "get"),
        ):
            formats = list((await read(one, ask)).iter(f"{{{ncm}}}format"))
            assert len(formats) > 5
            for each in formats:
                prefix, _, name = each.text.partition(":")
                assert (each.nsmap[prefix], name) == (ncm, "yang")


@pytest.mark.rfc("7950", "9.9.5", "what refers to an identity is written as one")
async def test_references_to_identities_declare_their_prefixes(house: House) -> None:
    system = "urn:ietf:params:xml:ns:yang:ietf-system-capabilities"
    wanted = f'<filter><system-capabilities xmlns="{system}"/></filter>'
    async with await house.session() as one:
        for each in (await read(one, nc("get", wanted))).iter(f"{{{system}}}datastore"):
            prefix = each.text.partition(":")[0]
            assert each.nsmap[prefix] == "urn:ietf:params:xml:ns:yang:ietf-datastores"
            return
    raise AssertionError("no datastore is told of")


@pytest.mark.rfc("7950", "9.13", "an instance-identifier's prefixes are those of the document")
async def test_paths_of_rules_are_kept_whatever_their_prefixes(house: House) -> None:
    async with await house.session() as one:
        path = (await read(one, nc("get-config", "<source><running/></source>"))).find(f".//{N}path")
        assert path.text == "/opnfv-promise:promise/opnfv-promise:policy"
        assert path.nsmap["opnfv-promise"] == PROMISE


def get_data(datastore: str, inside: str = "") -> str:
    return f'<get-data xmlns="{NMDA}" {DS}><datastore>ds:{datastore}</datastore>{inside}</get-data>'


@pytest.mark.rfc("8526", "3.1.1", "get-data: datastores, filters, config-filter, max-depth, origin")
@pytest.mark.rfc("8342", "5.3.4", "origin of what is in force")
async def test_get_data(house: House) -> None:
    oper = '<origin-filter xmlns:or="urn:ietf:params:xml:ns:yang:ietf-origin">or:default</origin-filter>'
    policy = f'<subtree-filter><promise xmlns="{PROMISE}"><policy/></promise></subtree-filter>'
    async with await house.session() as one:
        await do(one, edit(expiry(8)))
        for datastore, minutes in (("running", "7"), ("candidate", "8"), ("operational", "7")):
            found = await read(one, get_data(datastore, policy))
            assert found.tag == f"{{{NMDA}}}data"
            assert flat(found) == [f"promise/policy/reservation/expiry={minutes}"]
        state = await read(one, get_data("operational", "<config-filter>false</config-filter>"))
        assert state.find(f"{P}promise/{P}capacity") is not None
        assert state.find(f"{P}promise/{P}policy") is None
        assert state.find(f"{P}promise/{P}providers/{P}health") is not None
        assert state.find(f"{P}promise/{P}providers/{P}endpoint") is None
        config = await read(one, get_data("operational", "<config-filter>true</config-filter>"))
        assert config.find(f"{P}promise/{P}capacity") is None
        assert config.findtext(f"{N}nacm/{N}write-default") == "deny"
        assert len(await read(one, get_data("running", "<config-filter>false</config-filter>"))) == 0
        for depth, levels in ((1, ["promise", "policy"]), (2, ["promise", "policy", "reservation"])):
            shallow = await read(one, get_data("running", f"<max-depth>{depth}</max-depth>{policy}"))
            assert [child.tag for child in shallow.iter()][1:] == [f"{P}{level}" for level in levels]
        entries = f'<subtree-filter><promise xmlns="{PROMISE}"><providers/></promise></subtree-filter>'
        shallow = await read(one, get_data("running", "<max-depth>1</max-depth>" + entries))
        assert {child.tag for child in shallow.iterfind(f"{P}promise/{P}providers/*")} == {f"{P}id"}
        leaves = entries.replace("<providers/>", "<providers><region/><endpoint/></providers>")
        assert flat(await read(one, get_data("running", leaves)))[:2] == [
            f"promise/providers/id={ID}1", "promise/providers/endpoint=http://cloud1.example/v3",
        ]  # fmt: skip
        absent = entries.replace("<providers/>", "<providers><region/></providers>")
        assert len(await read(one, get_data("running", absent))) == 0  # keys alone are nothing that was asked for
        named = entries.replace("<providers/>", "<providers><name>cloud 2</name></providers>")
        shallow = await read(one, get_data("running", "<max-depth>1</max-depth>" + named))
        assert len(shallow.findall(f"{P}promise/{P}providers/{P}id")) == 1
        expression = f'<xpath-filter xmlns:p="{PROMISE}">/p:promise/p:policy</xpath-filter><max-depth>1</max-depth>'
        assert [child.tag for child in (await read(one, get_data("running", expression))).iter()][1:] == [
            f"{P}promise", f"{P}policy",
        ]  # fmt: skip
        marked = await read(one, get_data("operational", "<with-origin/>"))
        nacm = marked.find(f"{N}nacm")
        assert nacm.get(ORIGIN).endswith(":intended")
        assert nacm.find(f"{N}write-default").get(ORIGIN).endswith(":default")
        assert nacm.find(f"{N}exec-default").get(ORIGIN) is None
        only = await read(one, get_data("operational", oper + "<config-filter>true</config-filter>"))
        assert sorted(leaf for leaf in flat(only) if "name" not in leaf) == [
            "nacm/enable-external-groups=true", "nacm/enable-nacm=true", "nacm/write-default=deny",
        ]  # fmt: skip


@pytest.mark.rfc("8526", "3.1.1", "get-data refuses what is not there")
async def test_get_data_refuses_what_is_not_there(house: House) -> None:
    cases = {
        get_data("startup"): "invalid-value", get_data("running", "<with-origin/>"): "invalid-value",
        get_data("running", "<max-depth>0</max-depth>"): "invalid-value",
        f'<get-data xmlns="{NMDA}"/>': "missing-element",
        f'<get-data xmlns="{NMDA}"><datastore>running</datastore></get-data>': "invalid-value",
        get_data("running", "<x/>"): "unknown-element",
        get_data("running", "<xpath-filter>/x:y</xpath-filter>"): "invalid-value",
        get_data("running", "<config-filter>maybe</config-filter>"): "invalid-value",
        f'<other xmlns="{NMDA}"/>': "unknown-element",
        f'<edit-data xmlns="{NMDA}" {DS}><datastore>ds:operational</datastore><config/></edit-data>': "invalid-value",
    }  # fmt: skip
    async with await house.session() as one:
        for operation, tag in cases.items():
            said = await asked_data(one, operation)
            assert said.startswith(f"{tag}: "), (operation, said)


@pytest.mark.rfc("8526", "3.1.2", "edit-data")
@pytest.mark.rfc("8526", "3.2", "lock and unlock by the identity of a datastore")
async def test_edit_data_and_locks_by_name(house: House) -> None:
    def edit_data(datastore: str, inside: str) -> str:
        named = f"<datastore>ds:{datastore}</datastore>"
        return f'<edit-data xmlns="{NMDA}" {DS}>{named}<config>{inside}</config></edit-data>'

    async with await house.session() as one, await house.session() as other:
        await do(one, edit_data("candidate", expiry(9)), nc("commit"))
        await do(one, edit_data("running", provider(3)))
        assert (await shown(one), await names(one)) == ("9", ["cloud 1", "cloud 2", "cloud 3"])
        lock = f'<target><datastore xmlns="{NMDA}" {DS}>ds:running</datastore></target>'
        await do(one, nc("lock", lock))
        assert (await asked(other, target("lock", "running"))).startswith("lock-denied")
        await do(one, nc("unlock", lock))
        await do(one, nc("validate", lock.replace("target>", "source>")))
        for name, place in (("lock", lock), ("unlock", lock), ("validate", lock.replace("target>", "source>"))):
            said = await asked(one, nc(name, place.replace("ds:running", "ds:operational")))
            assert said.startswith("invalid-value"), said
        config = nc("get-config", lock.replace("target>", "source>"))  # RFC 8526 has get-data for it
        assert (await asked_data(one, config)).startswith("unknown-namespace")
