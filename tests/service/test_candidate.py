"""The candidate and what belongs to it, over real sessions: edits, commits, locks, copies (RFC 6241 section 8.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from configured import NACM, PROMISE, asked, controller, do, edit, expiry, names, nc, provider, rules, shown, target
from lxml import etree
from netconf_client import BASE, NC
from netconf_server import until

from promise.northbound.port import Datastore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from configured import House
    from netconf_client import NetconfClient

WITH_DEFAULTS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
COMMIT, DISCARD = nc("commit"), nc("discard-changes")
VALIDATE = nc("validate", "<source><candidate/></source>")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with controller(tmp_path) as running:
        yield running


@pytest.mark.rfc("6241", "8.3", "edits gather in the candidate and are in force from the commit")
async def test_an_edit_is_in_force_once_it_is_committed_and_survives_a_restart(tmp_path: Path) -> None:
    async with controller(tmp_path) as house, await house.session() as one, await house.session() as other:
        await do(one, edit(expiry(7)))
        assert (await shown(one, "candidate"), await shown(other, "candidate"), await shown(one)) == ("7", "7", None)
        await do(other, COMMIT)
        assert (await shown(one), await shown(one, "candidate")) == ("7", "7")
        seq = house.app.ledger.durable_seq
        await do(one, COMMIT, edit(expiry(7)), COMMIT)
        assert house.app.ledger.durable_seq == seq  # nothing has changed
    async with controller(tmp_path) as house, await house.session() as one:
        assert await shown(one) == "7"


@pytest.mark.rfc("6241", "8.3.4.1", "a commit is whole or is not")
@pytest.mark.rfc("7950", "8.3.3", "what is mandatory must be there at validation and commit")
async def test_a_candidate_may_be_half_done_but_is_committed_whole(house: House) -> None:
    half = f'<promise xmlns="{PROMISE}"><providers><id>00000000-0000-4000-8000-000000000001</id></providers></promise>'
    async with await house.session() as one:
        await do(one, edit(half), edit(expiry(9)))
        assert (await asked(one, VALIDATE)).startswith("missing-element: ")
        assert (await asked(one, COMMIT)).startswith("missing-element: ")
        assert await shown(one) is None
        await do(one, edit(provider(1)), VALIDATE, COMMIT)
        assert (await names(one), await shown(one)) == (["cloud 1"], "9")


@pytest.mark.rfc("6241", "8.6", "validate tells what a commit would meet")
@pytest.mark.rfc("6241", "8.3.4.2", "discard-changes makes the candidate equal to running")
async def test_what_would_not_apply_is_told_at_validate_and_leaves_the_candidate(house: House) -> None:
    async with await house.session() as one:
        await do(one, edit(provider(1)), COMMIT)
        twice = provider(2).replace("cloud2", "cloud1")
        await do(one, edit(twice))
        for operation in (VALIDATE, COMMIT):
            assert "endpoint, project and region" in await asked(one, operation)
        assert await names(one, "candidate") == ["cloud 1", "cloud 2"]
        await do(one, DISCARD)
        assert await names(one, "candidate") == ["cloud 1"]


@pytest.mark.rfc("6241", "8.6.5.1", "test-option: test-then-set and test-only")
async def test_test_options(house: House) -> None:
    def option(text: str) -> str:
        return f"<test-option>{text}</test-option>"

    bad = rules("<expiry>5</expiry>") + f'<promise xmlns="{PROMISE}"><x/></promise>'
    half = provider(1).replace("<name>cloud 1</name>", "")
    async with await house.session() as one:
        assert (await asked(one, edit(bad))).startswith(("unknown-element", "bad-element"))
        for datastore in ("running", "candidate"):
            assert (await asked(one, edit(half, datastore, option("test-only")))).startswith("missing-element")
            assert (await asked(one, edit(half, datastore, option("test-then-set")))).startswith("missing-element")
            await do(one, edit(expiry(3), datastore, option("test-only")))
            assert await shown(one, datastore) is None
        await do(one, edit(expiry(3), "candidate", option("test-then-set")))
        assert await shown(one, "candidate") == "3"


@pytest.mark.rfc("6241", "7.2", "continue-on-error: what can be done is done, and every error is told")
@pytest.mark.parametrize("datastore", ["candidate", "running"])
async def test_parts_of_an_edit_can_be_made_apart(house: House, datastore: str) -> None:
    parts = [
        "<policy><reservation><expiry>7</expiry><x/></reservation></policy>",
        provider(1).partition(">")[2].removesuffix("</promise>"),
        '<providers nc:operation="delete"><id>00000000-0000-4000-8000-000000000009</id></providers>',
        "<policy><reservation><max-duration>9</max-duration></reservation></policy>",
    ]
    inside = f'<promise xmlns="{PROMISE}" xmlns:nc="{BASE}">{"".join(parts)}</promise><y xmlns="urn:y"/>'
    option = "<error-option>{}-on-error</error-option>"
    async with await house.session() as one:
        for atomic in ("stop", "rollback"):
            assert (await asked(one, edit(inside, datastore, option.format(atomic)))).startswith("unknown-element")
            assert await names(one, datastore) == []
        reply = await one.rpc(edit(inside, datastore, option.format("continue")))
        assert [error.findtext(f"{NC}error-tag") for error in reply] == [
            "unknown-element", "data-missing", "unknown-namespace",
        ]  # fmt: skip
        assert (await shown(one, datastore), await names(one, datastore)) == (None, ["cloud 1"])
        reply = await one.rpc(nc("get-config", f"<source><{datastore}/></source>"))
        assert reply.findtext(f".//{{{PROMISE}}}max-duration") == "9"
        replaced = option.format("continue") + "<default-operation>replace</default-operation>"
        await do(one, edit(expiry(4), datastore, replaced), edit(provider(1), datastore, option.format("continue")))
        assert (await shown(one, datastore), await names(one, datastore)) == ("4", ["cloud 1"])
        many = f"<promise xmlns='{PROMISE}'>{'<policy/>' * 1001}</promise>"
        assert (await asked(one, edit(many, datastore, option.format("continue")))).startswith("too-big")


@pytest.mark.rfc("6241", "8.2", "running can be edited itself")
async def test_the_candidate_keeps_its_changes_when_running_changes_under_it(house: House) -> None:
    async with await house.session() as one, await house.session() as other:
        await do(one, edit(provider(1)), COMMIT, edit(provider(2)), edit(expiry(8)))
        await do(other, edit(rules("<max-duration>12</max-duration>"), "running"), edit(provider(3), "running"))
        assert await names(one, "candidate") == ["cloud 1", "cloud 3", "cloud 2"]
        await do(one, COMMIT)
        reply = await one.rpc(nc("get-config", "<source><running/></source>"))
        assert reply.findtext(f".//{{{PROMISE}}}max-duration") == "12"
        assert reply.findtext(f".//{{{PROMISE}}}expiry") == "8"


@pytest.mark.rfc("6241", "7.5", "lock-denied names the holder; others are told in-use")
@pytest.mark.rfc("6241", "7.6", "only its holder gives a lock back, and once")
async def test_a_lock_is_granted_or_denied_at_once_with_its_holder(house: House) -> None:
    async with await house.session() as one, await house.session() as other:
        for datastore in ("running", "candidate"):
            await do(one, target("lock", datastore))
            for client in (one, other):
                reply = await client.rpc(target("lock", datastore))
                error = reply.find(f"{NC}rpc-error")
                assert error.findtext(f"{NC}error-tag") == "lock-denied"
                assert error.findtext(f"{NC}error-info/{NC}session-id") == str(one.session_id)
        for operation in (edit(expiry(1)), edit(expiry(1), "running"), COMMIT, DISCARD, copied("running", "candidate")):
            assert (await asked(other, operation)).startswith("in-use: ")
        assert (await asked(other, target("unlock", "running"))).startswith("operation-failed: ")
        await do(one, edit(expiry(2)), COMMIT, target("unlock", "candidate"), target("unlock", "running"))
        assert (await asked(one, target("unlock", "running"))).startswith("operation-failed: ")
        assert await shown(other) == "2"


def copied(source: str, into: str) -> str:
    return nc("copy-config", f"<target><{into}/></target><source><{source}/></source>")


@pytest.mark.rfc("6241", "7.5", "a lock keeps away those who change running by other operations")
async def test_rpcs_that_change_running_wait_for_nobody(house: House) -> None:
    first = "<provider-id>00000000-0000-4000-8000-000000000001</provider-id>"
    cloud = "<provider-type>openstack</provider-type><endpoint>http://x.example</endpoint>"
    operations = [
        f'<remove-provider xmlns="{PROMISE}">{first}</remove-provider>',
        f'<set-provider-credentials xmlns="{PROMISE}">{first}<password>x</password></set-provider-credentials>',
        f'<add-provider xmlns="{PROMISE}">{cloud}<username>u</username><password>p</password></add-provider>',
    ]
    async with await house.session() as one, await house.session() as other:
        await do(one, edit(provider(1)), COMMIT, target("lock", "running"))
        for operation in operations:
            assert (await asked(other, operation)).startswith("in-use: "), operation
        await do(one, target("unlock", "running"))
        reply = await other.rpc(operations[0])
        assert reply.findtext(f"{{{PROMISE}}}result") == "ok"


@pytest.mark.rfc("6241", "8.3.5.2", "a changed candidate cannot be locked; unlock discards")
async def test_a_candidate_with_changes_cannot_be_locked_and_unlocking_discards_them(house: House) -> None:
    async with await house.session() as one, await house.session() as other:
        await do(other, edit(expiry(4)))
        for client in (one, other):
            reply = await client.rpc(target("lock", "candidate"))
            assert reply.findtext(f".//{NC}error-tag") == "lock-denied"
            assert reply.findtext(f".//{NC}session-id") == "0"  # nobody holds a lock that somebody could be asked for
        await do(one, DISCARD, target("lock", "candidate"), edit(expiry(5)), target("unlock", "candidate"))
        assert await shown(one, "candidate") is None
        await do(other, target("lock", "candidate"))


@pytest.mark.rfc("6241", "7.5", "locks end with their session, however that ends")
async def test_locks_and_the_changes_under_them_end_with_their_session(house: House) -> None:
    async with await house.session() as one:
        first = await house.session()
        await do(first, target("lock", "candidate"), target("lock", "running"), edit(expiry(5)))
        await first.close()
        locks: Any = house.app.server
        await until(lambda: first.session_id not in locks.sessions)
        await until(lambda: not house.app.front.datastores.locks)
        assert await shown(one, "candidate") is None
        second = await house.session()
        await do(second, target("lock", "running"))
        await do(one, nc("kill-session", f"<session-id>{second.session_id}</session-id>"), target("lock", "running"))
        assert house.app.front.datastores.locks[Datastore.RUNNING].session_id == one.session_id
        await second.close()


@pytest.mark.rfc("6241", "7.3", "copy-config replaces whole; source and target must differ")
@pytest.mark.rfc("6241", "7.4", "running cannot be deleted")
@pytest.mark.rfc("6241", "8.6.4.1", "validate takes a configuration in place")
async def test_configurations_are_copied(house: House) -> None:
    def inline(inside: str, into: str) -> str:
        return nc("copy-config", f"<target><{into}/></target><source><config>{inside}</config></source>")

    async with await house.session() as one:
        await do(one, inline(expiry(5), "candidate"), copied("candidate", "running"))
        assert await shown(one) == "5"
        await do(one, edit(expiry(6)), copied("running", "candidate"))
        assert await shown(one, "candidate") == "5"
        await do(one, inline(provider(1), "running"))
        assert (await shown(one), await names(one)) == (None, ["cloud 1"])
        half = provider(2).replace("<name>cloud 2</name>", "")
        assert (await asked(one, inline(half, "running"))).startswith("missing-element: ")
        assert (await asked(one, copied("running", "running"))).startswith("invalid-value: ")
        assert (await asked(one, nc("validate", f"<source><config>{half}</config></source>"))).startswith("missing-el")
        await do(one, nc("validate", f"<source><config>{expiry(1)}</config></source>"))
        for name in ("running", "candidate"):
            assert (await asked(one, target("delete-config", name))).startswith("operation-not-supported: ")


@pytest.mark.rfc("6243", "4.5.1", "a copy sets all defaults, drops values that are defaults, or keeps what was set")
async def test_copies_set_the_defaults_that_they_are_asked_to(house: House) -> None:
    async def copy(mode: str) -> list[str]:
        more = f'<with-defaults xmlns="{WITH_DEFAULTS}">{mode}</with-defaults>'
        await do(one, DISCARD, copied("running", "candidate").replace("</source>", f"</source>{more}"))
        reply = await one.rpc(nc("get-config", "<source><candidate/></source>"))
        leaves = [leaf for leaf in reply.iter() if leaf.tag.startswith(f"{{{NACM}}}") and len(leaf) == 0]
        return [f"{etree.QName(leaf).localname}={leaf.text}" for leaf in leaves]

    async with await house.session() as one:
        rule = "<rule-list><name>a</name><rule><name>r</name><action>permit</action></rule></rule-list>"
        nacm = f'<nacm xmlns="{NACM}"><write-default>deny</write-default><exec-default>deny</exec-default>{rule}</nacm>'
        await do(one, edit(nacm, "running"))
        said = ["name=a", "name=r", "action=permit"]
        assert await copy("explicit") == ["write-default=deny", "exec-default=deny", *said]
        assert await copy("report-all-tagged") == ["write-default=deny", "exec-default=deny", *said]
        assert await copy("trim") == ["exec-default=deny", *said]
        assert await copy("report-all") == [
            "enable-nacm=true", "read-default=permit", "write-default=deny", "exec-default=deny",
            "enable-external-groups=true", "name=a", "name=r", "module-name=*", "access-operations=*", "action=permit",
        ]  # fmt: skip
        await do(one, VALIDATE, COMMIT)


async def test_only_administrators_change_and_lock(house: House) -> None:
    inline = f"<source><config>{expiry(1)}</config></source>"
    operations = [
        edit(expiry(1)), COMMIT, DISCARD, nc("cancel-commit"), target("lock", "running"), target("lock", "candidate"),
        nc("copy-config", f"<target><running/></target>{inline}"), nc("validate", inline),
    ]  # fmt: skip
    async with await house.session("fred") as fred:
        for operation in operations:
            assert (await asked(fred, operation)).startswith("access-denied: "), operation


async def test_who_changed_what_is_in_the_journal(house: House) -> None:
    gone = f'<promise xmlns="{PROMISE}" xmlns:nc="{BASE}"><policy nc:operation="delete"/></promise>'
    async with await house.session() as one:
        await do(one, edit(provider(1)), edit(expiry(5)), COMMIT, edit(gone, "running"))
    entries = [entry for entry in await house.app.ledger.journal(0, 100) if entry.event.kind == "configuration-changed"]
    found = [(entry.actor, entry.event.detail["session"], entry.event.detail["edits"]) for entry in entries]
    at = "/promise:promise"
    assert found[-2:] == [
        ("admin", 1, [{"target": at, "operation": "create"}]),
        ("admin", 1, [{"target": f"{at}/promise:policy", "operation": "delete"}]),
    ]


async def test_a_subscription_that_is_not_committed_is_nobodys_yet(house: House) -> None:
    key = "00000000-0000-4000-8000-000000000001"
    leaves = f"<id>{key}</id><kind>reservation</kind><callback-uri>http://127.0.0.1:1/</callback-uri>"
    told = f'<promise xmlns="{PROMISE}"><subscriptions>{leaves}</subscriptions></promise>'

    async def ids(client: NetconfClient, datastore: str) -> list[str]:
        reply = await client.rpc(nc("get-config", f"<source><{datastore}/></source>"))
        return [entry.text for entry in reply.iterfind(f".//{{{PROMISE}}}subscriptions/{{{PROMISE}}}id")]

    async with await house.session() as one, await house.session("fred") as fred:
        await do(one, edit(told))
        assert (await ids(one, "candidate"), await ids(one, "running")) == ([key], [])
        await do(one, COMMIT)
        for datastore in ("candidate", "running"):
            assert (await ids(one, datastore), await ids(fred, datastore)) == ([key], [])
