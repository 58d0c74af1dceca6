"""Random access rules, judged by an oracle of a few lines: each way to read shows the same, and just what it may.

The oracle looks at one node after the other and knows nothing of paths that are followed, of what is decided once for
many entries, or of how an answer is built (RFC 8341 section 3.4.5, steps 1 to 14, for read).
"""

from __future__ import annotations

import json
import re
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from lxml import etree
from netconf_client import BASE, connect
from restconf_house import JSON, PROMISE, XML, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from netconf_client import NetconfClient
    from restconf_house import House

P = "urn:opnfv:promise"
NACM = "/restconf/data/ietf-netconf-acm:nacm"
ROUNDS = 12
FUTURE = {"start": "2027-02-01T00:00:00Z", "end": "2027-02-02T00:00:00Z", "capacity": {"cores": 1}}
WHEN = "2027-01-15T07:00:00Z", "2027-01-15T08:00:30Z"
TOPS = ("promise", "nacm")
SECRET = {("promise", "users"), ("promise", "grants"), ("nacm",)}
"""What the modules mark with nacm:default-deny-all, of what there is data of here."""

EXPLICIT = '<with-defaults xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults">explicit</with-defaults>'
COUNTERS = ("/nacm/denied-operations", "/nacm/denied-data-writes", "/nacm/denied-notifications")

pytestmark = pytest.mark.asyncio(loop_scope="module")

Step = tuple[str, str, Any]
"""Module and name of a node, and its value: for an entry its object, for a leaf its text."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Open a controller with some of everything, of which alice owns or is granted all that somebody owns."""
    async with house(tmp_path_factory.mktemp("matrix") / "state", cloud=True) as found:
        for name, user in (("one", "alice"), ("two", "alice"), ("three", "carol")):
            await found.invoke("create-reservation", user, **FUTURE, name=name)
        users = [{"name": "dora", "group": ["ops"], "project": "red"}, {"name": "emil", "group": ["ops", "night"]}]
        grants = [{"name": "all", "group": ["external"], "access": "write"}]
        inside = {"users": users, "grants": grants, "policy": {"reservation": {"expiry": 90, "preempt": True}}}
        made = await found.ask("PATCH", PROMISE, {"opnfv-promise:promise": inside})
        assert made.status == 204, made.body
        await found.clock.advance(31)  # what was told lies in the past then, and no look at the cloud is due yet
        yield found


# --- the oracle


def instances(value: Any, steps: tuple[Step, ...], member: str) -> Iterator[tuple[Step, ...]]:
    """Yield the way to each leaf below a member of an object."""
    module, colon, name = member.rpartition(":")
    module = module if colon else steps[-1][0]
    if isinstance(value, dict):
        for inside, below in value.items():
            yield from instances(below, (*steps, (module, name, value)), inside)
    elif isinstance(value, list) and value != [None]:
        for entry in value:
            yield from instances(entry, steps, f"{module}:{name}")
    else:
        text = "" if value == [None] else str(value).lower() if isinstance(value, bool) else str(value)
        yield (*steps, (module, name, text))


def written(steps: tuple[Step, ...]) -> tuple[str, str]:
    return leaf("/" + "/".join(name for _, name, _ in steps), str(steps[-1][2]))


def leaf(path: str, text: str) -> tuple[str, str]:
    """Return a leaf with its text in a form that does not depend on the encoding: prefixes do."""
    return path, plain(text) if path.endswith("/path") else text.rpartition(":")[2]


def meant(rule: dict[str, Any], steps: tuple[Step, ...], access: str = "read") -> bool:
    """Tell whether a rule is about this access to a node: the one that its path names, or one below that."""
    if "rpc-name" in rule or "notification-name" in rule:
        return False
    if rule.get("module-name", "*") not in {"*", steps[-1][0]}:
        return False
    if rule.get("access-operations", "*") != "*" and access not in rule["access-operations"].split():
        return False
    wanted = rule.get("steps", [])
    return len(wanted) <= len(steps) and all(
        (module, name) == (one[0], one[1]) and all(str(one[2][key]) == said for key, said in keys.items())
        for (module, name, keys), one in zip(wanted, steps, strict=False)
    )


