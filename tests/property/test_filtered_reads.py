"""What a filter leaves of an answer is what the RFC leaves of the whole answer, whoever asks.

An answer is built with the filter in mind, and goes out unread where nothing has to be taken out of it. Neither may be
seen: for every filter, what comes is what a naive reading of RFC 6241 section 6.2 chooses from the unfiltered answer.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import pytest
from lxml import etree
from netconf_client import BASE, NC, connect
from oracle.subtree import Tree, chosen, reduced, to_tree
from restconf_house import house

if TYPE_CHECKING:
    from pathlib import Path

    from netconf_client import NetconfClient
    from restconf_house import House

FILTERS = int(os.environ.get("PROMISE_FILTERS", "60"))
SEED = int(os.environ.get("PROMISE_SEED", "1"))
VARYING = {"netconf-state", "restconf-state", "streams", "subscriptions"}
"""What tells of the sessions that ask, or of the events of this moment, is another at each look."""

P = "/opnfv-promise:promise/opnfv-promise:"


def hidden(pool: str) -> dict[str, Any]:
    """Return rules that hide from carol a leaf, a branch, an entry and a module."""
    paths = (f"{P}reservations/opnfv-promise:name", f"{P}policy", f"{P}pools[opnfv-promise:id='{pool}']")
    rules = [{"name": path, "path": path, "action": "deny"} for path in paths]
    rules.append({"name": "module", "module-name": "ietf-netconf-acm", "action": "deny"})
    guests = {"group": [{"name": "guests", "user-name": ["carol"]}]}
    return {"groups": guests, "rule-list": [{"name": "less", "group": ["guests"], "rule": rules}]}


async def furnished(found: House) -> None:
    """Let there be some of everything that can be read."""
    for number in range(4):
        more = {"note": "extension"} if number % 2 else {}
        pool = await found.invoke("increase-capacity", source=found.provider, capacity={"cores": number + 1}, **more)
    for user in ("alice", "carol", "admin"):
        for number in range(3):
            capacity = {"cores": 1, "custom": [{"resource-class": "PCPU", "amount": "0"}]} if number else {"cores": 1}
            said = {"name": f"r{number}"} if number else {}
            await found.invoke("create-reservation", user, capacity=capacity, **said)
    policy = {"opnfv-promise:reservation": {"max-duration": 48, "alternatives": 5}}
    answer = await found.ask("PUT", "/restconf/data/opnfv-promise:promise/policy/reservation", policy)
    assert answer.status in (201, 204), answer.body
    rules = {"ietf-netconf-acm:nacm": hidden(pool["pool-id"])}
    answer = await found.ask("PUT", "/restconf/data/ietf-netconf-acm:nacm", rules)
    assert answer.status in (201, 204), answer.body


def some_filter(dice: random.Random, data: tuple[Tree, ...]) -> tuple[Tree, ...]:
    """Return a sibling set that asks for some of these nodes, and now and then for what is not there."""
    found: list[Tree] = []
    for node in dice.sample(data, min(len(data), dice.choice((1, 1, 2, 3)))):
        namespace, name, _, text, children = node
        namespace = dice.choice((namespace, namespace, namespace, "", "urn:wrong"))
        name = dice.choice((name,) * 12 + ("nothing",))
        if children and dice.random() < 0.85:
            found.append((namespace, name, (), "", some_filter(dice, children)))
        elif not children and text.strip() and dice.random() < 0.5:
            found.append((namespace, name, (), dice.choice((text, text, f" {text}\n", "other")), ()))
        else:
            found.append((namespace, name, dice.choice(((),) * 9 + ((("a", "1"),),)), "", ()))
    return tuple(found)


def _attributes(attributes: tuple[tuple[str, str], ...]) -> str:
    return "".join(f' {key}="{value}"' for key, value in attributes)


def written(siblings: tuple[Tree, ...]) -> str:
    """Return them as XML; each names its namespace, also that it has none."""
    return "".join(
        f'<{name} xmlns="{namespace}"{_attributes(attributes)}>{escape(text)}{written(children)}</{name}>'
        for namespace, name, attributes, text, children in siblings
    )


async def read(client: NetconfClient, operation: str, siblings: tuple[Tree, ...] | None) -> tuple[Tree, ...]:
    """Return the nodes that come for a filter, without those that vary; top-level ones may come in any order."""
    source = "<source><running/></source>" if operation == "get-config" else ""
    wanted = "" if siblings is None else f"<filter>{written(siblings)}</filter>"
    reply = await client.rpc(f'<{operation} xmlns="{BASE}">{source}{wanted}</{operation}>')
    data = reply.find(f"{NC}data")
    assert data is not None, (siblings, etree.tostring(reply))
    return tuple(sorted(to_tree(node) for node in data if etree.QName(node).localname not in VARYING))


@pytest.mark.rfc("6241", "6.1", "a filtered answer is a part of the whole one")
@pytest.mark.parametrize("operation", ["get", "get-config"])
async def test_a_filtered_answer_is_what_the_rules_leave_of_the_whole(tmp_path: Path, operation: str) -> None:
    dice = random.Random(SEED)
    async with house(tmp_path, cloud=True) as found:
        await furnished(found)
        for user in ("admin", "alice", "carol"):
            async with await connect(*found.app.address, user, user) as client:
                whole = await read(client, operation, None)
                assert whole
                partial = 0
                for _ in range(FILTERS):
                    siblings = some_filter(dice, whole)
                    left = chosen(siblings, whole)
                    expected = [reduced(node, paths) for node, paths in zip(whole, left, strict=True) if paths]
                    assert list(await read(client, operation, siblings)) == expected, (user, written(siblings))
                    partial += bool(expected) and expected != list(whole)
                assert partial > FILTERS // 10
