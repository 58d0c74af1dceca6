"""Notifications in a story: `subscribe` on a user's session, and `expect-notifications`: these, in order, no others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from lxml import etree
from scenarios.runner.comparison import check_names, inside, local
from scenarios.runner.judgement import StoryFailed
from scenarios.runner.words import StoryError

from promise.errors import Invalid
from promise.northbound import bindings as yang

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element
    from netconf_client import NetconfClient
    from scenarios.runner.play import Player
    from scenarios.runner.story import Step
    from scenarios.runner.words import Words

PATIENCE: Final = 20.0
"""Seconds after which a notification that has not come is missing."""

FENCE: Final = '<get xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><filter type="subtree"/></get>'
"""A request to which the answer shows nothing."""

PARAMETERS: Final = ("stream", "filter", "startTime", "stopTime")
ABOUT_ITSELF: Final = frozenset({"replayComplete", "notificationComplete"})


async def subscribe(player: Player, what: Step) -> None:
    """Create a subscription; `filter` is the XML inside the filter."""
    given: Mapping[str, Any] = what.given or {}
    if strange := [name for name in given if name not in PARAMETERS]:
        raise StoryError(f"step {what.place}: a subscription has no {', '.join(strange)}")
    text = {name: player.words.text(given[name]) for name in PARAMETERS if name in given}
    await (await player.stage.session(what.user)).subscribe("".join(f"<{key}>{text[key]}</{key}>" for key in text))


OF_SESSIONS = b"<netconf-session-"
"""What is told of sessions, the runner's own ones: no story is about them."""


async def expect(player: Player, what: Step) -> None:
    """Take what the user is told, and compare it with what the story expects."""
    session = await player.stage.session(what.user)
    told = [etree.fromstring(each) for each in await _taken(session, len(what.given))]
    wrong = list(_wrong(what, told, player.words))
    if wrong:
        shown = etree.Element("told")
        shown.extend(told)
        raise StoryFailed(what.place, wrong, reply=shown)


async def _taken(session: NetconfClient, count: int) -> list[bytes]:
    """Return so many notifications, fewer when they do not come, and those that come too many."""
    taken: list[bytes] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while len(taken) < count:
                told = await session.notification()
                taken += [] if OF_SESSIONS in told else [told]
    except TimeoutError:
        return taken
    await session.rpc(FENCE)
    await session.rpc(FENCE)
    taken += [told for told in session.notifications if OF_SESSIONS not in told]
    session.notifications.clear()
    return taken


def _wrong(what: Step, told: list[_Element], words: Words) -> Iterator[str]:
    if len(told) != len(what.given):
        yield f"{len(what.given)} notifications were expected, {len(told)} came"
        return
    for number, (expected, notification) in enumerate(zip(what.given, told, strict=True), 1):
        event = notification[1]
        name, said = (expected, {}) if isinstance(expected, str) else next(iter(expected.items()))
        if local(event) != name:
            yield f"notification {number} must be {name}, and is {local(event)}"
        elif name not in ABOUT_ITSELF:
            yield from _invalid(name, event)
            check_names(yang.NOTIFICATIONS[name].body, said, name)
            yield from inside(said, event, words, f"{number}. {name}")


def _invalid(name: str, event: _Element) -> Iterator[str]:
    try:
        yang.NOTIFICATIONS[name].decode_xml(event)
    except Invalid as error:
        yield f"the notification is not valid: {error.path}: {error}"