def permitted(nacm: dict[str, Any], groups: set[str], steps: tuple[Step, ...], access: str = "read") -> bool:
    for found in nacm["rule-list"] if groups else ():
        if groups & set(found["group"]) or "*" in found["group"]:
            for rule in found["rule"]:
                if meant(rule, steps, access):
                    return bool(rule["action"] == "permit")
    names = tuple(name for _, name, _ in steps)
    if any(names[: len(secret)] == secret for secret in SECRET):
        return False
    return bool(nacm["read-default" if access == "read" else "write-default"] == "permit")


def expected(everything: dict[str, Any], nacm: dict[str, Any], groups: set[str]) -> list[tuple[str, str]]:
    """Return the leaves that may be read: those of which all above may be, too."""
    ways = [way for member, value in everything.items() for way in instances(value, (), member)]
    ways = [way for way in ways if written(way)[0] not in COUNTERS]
    if nacm["enable-nacm"]:
        ways = [way for way in ways if all(permitted(nacm, groups, way[:n]) for n in range(1, len(way) + 1))]
    return sorted(map(written, ways))


# --- random rules


def some_rule(rng: Random, number: int, ways: list[tuple[Step, ...]]) -> dict[str, Any]:
    rule: dict[str, Any] = {"name": f"r{number}", "action": rng.choice(["permit", "deny"])}
    if rng.random() < 0.3:
        rule["module-name"] = rng.choice(["*", "opnfv-promise", "ietf-netconf-acm", "ietf-netconf-monitoring"])
    if rng.random() < 0.4:
        rule["access-operations"] = rng.choice(["read", "create update", "read exec", "*", "exec"])
    kind = rng.random()
    if kind < 0.08:
        rule["rpc-name"] = rng.choice(["*", "get-schema"])
    elif kind < 0.16:
        rule["notification-name"] = rng.choice(["*", "capacity-event"])
    elif kind < 0.92:
        way = rng.choice(ways)
        steps = []
        for module, name, value in way[: rng.randint(1, len(way))]:
            keys = {key: value[key] for key in ("id", "name") if isinstance(value, dict) and key in value}
            listed = name in {"reservations", "pools", "providers"} and "id" in keys
            named = name in {"users", "grants", "group", "rule-list", "rule"} and "name" in keys
            key = {"id": keys["id"]} if listed else {"name": keys["name"]} if named else {}
            steps.append((module, name, key if rng.random() < 0.6 else {}))
        rule["steps"] = steps
        rule["path"] = "".join(
            f"/{module}:{name}" + "".join(f"[{module}:{key}='{said}']" for key, said in keys.items())
            for module, name, keys in steps
        )
    if rule.get("access-operations") == "exec" or ("rpc-name" in rule and rule["action"] == "deny"):
        rule["rpc-name"] = "kill-session"  # whether somebody may run <get> at all is another matter
        rule.pop("path", None)
        rule.pop("notification-name", None)
        rule.pop("steps", None)
    if "path" not in rule and "rpc-name" not in rule and "notification-name" not in rule:
        rule["access-operations"] = rng.choice(["read", "read update"])
    return rule


def some_rules(rng: Random, ways: list[tuple[Step, ...]]) -> tuple[dict[str, Any], set[str]]:
    """Return rules, and all groups of alice."""
    lists = []
    for number in range(rng.randint(1, 3)):
        group = rng.choice([["guests"], ["*"], ["ops"], ["ops", "guests"], ["nobody"]])
        rules = [some_rule(rng, each, ways) for each in range(rng.randint(1, 5))]
        lists.append({"name": f"l{number}", "group": group, "rule": rules})
    member = rng.random() < 0.85
    nacm: dict[str, Any] = {
        "enable-nacm": rng.random() < 0.95,
        "read-default": rng.choice(["permit", "permit", "deny"]),
        "groups": {"group": [{"name": "external", "user-name": ["alice"]}]},
        "rule-list": lists,
    }
    if member:
        nacm["groups"]["group"].append({"name": "guests", "user-name": ["alice", "dora"]})
    return nacm, {"external", "guests"} if member else {"external"}


def about(action: str, *names: str) -> dict[str, Any]:
    steps: list[Step] = [("opnfv-promise", name, {}) for name in ("promise", *names)]
    path = "".join(f"/{module}:{name}" for module, name, _ in steps)
    return {"name": " ".join(names), "action": action, "access-operations": "read", "path": path, "steps": steps}


