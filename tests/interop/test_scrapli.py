"""scrapli's own NETCONF client, unmodified: every method that it has, against a controller."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from configured import PROMISE, expiry
from overheard import kept, overhearing
from restconf_house import house
from scrapli import AuthOptions, Netconf, TransportSsh2Options
from scrapli import netconf as its
from scrapli.exceptions import NoMessagesException
from scrapli.netconf import DatastoreType, DefaultsType, FilterType

if TYPE_CHECKING:
    from pathlib import Path

    from restconf_house import House

CANDIDATE, RUNNING, OPERATIONAL = DatastoreType.CANDIDATE, DatastoreType.RUNNING, DatastoreType.OPERATIONAL
POLICY = f'<promise xmlns="{PROMISE}"><policy/></promise>'
ESTABLISH = (
    '<establish-subscription xmlns="urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications">'
    "<stream>reservation</stream></establish-subscription>"
)
RESERVE = f'<create-reservation xmlns="{PROMISE}"><capacity><cores>1</cores></capacity></create-reservation>'


def opened(found: House) -> Any:
    host, port = found.app.address
    auth = AuthOptions(username="admin", password="admin")
    return Netconf(host, port=port, auth_options=auth, transport_options=TransportSsh2Options())


def well(answer: Any) -> str:
    assert not answer.failed, answer.result
    return str(answer.result)


async def test_every_method_works(tmp_path: Path) -> None:
    def work() -> None:
        with opened(found) as one, opened(found) as other:
            assert any(PROMISE in uri for uri in one.get_capabilities())
            _configure(one)
            _read(one)
            assert "invalid-value" in one.edit_config(config=expiry(0), target=CANDIDATE).result
            _be_told(one)
            well(one.kill_session(other.session_id))
            well(one.close_session())

    async with house(tmp_path / "state", cloud=True) as found:
        with overhearing(found.app.server) as heard:
            await asyncio.to_thread(work)
    assert kept(heard) > 25


def _configure(one: Any) -> None:
    well(one.lock(target=CANDIDATE))
    well(
        one.edit_config(
            config=expiry(5), target=CANDIDATE, default_operation=its.DefaultOperation.MERGE,
            test_option=its.TestOption.TEST_THEN_SET, error_option=its.ErrorOption.ROLLBACK_ON_ERROR,
        )
    )  # fmt: skip
    assert "unknown-namespace" in one.validate(source=CANDIDATE).result  # it takes the capability's for the operation's
    well(one.raw_rpc("<validate><source><candidate/></source></validate>"))
    well(one.commit())
    well(one.edit_data(expiry(6), target=CANDIDATE, default_operation=its.DefaultOperation.MERGE))
    well(one.discard())
    well(one.copy_config(target=CANDIDATE, source=RUNNING))
    well(one.unlock(target=CANDIDATE))
    well(one.raw_rpc("<commit><confirmed/><persist>token</persist></commit>"))
    well(one.cancel_commit(persist_id="token"))
    assert "operation-not-supported" in one.delete_config(target=CANDIDATE).result


def _read(one: Any) -> None:
    assert ">5<" in well(one.get(filter_=POLICY))
    assert ">5<" in well(one.get_config(filter_=POLICY))
    assert "bad-element" in one.get(defaults_type=DefaultsType.TRIM).result  # it puts them beside the operation
    paths = {"filter_": "/p:promise/p:policy", "filter_namespace_prefix": "p", "filter_namespace": PROMISE}
    assert ">5<" in well(one.get(filter_type=FilterType.XPATH, **paths))
    assert ">5<" in well(one.get_data(source=RUNNING))
    assert ">5<" in well(one.get_data(source=OPERATIONAL, max_depth=5, with_origin=True))
    assert "module opnfv-promise" in well(one.get_schema("opnfv-promise", version="2026-11-20"))


def _be_told(one: Any) -> None:
    assert "<id " in well(one.raw_rpc(ESTABLISH))
    well(one.raw_rpc(RESERVE))
    assert "reservation-event" in _told(one)


def _told(one: Any) -> str:
    """Return the next notification; the client never waits for one."""
    while True:
        try:
            return str(one.get_next_notification())
        except NoMessagesException:
            well(one.get_config())
