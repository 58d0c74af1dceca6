"""ncclient, unmodified: every method that its manager has, against a controller."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from configured import NACM, PROMISE, P, controller, expiry
from lxml import etree
from ncclient import manager
from ncclient.operations import MissingCapabilityError, RPCError
from ncclient.xml_ import to_ele
from netconf_server import ADMIN
from overheard import kept, overhearing

from promise.northbound.library.modules import library

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from configured import House

NC = "urn:ietf:params:xml:ns:netconf:base:1.0"
NMDA = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
SUBSCRIBED = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"
DS = 'xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"'
RULES = f'<promise xmlns="{PROMISE}"><policy/></promise>'


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with controller(tmp_path / "state") as running:
        yield running


class Used:
    """A manager that remembers which of its methods were called."""

    def __init__(self, house: House) -> None:
        host, port = house.app.address
        self.session = manager.connect(
            host=host, port=port, username=ADMIN[0], password=ADMIN[1], hostkey_verify=False, allow_agent=False,
            look_for_keys=False, timeout=30,
        )  # fmt: skip
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(self.session, name)


def config(minutes: int) -> str:
    return f'<config xmlns="{NC}">{expiry(minutes)}</config>'


def expiries(reply: Any) -> list[str]:
    return [str(leaf.text) for leaf in etree.fromstring(reply.xml.encode()).iter(P + "expiry")]


def refused(call: Callable[[], object]) -> tuple[str, str, str]:
    with pytest.raises(RPCError) as failed:
        call()
    return failed.value.type, failed.value.tag, failed.value.path or ""


@pytest.mark.rfc("6241", "8.1", "ncclient finds every capability that its methods ask for, and every method works")
async def test_every_method_works(house: House, tmp_path: Path) -> None:
    with overhearing(house.app.server) as heard:
        used = await asyncio.to_thread(_every_method, house)
    assert used >= set(manager.OPERATIONS)
    assert kept(heard) >= 30


def _every_method(house: House) -> set[str]:
    one, other = Used(house), Used(house)
    try:
        _configuration(one, other)
        _reading(one)
        for machine in (one.poweroff_machine, one.reboot_machine):
            with pytest.raises(MissingCapabilityError):  # a vendor's, not ours
                machine()
        _subscribing(one)
        assert one.kill_session(other.session_id).ok
        assert one.close_session().ok
    finally:
        other.session._session.close()
    return one.names | other.names


def _configuration(one: Used, other: Used) -> None:
    assert one.lock("candidate").ok
    assert one.edit_config(target="candidate", config=config(5), test_option="test-then-set").ok
    assert one.validate("candidate").ok
    assert one.validate(to_ele(config(6))).ok
    assert one.commit(confirmed=True, timeout="120", persist="token").ok
    assert one.unlock("candidate").ok
    assert refused(lambda: other.commit(persist_id="wrong"))[1] == "invalid-value"
    assert other.cancel_commit(persist_id="token").ok
    assert expiries(one.get_config("running")) == []
    assert one.edit_config(target="running", config=config(7), error_option="rollback-on-error").ok
    assert one.discard_changes().ok
    assert one.copy_config(source="running", target="candidate").ok
    assert expiries(one.get_config("candidate")) == ["7"]
    assert refused(lambda: one.delete_config("candidate"))[1] == "operation-not-supported"
    bad = config(8).replace("8", "eight")
    at = "/promise:promise/promise:policy/promise:reservation/promise:expiry"
    assert refused(lambda: one.edit_config(target="candidate", config=bad)) == ("application", "invalid-value", at)
    with one.locked("running"):
        assert refused(lambda: other.lock("running")) == ("protocol", "lock-denied", "")


def _reading(one: Used) -> None:
    assert expiries(one.get()) == ["7"]
    assert expiries(one.get(filter=("xpath", ({"p": PROMISE}, "//p:expiry")))) == ["7"]
    assert expiries(one.get_config("running", filter=("subtree", RULES))) == ["7"]
    nacm = ("subtree", f'<nacm xmlns="{NACM}"/>')
    for mode, tells in (("report-all", True), ("report-all-tagged", True), ("trim", False), ("explicit", False)):
        assert ("enable-nacm" in one.get_config("running", filter=nacm, with_defaults=mode).xml) is tells
    for name, module in library().modules.items():
        assert one.get_schema(name, version=module.revision, format="yang").data == module.text
    assert refused(lambda: one.get_schema("opnfv-promise", version="1999-01-01"))[1] == "invalid-value"
    data = one.dispatch(to_ele(f'<get-data xmlns="{NMDA}" {DS}><datastore>ds:running</datastore></get-data>'))
    assert expiries(data) == ["7"]
    assert expiries(one.rpc(to_ele(f'<get-config xmlns="{NC}"><source><running/></source></get-config>'))) == ["7"]
    asked = one.dispatch(to_ele(f'<query-capacity xmlns="{PROMISE}"/>'))
    assert etree.fromstring(asked.xml.encode()).findtext(f"{P}result") == "ok"


def _subscribing(one: Used) -> None:
    stream = "<stream>NETCONF</stream>"
    made = one.dispatch(to_ele(f'<establish-subscription xmlns="{SUBSCRIBED}">{stream}</establish-subscription>'))
    number = etree.fromstring(made.xml.encode()).findtext(f"{{{SUBSCRIBED}}}id")
    gone = f'<delete-subscription xmlns="{SUBSCRIBED}"><id>{number}</id></delete-subscription>'
    assert one.dispatch(to_ele(gone)).ok
    only = ("subtree", f'<reservation-event xmlns="{PROMISE}"/>')
    assert one.create_subscription(stream_name="NETCONF", start_time="2026-01-01T00:00:00Z", filter=only).ok
    told = one.take_notification(timeout=20).notification_ele
    assert [etree.QName(each).localname for each in told] == ["eventTime", "replayComplete"]