HIDDEN_KEYS: tuple[dict[str, Any], set[str]] = (
    {
        "enable-nacm": True,
        "read-default": "permit",
        "groups": {"group": [{"name": name, "user-name": ["alice"]} for name in ("external", "guests")]},
        "rule-list": [
            {
                "name": "keys",
                "group": ["guests"],
                "rule": [about("deny", "reservations", "id"), about("deny", "users", "name"), about("permit", "users")],
            }
        ],
    },
    {"external", "guests"},
)
"""Whoever may see an entry, and not its key, cannot find it by the key."""


def as_configured(nacm: dict[str, Any]) -> dict[str, Any]:
    lists = [
        {**found, "rule": [{key: said for key, said in rule.items() if key != "steps"} for rule in found["rule"]]}
        for found in nacm["rule-list"]
    ]
    return {"ietf-netconf-acm:nacm": {**nacm, "rule-list": lists}}


# --- what is shown


def in_xml(element: Any, path: str = "") -> Iterator[tuple[str, str]]:
    name = f"{path}/{etree.QName(element).localname}"
    if len(element) == 0:
        yield leaf(name, element.text or "")
    for child in element:
        yield from in_xml(child, name)


def of_xml(elements: Any) -> list[tuple[str, str]]:
    return leaves(each for element in elements for each in in_xml(element))


def of_json(body: dict[str, Any]) -> list[tuple[str, str]]:
    return leaves(written(way) for member, value in body.items() for way in instances(value, (), member))


