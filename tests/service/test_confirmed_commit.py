"""Commits on trial: confirmed, extended, cancelled, left alone, and across a restart (RFC 6241 section 8.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from configured import asked, controller, do, edit, expiry, names, nc, provider, shown, target
from netconf_server import until

from promise.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from configured import House

COMMIT, CANCEL = nc("commit"), nc("cancel-commit")
TRIAL = nc("commit", "<confirmed/>")


def trial(timeout: int | None = None, persist: str = "", persist_id: str = "") -> str:
    parts = ["<confirmed/>"]
    parts += [f"<confirm-timeout>{timeout}</confirm-timeout>"] if timeout else []
    parts += [f"<persist>{persist}</persist>"] if persist else []
    parts += [f"<persist-id>{persist_id}</persist-id>"] if persist_id else []
    return nc("commit", "".join(parts))


def with_id(name: str, persist_id: str) -> str:
    return nc(name, f"<persist-id>{persist_id}</persist-id>")


async def gone_back(house: House) -> None:
    await until(lambda: house.app.state.revision.trial is None)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with controller(tmp_path) as running:
        yield running


@pytest.mark.rfc("6241", "8.4.1", "a confirmed commit goes back after 600 seconds")
async def test_what_nobody_confirms_goes_back_after_ten_minutes(house: House) -> None:
    async with await house.session() as one:
        await do(one, edit(expiry(1)), COMMIT, edit(expiry(2)), edit(provider(1)), TRIAL)
        assert (await shown(one), await names(one)) == ("2", ["cloud 1"])
        await house.clock.advance(599)
        assert await shown(one) == "2"
        await house.clock.advance(1)
        await gone_back(house)
        assert (await shown(one), await names(one)) == ("1", [])
        assert await shown(one, "candidate") == "1"


@pytest.mark.rfc("6241", "8.4.5.1", "the confirming commit makes it last")
async def test_confirming_makes_it_last(house: House) -> None:
    async with await house.session() as one:
        await do(one, edit(expiry(2)), trial(10), COMMIT)
        await house.clock.advance(100)
        assert await shown(one) == "2"
        assert house.app.state.revision.trial is None


@pytest.mark.rfc("6241", "8.4.5.1", "a follow-up sets the time anew; all goes back")
async def test_a_follow_up_extends_the_trial_and_all_of_it_goes_back(house: House) -> None:
    async with await house.session() as one:
        await do(one, edit(expiry(2)), trial(10))
        await house.clock.advance(9)
        await do(one, edit(provider(1)), trial(10))
        await house.clock.advance(9)
        assert (await shown(one), await names(one)) == ("2", ["cloud 1"])
        await house.clock.advance(1)
        await gone_back(house)
        assert (await shown(one), await names(one)) == (None, [])


@pytest.mark.rfc("6241", "8.4.4.1", "cancel-commit reverts, by who began it")
async def test_cancelling(house: House) -> None:
    async with await house.session() as one, await house.session() as other:
        assert (await asked(one, CANCEL)).startswith("operation-failed: ")
        await do(one, edit(expiry(2)), trial())
        assert (await asked(other, CANCEL)).startswith("in-use: ")
        await do(one, CANCEL)
        assert await shown(other) is None


@pytest.mark.rfc("6241", "8.4.1", "without persist it goes back with its session")
async def test_it_goes_back_when_its_session_ends(house: House) -> None:
    async with await house.session() as other:
        one = await house.session()
        await do(one, edit(expiry(2)), trial())
        for operation in (COMMIT, edit(expiry(3), "running"), TRIAL):
            assert (await asked(other, operation)).startswith("in-use: ")
        assert (await asked(other, target("lock", "running"))).startswith("lock-denied: ")
        await one.close()
        await gone_back(house)
        assert await shown(other) is None
        await do(other, target("lock", "running"))


@pytest.mark.rfc("6241", "8.4.5.1", "persist and persist-id")
@pytest.mark.rfc("6241", "8.4.4.1", "cancel-commit with persist-id")
async def test_with_persist_it_outlives_its_session_and_whoever_has_the_token_decides(house: House) -> None:
    async with await house.session() as other:
        one = await house.session()
        await do(one, edit(expiry(2)), trial(persist="token"))
        await one.close()
        server = house.app.server
        await until(lambda: one.session_id not in server.sessions)
        assert await shown(other) == "2"
        assert (await asked(other, COMMIT)).startswith("missing-element: ")
        assert (await asked(other, with_id("commit", "wrong"))).startswith("invalid-value: ")
        assert (await asked(other, with_id("cancel-commit", "wrong"))).startswith("invalid-value: ")
        await do(other, edit(expiry(4)), trial(20, persist_id="token"))
        await house.clock.advance(19)
        await do(other, with_id("commit", "token"))
        await house.clock.advance(600)
        assert await shown(other) == "4"
        assert (await asked(other, with_id("commit", "token"))).startswith("invalid-value: ")
        await do(other, edit(expiry(5)), trial(persist="another"), with_id("cancel-commit", "another"))
        assert await shown(other) == "4"


@pytest.mark.rfc("6241", "8.4.1", "a restart takes an unconfirmed commit back")
async def test_a_restart_takes_it_back(tmp_path: Path) -> None:
    clock = ManualClock(1_800_000_000)
    async with controller(tmp_path, clock) as house, await house.session() as one:
        await do(one, edit(provider(1)), COMMIT)
        first = provider(1).replace(
            "<providers>", '<providers xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete">'
        )
        await do(one, edit(expiry(2)), edit(first), edit(provider(2)), trial(persist="token"))
        assert await names(one) == ["cloud 2"]
    async with controller(tmp_path, clock) as house, await house.session() as one:
        assert (await shown(one), await names(one)) == (None, ["cloud 1"])
        assert house.app.state.revision.trial is None
        await do(one, edit(expiry(3)), COMMIT)
        events = [entry.event for entry in await house.app.ledger.journal(0, 100)]
    told = [event.detail.get("confirm") for event in events if event.kind == "configuration-changed"]
    assert told == [None, "start", "cancel", None]
    assert all("token" not in repr(event) for event in events)


@pytest.mark.rfc("6241", "8.4.5.1", "confirm-timeout is 1 to 4294967295 and needs confirmed")
async def test_parameters(house: House) -> None:
    async with await house.session() as one:
        assert (await asked(one, nc("commit", "<confirm-timeout>5</confirm-timeout>"))).startswith("bad-element: ")
        for wrong in ("0", "-1", "x", "4294967296", ""):
            said = nc("commit", f"<confirmed/><confirm-timeout>{wrong}</confirm-timeout>")
            assert (await asked(one, said)).startswith("invalid-value: ")
        assert (await asked(one, with_id("commit", "none"))).startswith("invalid-value: ")
        assert house.app.state.revision.number == 0  # the policy of the file is no commit
