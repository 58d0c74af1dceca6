"""Bearer tokens: how long one is known, how many are, and what is never asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from promise.errors import CloudUnreachable, Overloaded, Unauthenticated, Unverifiable
from promise.northbound.access import Identity
from promise.northbound.restconf.bearer import MOST_KNOWN, MOST_QUESTIONS, REFUSED_FOR, Bearer, Mapped


@dataclass(frozen=True)
class Named:
    id: str
    name: str
    domain: str = "Default"


@dataclass(frozen=True)
class Token:
    user: Named
    project: Named | None
    roles: frozenset[str]
    expires: int


@dataclass
class Authority:
    """Knows the users of tokens that begin with "t"; may be away, or slow."""

    now: int = 1_000
    life: int = 3_600
    away: bool = False
    roles: frozenset[str] = frozenset({"member"})
    gate: asyncio.Event | None = None
    asked: list[str] = field(default_factory=list)

    async def validate(self, token: str) -> Token | None:
        self.asked.append(token)
        if self.gate is not None:
            await self.gate.wait()
        if self.away:
            raise CloudUnreachable("Keystone at http://10.0.0.1 does not answer")
        if not token.startswith("t"):
            return None
        return Token(Named("id", "zoe"), Named("pid", "green"), self.roles, self.now + self.life)


@dataclass
class Request:
    token: str | None
    private: bool = True
    source: str = "192.0.2.1:4711"
    more: dict[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        if name == "Authorization":
            return None if self.token is None else f"Bearer {self.token}"
        return self.more.get(name)


def bearer(authority: Authority, mapped: Mapped | None = None, *, span: int = 60, in_clear: bool = False) -> Bearer:
    return Bearer(authority, mapped or Mapped(), lambda: authority.now, span=span, in_clear=in_clear)


async def who(proof: Bearer, request: Request) -> Identity | None:
    return await proof.identity(request)  # type: ignore[arg-type]  # of a request it wants no more than this


ZOE = Identity("zoe", frozenset(), "green")


@pytest.mark.parametrize(("span", "life", "known"), [(60, 3_600, 60), (60, 7, 7), (0, 3_600, 0)])
async def test_what_was_said_counts_for_the_span_and_no_longer_than_the_token(span: int, life: int, known: int) -> None:
    authority = Authority(life=life)
    proof = bearer(authority, span=span)
    for _ in range(3):
        assert await who(proof, Request("t1")) == ZOE
    assert len(authority.asked) == (1 if known else 3)
    authority.now += max(0, known - 1)
    before = len(authority.asked)
    await who(proof, Request("t1"))
    assert len(authority.asked) - before == (0 if known else 1)
    authority.now += 1
    await who(proof, Request("t1"))
    assert len(authority.asked) - before == (1 if known else 2)


async def test_a_token_that_is_none_is_refused_for_a_while_without_asking() -> None:
    authority = Authority()
    proof = bearer(authority)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await who(proof, Request("x"))
    assert authority.asked == ["x"]
    authority.now += REFUSED_FOR
    with pytest.raises(Unauthenticated):
        await who(proof, Request("x"))
    assert authority.asked == ["x", "x"]


async def test_that_nobody_answers_is_not_remembered() -> None:
    authority = Authority(away=True)
    proof = bearer(authority)
    for _ in range(2):
        with pytest.raises(Unverifiable) as away:
            await who(proof, Request("t1"))
        assert "10.0.0.1" not in str(away.value)
    authority.away = False
    assert await who(proof, Request("t1")) == ZOE


async def test_only_so_many_tokens_are_known() -> None:
    authority = Authority()
    proof = bearer(authority)
    for number in range(MOST_KNOWN):
        await who(proof, Request(f"t{number}"))
    assert await who(proof, Request("t0")) == ZOE  # wanted again, so t1 is the oldest now
    await who(proof, Request("t-new"))
    asked = len(authority.asked)
    assert await who(proof, Request("t0")) == ZOE
    assert len(authority.asked) == asked
    await who(proof, Request("t1"))
    assert len(authority.asked) == asked + 1


async def test_only_so_many_are_asked_about_at_a_time_and_each_once() -> None:
    authority = Authority(gate=asyncio.Event())
    proof = bearer(authority)
    waiting = [asyncio.create_task(who(proof, Request(f"t{number}"))) for number in range(MOST_QUESTIONS)]
    same = [asyncio.create_task(who(proof, Request("t0"))) for _ in range(10)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await who(proof, Request("t-one-more"))
    same[0].cancel()  # whoever goes takes nothing from the others
    assert authority.gate is not None
    authority.gate.set()
    assert await asyncio.gather(*waiting, *same[1:]) == [ZOE] * (MOST_QUESTIONS + 9)
    assert len(authority.asked) == MOST_QUESTIONS


async def test_only_where_nobody_reads_along() -> None:
    authority = Authority()
    with pytest.raises(Unauthenticated, match="over TLS only"):
        await who(bearer(authority), Request("t1", private=False))
    assert authority.asked == []
    assert await who(bearer(authority, in_clear=True), Request("t1", private=False)) == ZOE


async def test_a_request_without_a_token_proves_nothing() -> None:
    authority = Authority()
    assert await who(bearer(authority), Request(None)) is None
    assert await who(bearer(authority), Request(None, more={"X-Auth-Token": "t1"})) == ZOE
    assert authority.asked == ["t1"]


async def test_groups_are_those_of_the_last_token() -> None:
    authority = Authority(roles=frozenset({"admin", "member"}))
    proof = bearer(authority, Mapped(groups={"admin": ("ops", "night"), "reader": ("x",)}))
    assert proof.groups("zoe") == frozenset()
    assert await who(proof, Request("t1")) == Identity("zoe", frozenset({"ops", "night"}), "green")
    assert proof.groups("zoe") == {"ops", "night"}
    authority.roles = frozenset()
    await who(proof, Request("t2"))
    assert proof.groups("zoe") == frozenset()