def leaves(found: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(each for each in found if each[0].split("/")[1] in TOPS and each[0] not in COUNTERS)


def nc(name: str, inside: str = "") -> str:
    return f'<{name} xmlns="{BASE}">{inside}</{name}>'


def get_data(datastore: str) -> str:
    return (
        '<get-data xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda" '
        f'xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"><datastore>ds:{datastore}</datastore>'
        "<with-defaults>explicit</with-defaults></get-data>"
    )


async def over_netconf(client: NetconfClient, operation: str) -> list[tuple[str, str]]:
    (data,) = await client.rpc(operation)
    assert etree.QName(data).localname == "data", etree.tostring(data)
    return of_xml(data)


async def over_restconf(found: House, path: str, media: str) -> list[tuple[str, str]]:
    answer = await found.ask("GET", path, user="alice", Accept=media)
    assert answer.status == 200, answer.content
    return of_json(answer.body["ietf-restconf:data"]) if media == JSON else of_xml(answer.xml)


KEYED = (("reservations", "id"), ("reservations", "name"), ("users", "name"), ("users", "project"), ("providers", "id"))


async def compare_filtered(found: House, client: NetconfClient, everything: dict[str, Any], case: Any) -> None:
    """Ask for entries by a value, whether it may be seen or not: a filter finds what may be seen, and nothing else."""
    inside = (await found.ask("GET", "/restconf/data", user="alice", Accept=JSON)).body["ietf-restconf:data"]
    shown = inside.get("opnfv-promise:promise", {})
    for name, key in KEYED:
        for value in {entry[key] for entry in everything["opnfv-promise:promise"][name] if key in entry}:
            entries = [entry for entry in shown.get(name, ()) if entry.get(key) == value]
            wanted = of_json({"opnfv-promise:promise": {name: entries}} if entries else {})
            subtree = f'<filter><promise xmlns="{P}"><{name}><{key}>{value}</{key}></{name}></promise></filter>'
            path = f"/p:promise/p:{name}[p:{key}='{value}']"
            xpath = f'<filter type="xpath" xmlns:p="{P}" select="{path}"/>'
            for asked in (subtree, xpath):
                assert await over_netconf(client, nc("get", asked + EXPLICIT)) == wanted, (case, asked)
                if name == "users":
                    for source in ("running", "candidate"):
                        config = nc("get-config", f"<source><{source}/></source>{asked}")
                        assert await over_netconf(client, config) == wanted, (case, source, asked)


async def pushed(found: House) -> list[tuple[str, str]]:
    """Return what a periodic push tells first."""
    space, push = (
        "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications",
        "urn:ietf:params:xml:ns:yang:ietf-yang-push",
    )
    tops = f'<promise xmlns="{P}"/><nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm"/>'
    async with await connect(*found.app.address, "alice", "alice") as client:
        reply = await client.rpc(
            f'<establish-subscription xmlns="{space}" xmlns:yp="{push}">'
            '<yp:datastore xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores">ds:operational</yp:datastore>'
            f"<yp:datastore-subtree-filter>{tops}</yp:datastore-subtree-filter>"
            "<yp:periodic><yp:period>360000</yp:period></yp:periodic></establish-subscription>"
        )
        assert reply.find("{*}id") is not None, etree.tostring(reply)
        told = etree.fromstring(await client.notification())
        key = reply.findtext("{*}id")
        await client.rpc(f'<delete-subscription xmlns="{space}"><id>{key}</id></delete-subscription>')
        return of_xml(told.find(".//{*}datastore-contents"))


Told = tuple[str, tuple[str, ...]]
"""The name of a notification, and the targets of the changes that it tells."""


async def told(found: House, encoding: str, user: str = "alice") -> list[Told]:
    """Return what a stream tells of the past, in order."""
    path = f"/restconf/streams/NETCONF/{encoding}?start-time={WHEN[0]}&stop-time={WHEN[1]}"
    answer = await found.ask("GET", path, user=user)
    lines = [line[6:] for line in answer.content.decode().split("\n") if line.startswith("data: ")]
    return [of_event(line) if encoding == "xml" else of_object(line) for line in lines]


def of_event(text: str) -> Told:
    event = etree.fromstring(text)[1]
    return etree.QName(event).localname, tuple(plain(str(one.text)) for one in event.iter("{*}target"))


def of_object(text: str) -> Told:
    body = json.loads(text)["ietf-restconf:notification"]
    name = next(key for key in body if key != "eventTime")
    return name.rpartition(":")[2], tuple(plain(edit["target"]) for edit in body[name].get("edit", ()))


def plain(target: str) -> str:
    """Return a path without the prefixes, whose form depends on the encoding."""
    return re.sub(r"([/\[])[\w-]+:", r"\1", target)


def place(target: str) -> tuple[Step, ...]:
    """Return the way to the node that a path without prefixes names."""
    steps = []
    for name, keys in re.findall(r"/([\w-]+)((?:\[[^]]*\])*)", target):
        module = "ietf-netconf-acm" if target.startswith("/nacm") else "opnfv-promise"
        steps.append((module, name, dict(re.findall(r"\[([\w-]+)='([^']*)'\]", keys))))
    return tuple(steps)


def may_be_told(nacm: dict[str, Any], name: str) -> bool:
    module = "ietf-netconf-notifications" if name == "netconf-config-change" else "opnfv-promise"
    for rule in nacm["rule-list"][0]["rule"]:
        about = rule["module-name"] in {"*", module} and rule.get("notification-name", "*") in {"*", name}
        if about and not {"path", "rpc-name"} & rule.keys() and rule["access-operations"] in {"*", "read"}:
            return bool(rule["action"] == "permit")
    return bool(nacm["read-default"] == "permit")


def as_told(nacm: dict[str, Any], one: Told) -> Iterator[Told]:
    """Yield what alice is told of a notification: it, a part of its changes, or nothing."""
    name, targets = one
    if not may_be_told(nacm, name):
        return
    ways = {target: place(target) for target in targets}
    seen = [
        target
        for target, way in ways.items()
        if all(permitted(nacm, {"guests"}, way[:n]) for n in range(1, len(way) + 1))
    ]
    if seen or not targets:
        yield name, tuple(seen)


def some_listening(rng: Random) -> dict[str, Any]:
    """Return rules that matter to whoever listens."""
    rules = []
    for number in range(rng.randint(1, 4)):
        rule: dict[str, Any] = {"name": f"r{number}", "action": rng.choice(["permit", "deny"])}
        rule["module-name"] = rng.choice(["*", "opnfv-promise", "ietf-netconf-notifications"])
        kind = rng.choice(["notification-name", "rpc-name", "path", ""])
        if kind == "notification-name":
            rule[kind] = rng.choice(["*", "reservation-event", "capacity-event", "netconf-config-change"])
        elif kind == "path":
            last = rng.choice(["policy", "users", "providers"])
            rule["steps"] = [("opnfv-promise", "promise", {}), ("opnfv-promise", last, {})]
            rule[kind] = f"/opnfv-promise:promise/{last}"
        elif kind:
            rule[kind] = "cancel-commit"
        rule["access-operations"] = rng.choice(["read", "*", "create", "exec"] if kind else ["read", "create"])
        rules.append(rule)
    groups = {"group": [{"name": "guests", "user-name": ["alice"]}, {"name": "external", "user-name": ["alice"]}]}
    lists = [{"name": "l", "group": ["guests"], "rule": rules}]
    return {"read-default": rng.choice(["permit", "deny"]), "groups": groups, "rule-list": lists}


@pytest.mark.rfc("8341", "3.4.5", "random rules: each way to read shows what an independent oracle says")
@pytest.mark.rfc("8341", "3.3.5", "the first rule that fits decides: module, path with keys, operations, groups and *")
@pytest.mark.rfc("8341", "3.3.4.1", "enable-nacm false: nothing is hidden")
@pytest.mark.rfc("8341", "3.3.4.2", "read-default permit and deny")
@pytest.mark.rfc("8341", "3.2.4", "get, get-config and get-data leave out what may not be read, in silence")
@pytest.mark.rfc("8341", "3.2.3", "GET shows what get shows")
async def test_each_way_to_read_shows_what_the_oracle_says(town: House) -> None:
    alive = 0
    async with await connect(*town.app.address, "alice", "alice") as client:
        for seed in range(ROUNDS):
            rng = Random(seed)
            whole = (await town.ask("GET", "/restconf/data", Accept=JSON)).body["ietf-restconf:data"]
            tops = {"opnfv-promise:promise", "ietf-netconf-acm:nacm"}
            ways = [way for top in tops & set(whole) for way in instances(whole[top], (), top)]
            nacm, groups = some_rules(rng, sorted(ways, key=str)) if seed else HIDDEN_KEYS
            put = await town.ask("PUT", NACM, as_configured(nacm))
            assert put.status in {201, 204}, (seed, put.body)
            everything = (await town.ask("GET", "/restconf/data", Accept=JSON)).body["ietf-restconf:data"]
            config = (await town.ask("GET", "/restconf/data?content=config", Accept=JSON)).body["ietf-restconf:data"]
            seen = expected({top: everything[top] for top in tops}, nacm, groups)
            configured = expected({top: config[top] for top in tops if top in config}, nacm, groups)
            alive += bool(seen)
            case = seed, nacm
            assert await over_netconf(client, nc("get", EXPLICIT)) == seen, case
            assert await over_netconf(client, get_data("operational")) == seen, case
            running = nc("get-config", f"<source><running/></source>{EXPLICIT}")
            for operation in (running, running.replace("running", "candidate"), get_data("running")):
                assert await over_netconf(client, operation) == configured, case
            for media in (JSON, XML):
                assert await over_restconf(town, "/restconf/data", media) == seen, case
                assert await over_restconf(town, "/restconf/data?content=config", media) == configured, case
                assert await over_restconf(town, "/restconf/ds/ietf-datastores:candidate", media) == configured, case
            if seed % 3 == 0:
                await compare_filtered(town, client, everything, case)
            if seed % 4 == 0:
                assert await pushed(town) == seen, case
    assert alive > ROUNDS // 2
    assert (await town.ask("DELETE", NACM)).status == 204


@pytest.mark.rfc("8341", "3.4.6", "random rules: each stream tells what an independent oracle says")
async def test_each_stream_tells_what_the_oracle_says(town: House) -> None:
    whole = await told(town, "json", "admin")
    assert {"reservation-event", "capacity-event", "netconf-config-change"} <= {name for name, _ in whole}
    views = set()
    for seed in range(2 * ROUNDS):
        nacm = some_listening(Random(seed))
        put = await town.ask("PUT", NACM, as_configured(nacm))
        assert put.status in {201, 204}, put.body
        wanted = [seen for one in whole for seen in as_told(nacm, one)]
        views.add(tuple(wanted))
        for encoding in ("json", "xml"):
            assert await told(town, encoding) == wanted, (seed, nacm)
    assert len(views) > 3
    assert (await town.ask("DELETE", NACM)).status == 204


POLICY: tuple[Step, ...] = (
    ("opnfv-promise", "promise", {}),
    ("opnfv-promise", "policy", {}),
    ("opnfv-promise", "reservation", {}),
)
LEAVES = {"expiry": (30, 90), "preempt": (False, True), "alternatives": (1, 2), "before-end": (5, 6)}


def some_policy(rng: Random) -> dict[str, Any]:
    return {name: rng.choice(values) for name, values in LEAVES.items() if rng.random() < 0.6} or {"expiry": 30}


def some_writing(rng: Random) -> dict[str, Any]:
    """Return rules that matter to whoever changes the policy."""
    rules = []
    for number in range(rng.randint(1, 4)):
        way = (*POLICY, ("opnfv-promise", rng.choice([*LEAVES]), {}))[: rng.randint(1, 4)]
        kinds = rng.sample(["create", "update", "delete", "read"], rng.randint(1, 4))
        rule = {"name": f"r{number}", "action": rng.choice(["permit", "permit", "deny"]), "steps": list(way)}
        rule["path"] = "".join(f"/{module}:{name}" for module, name, _ in way)
        rules.append({**rule, "access-operations": rng.choice([" ".join(kinds), "*"])})
    groups = {"group": [{"name": "guests", "user-name": ["alice"]}, {"name": "external", "user-name": ["alice"]}]}
    lists = [{"name": "l", "group": ["guests"], "rule": rules}]
    default = rng.choice(["permit", "deny", "deny"])
    return {"write-default": default, "read-default": "permit", "groups": groups, "rule-list": lists}


def may_change(nacm: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Tell whether each leaf that comes, goes or changes may do so; containers without presence are nothing."""
    for name in LEAVES:
        if before.get(name) != after.get(name):
            access = "create" if name not in before else "delete" if name not in after else "update"
            if not permitted(nacm, {"guests"}, (*POLICY, ("opnfv-promise", name, "")), access):
                return False
    return True


@pytest.mark.rfc("8341", "3.2.5", "random rules: an edit is denied just where an independent oracle says")
@pytest.mark.rfc("8341", "3.2.8", "random rules: a commit is denied where the same edit is")
@pytest.mark.rfc("8341", "3.3.4.3", "write-default permit and deny")
async def test_each_way_to_change_is_denied_where_the_oracle_says(town: House) -> None:
    rpc = f"{PROMISE}/policy/reservation"
    outcomes = []
    async with (
        await connect(*town.app.address, "alice", "alice") as client,
        await connect(*town.app.address, "admin", "admin") as admin,
    ):
        for seed in range(2 * ROUNDS):
            rng = Random(seed)
            before, after = some_policy(rng), some_policy(rng)
            nacm = some_writing(rng)
            for path, body in ((NACM, as_configured(nacm)), (rpc, {"opnfv-promise:reservation": before})):
                assert (await town.ask("PUT", path, body)).status in {201, 204}
            if before == after:
                continue
            wanted = may_change(nacm, before, after)
            leaves = "".join(f"<{name}>{str(value).lower()}</{name}>" for name, value in after.items())
            new = f'<reservation xmlns:nc="{BASE}" nc:operation="replace">{leaves}</reservation>'
            config = f'<config><promise xmlns="{P}"><policy>{new}</policy></promise></config>'
            edit = nc("edit-config", f"<target><candidate/></target>{config}")
            found = [etree.QName((await client.rpc(edit))[0]).localname == "ok"]
            await admin.rpc(nc("discard-changes"))
            await admin.rpc(edit)
            found.append(etree.QName((await client.rpc(nc("commit")))[0]).localname == "ok")
            await admin.rpc(nc("discard-changes"))
            assert (await town.ask("PUT", rpc, {"opnfv-promise:reservation": before})).status == 204
            put = await town.ask("PUT", rpc, {"opnfv-promise:reservation": after}, user="alice")
            found.append({201: True, 204: True, 403: False}[put.status])
            assert found == [wanted] * 3, (seed, nacm, before, after)
            outcomes.append(wanted)
    assert ROUNDS // 3 < sum(outcomes) < len(outcomes) - ROUNDS // 3
    assert (await town.ask("DELETE", NACM)).status == 204
