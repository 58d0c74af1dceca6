"""Requests that almost make sense: good ones, changed at random. Each gets an answer in the words of RFC 6241."""

from __future__ import annotations

import copy
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from configured import NACM, PROMISE, controller, edit, expiry, nc, provider, target
from lxml import etree
from netconf_client import BASE, NC, NOTIFICATIONS

if TYPE_CHECKING:
    from pathlib import Path

DEFAULTS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
NMDA = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
DATASTORES = "urn:ietf:params:xml:ns:yang:ietf-datastores"
MONITORING = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
YANG = "urn:ietf:params:xml:ns:yang:1"
RULES = (
    f'<nacm xmlns="{NACM}" xmlns:y="{YANG}"><rule-list y:insert="first"><name>a</name><group>*</group>'
    "<rule><name>r</name><rpc-name>x</rpc-name><action>permit</action></rule></rule-list></nacm>"
)
TRIM = f'<with-defaults xmlns="{DEFAULTS}">trim</with-defaults>'
GOOD = [
    nc("get", f'<filter type="subtree"><promise xmlns="{PROMISE}"><policy/></promise></filter>{TRIM}'),
    nc("get-config", f'<source><running/></source><filter type="xpath" xmlns:p="{PROMISE}" select="//p:name"/>'),
    edit(RULES), edit(provider(1), "running", "<error-option>continue-on-error</error-option>"),
    edit(expiry(5), more="<default-operation>none</default-operation><test-option>test-then-set</test-option>"),
    nc("copy-config", f"<target><candidate/></target><source><config>{RULES}</config></source>{TRIM}"),
    nc("validate", "<source><candidate/></source>"), nc("commit", "<confirmed/><persist>a</persist>"),
    nc("cancel-commit", "<persist-id>a</persist-id>"), nc("discard-changes"),
    nc("kill-session", "<session-id>9</session-id>"),
    target("lock", "candidate"), target("unlock", "candidate"), target("delete-config", "running"),
    (f'<get-data xmlns="{NMDA}" xmlns:d="{DATASTORES}"><datastore>d:operational</datastore><max-depth>2</max-depth>'
    "<config-filter>true</config-filter><with-origin/></get-data>"),
    f'<get-schema xmlns="{MONITORING}"><identifier>ietf-origin</identifier><format>yang</format></get-schema>',
    (f'<create-subscription xmlns="{NOTIFICATIONS}"><stream>x</stream><startTime>2026-01-01T00:00:00Z</startTime>'
    "</create-subscription>"),
    f'<cancel-reservation xmlns="{PROMISE}"><reservation-id>x</reservation-id></cancel-reservation>',
]  # fmt: skip
SPACES = [BASE, PROMISE, NACM, NMDA, DEFAULTS, "urn:x", ""]
WORDS = [
    "",
    "x",
    "1",
    "-1",
    "p:x",
    "//x",
    "[",
    "ä",
    " ",
    "replace",
    "delete",
    "before",
    "[id='x']",
    "running",
    "a" * 300,
]
NAMES = ["running", "config", "filter", "name", "id", "x", "promise", "policy", "source", "datastore", "rule"]
ATTRIBUTES = [f"{{{BASE}}}operation", f"{{{YANG}}}insert", f"{{{YANG}}}key", "type", "select", "x"]


def changed(request: str, dice: Random) -> bytes:
    """Return the request after one to three changes."""
    root: Any = etree.fromstring(request)
    for _ in range(dice.randint(1, 3)):
        element = dice.choice(list(root.iter()))
        tag = f"{{{dice.choice(SPACES)}}}{dice.choice([*NAMES, etree.QName(element).localname])}"
        match dice.choice(["remove", "repeat", "say", "name", "mark", "add", "mix"]):
            case "remove" if element is not root:
                element.getparent().remove(element)
            case "repeat" if element is not root:
                element.addnext(copy.deepcopy(element))
            case "say":
                element.text = dice.choice(WORDS)
            case "name":
                element.tag = tag
            case "mark":
                element.set(dice.choice(ATTRIBUTES), dice.choice(WORDS))
            case "add":
                etree.SubElement(element, tag).text = dice.choice(WORDS)
            case _:
                element.append(dice.choice(list(etree.fromstring(dice.choice(GOOD)).iter())))
    return etree.tostring(root, with_tail=False)


@pytest.mark.parametrize("user", ["admin", "fred"])
async def test_every_request_has_an_answer(tmp_path: Path, user: str) -> None:
    dice = Random(6241)  # the same requests each time
    async with controller(tmp_path) as house, await house.session(user) as one:
        for _ in range(200):
            request = changed(dice.choice(GOOD), dice)
            if b"close-session" in request:
                continue
            for error in (await one.rpc(request)).iterfind(f"{NC}rpc-error"):
                assert error.findtext(f"{NC}error-app-tag") != "promise:internal", request
                assert error.findtext(f"{NC}error-type") in {"protocol", "application"}, request
                assert error.findtext(f"{NC}error-message"), request
