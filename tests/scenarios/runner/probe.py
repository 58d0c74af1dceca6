"""Takes a refusal at its word: what it says would fit must fit, and nothing between and beside that.

Asked with dry runs, so that it changes nothing; that is checked too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from scenarios.runner import messages
from scenarios.runner.arithmetic import FOREVER, Amounts, capacity, every, instant, text
from scenarios.runner.judgement import outcome
from scenarios.runner.words import T0, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element
    from scenarios.runner.play import Player
    from scenarios.runner.story import Step

DAY: Final = 86_400
SEARCH_HORIZON: Final = 365
"""Days after the requested start in which alternatives are looked for, unless the policy says otherwise."""

REASONS: Final = frozenset({"insufficient-capacity", "element-reserved"})

PROBED: Final = frozenset({"create-reservation", "update-reservation"})


@dataclass(frozen=True)
class _Try:
    """A dry run: what is changed in the request, whether it must be granted, and why."""

    change: Mapping[str, Any]
    granted: bool
    why: str


async def untrue(player: Player, what: Step, reply: _Element) -> list[str]:
    """Return what a refusal for want of capacity, or of an element, says that is not so."""
    refusal = next(every(reply, "refusal"), None)
    if what.kind not in PROBED or outcome(reply) not in REASONS or refusal is None:
        return []
    before = player.stage.running.ledger.seq
    tries = list(_tries(player, what, refusal))
    session = await player.stage.session(what.user)
    asked = [
        messages.operation(what.kind, {**_kept(what, each), **each.change, "dry-run": True}, player.words)
        for each in tries
    ]
    answers = await session.pipeline(asked) if asked else []
    player.asked += len(asked)
    wrong = [
        f"{each.why}: a dry run of it is {outcome(answer)}"
        for each, answer in zip(tries, answers, strict=True)
        if each.granted != (outcome(answer) == "ok")
    ]
    if player.stage.running.ledger.seq != before:
        wrong.append("dry runs have written to the journal")
    return wrong + list(_odd(what, refusal, outcome(reply)))


def _kept(what: Step, each: _Try) -> dict[str, Any]:
    """Return what of the request a try keeps: a capacity stands for its containers as well, and is tried alone."""
    left_out = {"containers", "elements"} if "capacity" in each.change else set()
    return {name: value for name, value in what.given.items() if name not in left_out}


def _odd(what: Step, refusal: _Element, reason: str) -> Iterator[str]:
    """Yield what cannot be true of the shortfalls and of what is held, whatever there is."""
    short = list(every(refusal, "shortfall"))
    if bool(short) != (reason == "insufficient-capacity"):
        yield "a refusal for want of capacity names what is short, and no other does"
    if reason == "element-reserved" and not list(every(refusal, "held-element")):
        yield "a refusal for a held element names it"
    for each in short:
        if int(text(each, "available") or 0) >= int(text(each, "requested") or 0):
            yield f"of {text(each, 'resource')} enough is available"
        if instant(text(each, "from")) >= instant(text(each, "to")):
            yield f"{text(each, 'resource')} is short for no time"
    if what.kind == "create-reservation" and text(refusal, "provider-id") is None:
        yield "a refusal names the provider that it is about"


def _tries(player: Player, what: Step, refusal: _Element) -> Iterator[_Try]:
    given = what.given
    said = given.get("start")
    first = player.now() if said is None else max(player.now(), instant(player.words.text(said)))
    on = {"provider-id": text(refusal, "provider-id")}
    if what.kind == "create-reservation":
        end = instant(player.words.text(given["end"])) if "end" in given else FOREVER
        yield from (_Try({**each.change, **on}, each.granted, each.why) for each in _amounts(refusal))
    else:
        end = FOREVER
    horizon = first + DAY * player.story.policy.get("search-horizon", SEARCH_HORIZON)
    last = first - 1
    for other in every(refusal, "alternative"):
        start, latest = instant(text(other, "start")), instant(text(other, "latest-start"))
        length = instant(text(other, "end")) - start if text(other, "end") else None
        if what.kind == "create-reservation" and end < FOREVER and length != end - first:
            yield _Try(on, granted=True, why=f"the alternative of {length} s has another length than the request")
        for at, granted in ((start, True), (start - 1, False), (last + 1, False), (latest, True), (latest + 1, False)):
            if what.kind == "update-reservation" and not granted:
                continue  # from when on it looks is a matter of the reservation, not of the request
            if first <= at <= horizon and not (at == start and not granted):
                yield _Try({**on, **_window(at, length)}, granted, f"start at {at - T0:+} s from T0")
        last = latest


def _window(start: int, length: int | None) -> dict[str, str]:
    moments = {"start": start} if length is None else {"start": start, "end": start + length}
    return {name: written(datetime.fromtimestamp(at, UTC)) for name, at in moments.items()}


def _amounts(refusal: _Element) -> Iterator[_Try]:
    """Yield that all of max-capacity fits together, and that one more of any of it does not."""
    most: Amounts = {name: amount for name, amount in capacity(refusal, "max-capacity").items() if amount}
    if not most:
        return
    yield _Try({"capacity": _said(most)}, granted=True, why=f"max-capacity {most}")
    for name in most:
        more = {**most, name: most[name] + 1}
        yield _Try({"capacity": _said(more)}, granted=False, why=f"more than max-capacity: {more}")


def _said(amounts: Amounts) -> dict[str, Any]:
    leaves: dict[str, Any] = {name: amount for name, amount in amounts.items() if name.islower()}
    custom = [{"resource-class": name, "amount": amount} for name, amount in amounts.items() if not name.islower()]
    return {**leaves, "custom": custom} if custom else leaves
