"""ncclient, unmodified, subscribes, takes notifications and replays; yanglint, where it is, judges what came."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from ncclient import manager
from ncclient.operations import RPCError
from ncclient.xml_ import to_ele
from netconf_server import P
from notified import playing, reserve
from oracle.yang_model import YANG
from scenarios.runner.stage import key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from scenarios.runner.play import Player

YANGLINT = shutil.which("yanglint")


@pytest.fixture
async def player(tmp_path: Path) -> AsyncIterator[Player]:
    async with playing(tmp_path / "state") as opened:
        yield opened


def ncclient(player: Player, key_file: Path) -> Any:
    host, port = player.stage.running.address
    return manager.connect(
        host=host, port=port, username="admin", key_filename=str(key_file), hostkey_verify=False, allow_agent=False,
        look_for_keys=False, timeout=30,
    )  # fmt: skip


def written(folder: Path) -> Path:
    path = folder / "id_ed25519"
    key().write_private_key(path)
    path.chmod(0o600)
    return path


def names(taken: list[Any]) -> list[str]:
    return [etree.QName(each.notification_ele[1]).localname for each in taken]


async def test_ncclient_subscribes_and_takes_what_it_is_told(player: Player, tmp_path: Path) -> None:
    key_file = written(tmp_path)

    def work() -> list[str]:
        with ncclient(player, key_file) as session:
            assert ":notification" in session.server_capabilities
            assert ":interleave" in session.server_capabilities
            assert session.create_subscription(stream_name="NETCONF").ok
            assert session.dispatch(to_ele(reserve(2))).xml
            taken = [session.take_notification(timeout=20) for _ in range(2)]
            assert names(taken) == ["reservation-event", "capacity-event"]
            assert taken[0].notification_ele[1].findtext(f"{P}reservation/{P}capacity/{P}cores") == "2"
            with pytest.raises(RPCError) as again:
                session.create_subscription()
            assert again.value.tag == "operation-failed"
            return [each.notification_xml for each in taken]

    documents = await asyncio.to_thread(work)
    if YANGLINT is not None:
        for number, document in enumerate(documents):
            (tmp_path / f"{number}.xml").write_text(document, encoding="utf-8")
        command = [
            YANGLINT, "-t", "nc-notif", "-p", str(YANG), "-p", str(YANG / "ietf"), str(YANG / "opnfv-promise.yang"),
            *(str(tmp_path / f"{number}.xml") for number in range(len(documents))),
        ]  # fmt: skip
        judged = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False, text=True)
        assert judged.returncode == 0, judged.stderr


async def test_ncclient_replays_with_a_filter_up_to_a_stop_time(player: Player, tmp_path: Path) -> None:
    key_file = written(tmp_path)
    writer = await player.stage.session("admin")
    await writer.rpc(reserve())
    await player.stage.advance(60)

    def work() -> None:
        with ncclient(player, key_file) as session:
            wanted = '<reservation-event xmlns="urn:opnfv:promise"><event>accepted</event></reservation-event>'
            session.create_subscription(
                filter=("subtree", wanted), start_time="2030-01-01T00:00:00Z", stop_time="2030-01-01T00:00:30Z"
            )
            taken = [session.take_notification(timeout=20) for _ in range(3)]
            assert names(taken) == ["reservation-event", "replayComplete", "notificationComplete"]
            assert session.create_subscription().ok

    await asyncio.to_thread(work)
