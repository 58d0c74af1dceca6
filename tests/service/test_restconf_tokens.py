"""RESTCONF with bearer tokens: the simulated Keystone says whose they are, over sockets."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from restconf_house import PROMISE, RPC, START, house
from structlog.testing import capture_logs

from promise.clock import ManualClock
from promise.config import ConfigError
from promise.vim.simulator import Simulator, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import aiohttp
    from restconf_house import Answer, House

WINDOW = {"start": "2027-02-01T00:00:00Z", "end": "2027-02-02T00:00:00Z"}
NACM = "/restconf/data/ietf-netconf-acm:nacm"
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.rfc("8040", "2.5", "a bearer token that Keystone says is a user's"),
]


class Town:
    """A controller and the Keystone that it asks."""

    def __init__(self, found: House, simulator: Simulator, url: str) -> None:
        self.found = found
        self.simulator = simulator
        self.url = url
        self.identity = simulator.world.identity

    async def token(self, user: str, project: str | None, domain: str = "Default") -> str:
        """Return a token of the Keystone for a user whose password is the name."""
        who = {"name": user, "password": user, "domain": {"name": domain}}
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": who}}}
        if project is not None:
            auth["scope"] = {"project": {"name": project, "domain": {"name": domain}}}
        async with self.found.http.post(f"{self.url}/identity/v3/auth/tokens", json={"auth": auth}) as answer:
            assert answer.status == 201, await answer.text()
            return answer.headers["X-Subject-Token"]

    async def get(self, token: str, path: str = PROMISE, **headers: str) -> Answer:
        return await self.found.ask("GET", path, user=None, Authorization=f"Bearer {token}", **headers)

    async def reserve(self, token: str, name: str) -> str:
        body = {"opnfv-promise:input": {**WINDOW, "capacity": {"cores": 1}, "name": name}}
        made = await self.found.ask("POST", f"{RPC}create-reservation", body, user=None, X_Auth_Token=token)
        assert made.status == 200, made.body
        return str(made.body["opnfv-promise:output"]["reservation-id"])

    @property
    def questions(self) -> int:
        """How often Keystone was asked about a token."""
        return sum(
            entry["method"] == "GET" and entry["path"] == "/identity/v3/auth/tokens"
            for entry in self.simulator.requests
        )


def keystone(url: str, **more: Any) -> dict[str, Any]:
    return {"url": f"{url}/identity", "username": "promise", "password": "promise", "project": "promise", **more}


@asynccontextmanager
async def town(state: Path, *, cloud: bool = False, **more: Any) -> AsyncIterator[Town]:
    """Open a controller that asks a simulated Keystone, both on one clock."""
    clock = ManualClock(START)
    simulator = Simulator(SimulatorOptions(), clock)
    url = await simulator.start(port=0)
    try:
        async with house(state, cloud=cloud, clock=clock, keystone=keystone(url, **more)) as found:
            yield Town(found, simulator, url)
    finally:
        await simulator.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def usual(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """A town with nothing configured but the Keystone, shared by those who leave it as it was."""
    async with town(tmp_path_factory.mktemp("tokens") / "state") as here:
        here.identity.enroll("zoe", "green")
        yield here


async def test_a_token_says_who_asks_and_what_is_his(tmp_path: Path) -> None:
    async with town(tmp_path, cloud=True) as here:
        here.identity.enroll("zoe", "green")
        here.identity.enroll("yan", "green")
        here.identity.enroll("xia", "brown")
        zoe, yan, xia = [await here.token(*one) for one in (("zoe", "green"), ("yan", "green"), ("xia", "brown"))]
        made = await here.reserve(zoe, "hers")
        shown = await here.get(zoe, f"{PROMISE}/reservations={made}")
        (entry,) = shown.body["opnfv-promise:reservations"]
        assert (entry["name"], entry["owner"], entry["project"]) == ("hers", "zoe", "green")
        assert (await here.get(yan, f"{PROMISE}/reservations={made}")).status == 200
        assert (await here.get(xia, f"{PROMISE}/reservations={made}")).status == 404
        assert (await here.found.get(f"/reservations={made}", user="alice")).status == 404
        assert (await here.found.get(f"/reservations={made}", user="admin")).status == 200
        cancel = {"opnfv-promise:input": {"reservation-id": made}}
        for token, result in ((xia, "error"), (yan, "ok")):
            answer = await here.found.ask(
                "POST", f"{RPC}cancel-reservation", cancel, user=None, Authorization=f"bearer {token}"
            )
            assert answer.body["opnfv-promise:output"]["result"] == result


async def test_roles_bring_groups_and_a_role_may_be_asked_for(tmp_path: Path) -> None:
    async with town(tmp_path, role="member", groups={"admin": ["admin"]}) as here:
        here.identity.enroll("chief", "green", "admin")
        here.identity.enroll("clerk", "green", "member")
        here.identity.enroll("guest", "green", "reader")
        chief, clerk, guest = [await here.token(name, "green") for name in ("chief", "clerk", "guest")]
        assert (await here.get(chief, NACM)).status == 200
        assert (await here.get(clerk, NACM)).status == 404
        refused = await here.get(guest)
        assert (refused.status, refused.error["error-tag"]) == (401, "access-denied")
        assert "role member" in refused.error["error-message"]


async def test_what_a_token_must_be(usual: Town) -> None:
    here = usual
    here.identity.enroll("zoe", "green", domain="Other")
    unscoped = await here.get(await here.token("zoe", None))
    assert (unscoped.status, "scoped" in unscoped.error["error-message"]) == (401, True)
    other = await here.get(await here.token("zoe", "green", "Other"))
    assert (other.status, "domain Other" in other.error["error-message"]) == (401, True)
    asked = here.questions
    for said in ("", " ", "a b", "x" * 4097, "é", "a,b"):
        strange = await here.get(said)
        assert strange.status == 401, said
    assert here.questions == asked  # none of these could be one
    unknown = await here.get("gAAAAAnobodys")
    assert unknown.status == 401
    assert 'Bearer realm="promise"' in unknown.headers["WWW-Authenticate"]
    token = await here.token("zoe", "green")
    two = await here.get(token, X_Auth_Token="another")
    assert two.status == 401
    assert (await here.get(token, X_Auth_Token=token)).status == 200
    assert (await here.found.get(user="alice")).status == 200  # a password still does
    assert (await here.found.ask("GET", PROMISE, user=None)).status == 401


async def test_users_of_other_domains_have_names_that_nobody_else_has(tmp_path: Path) -> None:
    async with town(tmp_path, cloud=True, domains=["Default", "Other"]) as here:
        here.identity.enroll("zoe", "green", domain="Other")
        here.identity.enroll("zoe", "green")
        here.identity.enroll("zoe@Other", "green")
        own, other = await here.token("zoe", "green"), await here.token("zoe", "green", "Other")
        made = await here.reserve(other, "far")
        shown = (await here.get(other, f"{PROMISE}/reservations={made}")).body["opnfv-promise:reservations"][0]
        assert (shown["owner"], shown["project"]) == ("zoe@Other", "green@Other")
        assert (await here.get(own, f"{PROMISE}/reservations={made}")).status == 404
        assert (await here.get(await here.token("zoe@Other", "green"))).status == 401


async def test_users_may_go_by_their_ids(tmp_path: Path) -> None:
    async with town(tmp_path, cloud=True, identify_by="id") as here:
        user = here.identity.enroll("alice", "red")
        token = await here.token("alice", "red")
        made = await here.reserve(token, "x")
        (shown,) = (await here.get(token, f"{PROMISE}/reservations")).body["opnfv-promise:reservations"]
        assert (shown["id"], shown["owner"], [shown["project"]]) == (made, user.id, list(user.grants))
        assert (await here.found.get(f"/reservations={made}", user="alice")).status == 404


async def test_what_keystone_has_said_counts_for_a_while_and_no_longer_than_the_token(usual: Town) -> None:
    here, before = usual, usual.questions
    token = await here.token("zoe", "green")
    for _ in range(3):
        assert (await here.get(token)).status == 200
    assert here.questions == before + 1
    del here.identity.tokens[token]  # revoked
    await here.found.clock.advance(59)
    assert (await here.get(token)).status == 200
    await here.found.clock.advance(1)
    assert (await here.get(token)).status == 401
    assert (await here.get(token)).status == 401
    assert here.questions == before + 2
    token = await here.token("zoe", "green")
    until = here.identity.tokens[token].expires
    assert (await here.get(token)).status == 200
    await here.found.clock.advance(int(until) - here.found.clock.now() - 1)
    assert (await here.get(token)).status == 200
    await here.found.clock.advance(1)
    assert (await here.get(token)).status == 401


async def test_a_stream_ends_with_its_token(usual: Town) -> None:
    here = usual
    token = await here.token("zoe", "green")
    url = f"http://{here.found.app.http[0]}:{here.found.app.http[1]}/restconf/streams/NETCONF/json"
    async with here.found.http.get(url, headers={"Authorization": f"Bearer {token}"}) as stream:
        assert stream.status == 200
        assert b"retry" in await stream.content.readline()
        del here.identity.tokens[token]  # revoked
        reading = asyncio.create_task(stream.content.read())
        while not reading.done():
            await here.found.clock.advance(15)  # heartbeats; what Keystone has said counts for sixty seconds
            await asyncio.sleep(0)
    assert (await here.get(token)).status == 401


async def test_keystone_away_is_not_a_wrong_token(tmp_path: Path) -> None:
    async with town(tmp_path, timeout=5) as here:
        here.identity.enroll("zoe", "green")
        token = await here.token("zoe", "green")
        assert (await here.get(token)).status == 200
        await here.found.clock.advance(60)
        await here.simulator.stop()
        away = await here.get(token)
        assert (away.status, away.headers["Retry-After"]) == (503, "5")
        assert (away.error["error-type"], away.error["error-tag"]) == ("protocol", "operation-failed")
        assert away.error["error-app-tag"] == "promise:identity-unavailable"
        assert here.url not in away.content.decode()
        assert (await here.found.get(user="alice")).status == 200


@pytest.mark.parametrize("status", [401, 403, 500, 503])
async def test_what_keystone_does_not_answer_is_not_a_wrong_token(usual: Town, status: int) -> None:
    here = usual
    token = await here.token("zoe", "green")
    rule = {"service": "identity", "method": "GET", "path": "/identity/v3/auth/tokens", "action": "error"}
    async with here.found.http.post(f"{here.url}/simulator/faults", json={**rule, "status": status}) as answer:
        assert answer.status < 300, await answer.text()
    assert (await here.get(token)).status == 503
    async with here.found.http.delete(f"{here.url}/simulator/faults") as answer:
        assert answer.status < 300
    assert (await here.get(token)).status == 200


async def test_a_service_user_who_may_not_validate_is_told_in_the_log(tmp_path: Path) -> None:
    async with town(tmp_path, username="member", password="member") as here:
        here.identity.enroll("zoe", "green")
        token = await here.token("zoe", "green")
        with capture_logs() as logs:
            assert (await here.get(token)).status == 503
        (line,) = [one for one in logs if one["event"] == "token-not-validated"]
        assert line["why"] == "Keystone does not let our user validate tokens"


async def test_our_own_token_that_is_over_is_made_anew(usual: Town) -> None:
    here = usual
    assert (await here.get(await here.token("zoe", "green"))).status == 200
    here.identity.tokens.clear()
    assert (await here.get(await here.token("zoe", "green"))).status == 200


async def test_tokens_are_not_logged(usual: Town) -> None:
    here = usual
    token = await here.token("zoe", "green")
    with capture_logs() as logs:
        assert (await here.get(token)).status == 200
        assert (await here.get("gAAAAAnobodys")).status == 401
    assert token not in repr(logs)
    assert "nobodys" not in repr(logs)
    assert [one["user"] for one in logs if one["event"] == "restconf"] == ["zoe", ""]


async def test_many_with_one_token_are_one_question(usual: Town) -> None:
    here, before = usual, usual.questions
    token = await here.token("zoe", "green")
    fields = {"Authorization": f"Bearer {token}"}
    url = f"http://{here.found.app.http[0]}:{here.found.app.http[1]}{PROMISE}"

    async def status(http: aiohttp.ClientSession) -> int:
        async with http.get(url, headers=fields) as answer:
            return answer.status

    assert set(await asyncio.gather(*(status(here.found.http) for _ in range(20)))) == {200}
    assert here.questions == before + 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"url": "ftp://keystone"}, "restconf.keystone.url"),
        ({"password": None}, "give one of password"),
        ({"password": None, "password_env": "NOT_THERE"}, "restconf.keystone: NOT_THERE"),
        ({"domains": []}, "domains"),
    ],
)
async def test_what_cannot_be_used_is_named(tmp_path: Path, said: dict[str, Any], why: str) -> None:
    with pytest.raises((ConfigError, ValueError), match=why):
        async with house(tmp_path, keystone={**keystone("http://127.0.0.1:9"), **said}):
            pass
