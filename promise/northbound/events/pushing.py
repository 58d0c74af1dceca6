"""A subscription to a datastore (RFC 8641): what it holds is pushed every so often, or whenever it has changed.

What is compared are the children of the top-level nodes: a container, or one entry of a list. A change of one of them
is one edit of a YANG Patch (RFC 8072). The state changes only with a commit, so a look after each one finds every
change; what changes there and back within the dampening period is not told (RFC 8641 section 3.3). What may not be read
any more, because the rules have changed, is told as deleted (section 3.9).
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lxml import etree

from promise.clock import first_of
from promise.errors import AnswerTooBig, Invalid
from promise.northbound.events.dynamic import OVER
from promise.northbound.events.patch import Parts, edits, parts_of
from promise.northbound.events.statement import PUSH, SUBSCRIBED, Statement, change_of_state
from promise.northbound.events.telling import documents
from promise.northbound.events.touched import Touched
from promise.northbound.treejson import members

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

    from lxml.etree import _Element

    from promise.events import Entry
    from promise.northbound.datastore import Node
    from promise.northbound.events.notice import Notice
    from promise.northbound.events.patch import Edit
    from promise.northbound.events.stream import EventStream

YANG_PUSH: Final = "urn:ietf:params:xml:ns:yang:ietf-yang-push"

HUNDREDTH: Final = 100
"""Periods are in hundredths of a second."""


class Look(NamedTuple):
    """How what is selected of the datastore is read.

    `read` returns all of it, or what of it is touched (None = nothing of that is). That can be asked for where the
    filter is `local`: what it selects of a part does not depend on others.
    """

    read: Callable[[Touched | None], Awaitable[Sequence[_Element] | None]]
    local: bool = False


LARGEST: Final = 64 * 2**20
"""Bytes that are pushed at once, at most."""


@dataclass(frozen=True, slots=True)
class Periodic:
    """Everything, every `period` hundredths of a second, so that one push is at the `anchor` (seconds)."""

    period: int
    anchor: int | None = None

    def following(self, now: int) -> float:
        """Return the next moment of a push after now."""
        seconds = self.period / HUNDREDTH
        if self.anchor is None:
            return now + seconds
        return self.anchor + ((now - self.anchor) // seconds + 1) * seconds


@dataclass(frozen=True, slots=True)
class OnChange:
    """What has changed, at most once in `dampening` hundredths; everything first, if `sync`."""

    dampening: int = 0
    sync: bool = True
    excluded: frozenset[str] = frozenset()


class Push:
    """See `port.Subscription` and `restconf.streaming.Source`.

    `look` reads what is selected, of which at most `largest` bytes are pushed at once.
    """

    excluded = 0
    """No event is excluded: what is told is made for it alone."""

    def __init__(
        self,
        number: int,
        events: EventStream,
        nodes: Mapping[str, Node],
        look: Look,
        trigger: Periodic | OnChange,
        stop: int | None = None,
        *,
        largest: int = LARGEST,
    ) -> None:
        self._largest = largest
        self.number = number
        self.over = False
        self.sent = 0
        self.suspended = False
        """Whether what is selected can not be told at the moment."""
        self.trigger = trigger
        self.stop = stop
        self._events = events
        self._nodes = nodes
        self._look = look
        self._commits = events.listen(self, self._note)
        self._touched = Touched()
        self._woken = asyncio.Event()
        self._aside: deque[Notice] = deque()
        self._ending: Notice | None = None
        self._patches = 0
        self._known: Parts | None = None
        self._whole = isinstance(trigger, Periodic) or trigger.sync
        self._next: float | None = None
        """When the next push of everything is due, or when the dampening period is over."""

    async def begin(self) -> None:
        """Note what there is, where that is not pushed first."""
        if not self._whole:
            self._known = parts_of(await self._look.read(None) or (), self._nodes)

    def change(
        self,
        look: Look | None,
        trigger: Periodic | OnChange | None,
        stop: int | None,
    ) -> None:
        """Let it be about something else from now on; None = as before. What is selected anew is pushed whole."""
        self._look = look or self._look
        self.trigger, self.stop = trigger or self.trigger, stop if stop is not None else self.stop
        self._next = None
        if isinstance(self.trigger, Periodic):
            self._next = self.trigger.following(self._events.clock.now())
            self._whole = self._whole or look is not None
        elif look is not None:
            self._known, self._whole = None, self.trigger.sync
        self._woken.set()

    def say(self, notice: Notice) -> None:
        """Tell its receiver something, next."""
        self._aside.append(notice)
        self._woken.set()

    def end(self, reason: str, module: str = SUBSCRIBED) -> None:
        """End it on somebody else's behalf, and say so."""
        if self._ending is None:
            now = self._events.now()
            self._ending = change_of_state("subscription-terminated", now, self.number, reason, module)
        self._woken.set()

    def resync(self) -> None:
        """Push everything, now (section 3.4 of RFC 8641)."""
        self._whole = True
        self._woken.set()

    def rewind(self, behind: tuple[int, int]) -> None:
        """Begin anew for a reader who comes back: nobody knows what of the last push he has."""
        del behind
        if isinstance(self.trigger, OnChange) and self.trigger.sync:
            self.resync()

    def close(self) -> None:
        """End it without a word."""
        self.over = True
        self._events.ignore(self)
        self._woken.set()

    def wake(self) -> None:
        """Let `news` return."""
        self._woken.set()

    def documents(self) -> AsyncGenerator[Callable[[], bytes], None]:
        """Return what writes one <notification> after the other."""
        return documents(self)

    async def take(self) -> Sequence[tuple[Notice, Sequence[str]]] | None:
        """Return what is told next, None when there is nothing yet; when it was told that it ends, it is over."""
        if self.over:
            return None
        found = [self._aside.popleft() for _ in range(len(self._aside))]
        if self._ending is None and self.stop is not None and self._events.clock.now() > self.stop:
            self.end(OVER)
        if self._ending is not None:
            found.append(self._ending)
            self.close()
        elif (update := await self._update()) is not None:
            self.sent += 1
            found.append(update)
        return [(notice, ()) for notice in found] or None

    async def news(self) -> None:
        """Wait until a push is due, a commit comes, somebody wants something, or the end."""
        if self.over:
            return
        clock = self._events.clock
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self._woken.wait())]
        if self._next is not None:
            waits.append(asyncio.create_task(self._reach(self._next)))
        elif not isinstance(self.trigger, Periodic):
            waits.append(asyncio.create_task(self._commits.wait()))
        if self.stop is not None:
            waits.append(asyncio.create_task(clock.sleep_until(self.stop + 1)))
        await first_of(waits)
        self._woken.clear()

    async def _reach(self, moment: float) -> None:
        await self._events.clock.sleep_until(moment)
        self._next = None
        self._whole = self._whole or isinstance(self.trigger, Periodic)

    async def _update(self) -> Notice | None:
        """Return the push that is due."""
        quiet = self._next is not None or isinstance(self.trigger, Periodic)
        if not self._whole and (quiet or not self._commits.is_set()):
            return None
        self._commits.clear()
        told: Notice | None = None
        touched, self._touched = self._touched, Touched()
        try:
            told = await self._pushed(touched)
        except AnswerTooBig:
            told = self._suspend("update-too-big", PUSH)
        except Invalid:  # an expression that has become too dear
            told = self._suspend("insufficient-resources", SUBSCRIBED)
        if isinstance(self.trigger, Periodic):
            self._next = self.trigger.following(self._events.clock.now())
        elif told is not None and self.trigger.dampening:
            self._next = self._events.clock.now() + self.trigger.dampening / HUNDREDTH
        return told

    def _suspend(self, reason: str, module: str) -> Notice | None:
        """Say, once, that nothing is told for the moment."""
        if self.suspended:
            return None
        self.suspended = True
        self._touched = Touched(everything=True)
        return change_of_state("subscription-suspended", self._events.now(), self.number, reason, module)

    def _note(self, entries: Sequence[Entry]) -> None:
        if not isinstance(self.trigger, Periodic):
            self._touched.note(entries)

    async def _pushed(self, touched: Touched) -> Notice | None:
        """Return the push; the first one after a suspension is told behind that it is over."""
        told: Notice | None
        if self._whole or isinstance(self.trigger, Periodic):
            found = await self._look.read(None) or ()
            told = self._everything(found)
            self._known = parts_of(found, self._nodes) if isinstance(self.trigger, OnChange) else None
        else:
            told = await self._changed(touched)
        self._whole = False
        if self.suspended and told is not None:
            self.suspended = False
            self._aside.append(told)
            return change_of_state("subscription-resumed", self._events.now(), self.number)
        return told

    async def _changed(self, touched: Touched) -> Notice | None:
        """Return what has changed since the last look; only what commits have touched is read, where that is known."""
        known = self._known
        some = None if known is None or touched.everything or not self._look.local else touched
        found = await self._look.read(some)
        if found is None:
            return None
        now = parts_of(found, self._nodes)
        before = known or {}
        if some is not None:
            before = {path: before[path] for path in some.paths & before.keys()}
        changed = [] if known is None else [one for one in edits(before, now) if self._wants(one)]
        told = self._patch(changed) if changed else None
        if some is None or known is None:
            self._known = now
        else:
            for path in before:
                del known[path]
            known.update(now)
        return told

    def _wants(self, edit: Edit) -> bool:
        return isinstance(self.trigger, OnChange) and edit.operation not in self.trigger.excluded

    def _everything(self, found: Sequence[_Element]) -> Notice:
        contents = b"".join(etree.tostring(element, with_tail=False) for element in found)
        if len(contents) > self._largest:
            raise too_big(len(contents))
        inside = b"<id>%d</id><datastore-contents>%b</datastore-contents>" % (self.number, contents)
        body = lambda: {"id": self.number, "datastore-contents": members(found, self._nodes)}  # noqa: E731 - short
        return Statement(PUSH, "push-update", self._events.now(), inside, body)

    def _patch(self, told: Sequence[Edit]) -> Notice:
        """Return the changes as a YANG Patch."""
        self._patches += 1
        numbered = list(enumerate(told, 1))
        patch = b"".join(edit.xml(number) for number, edit in numbered)
        if len(patch) > self._largest:
            raise too_big(len(patch))
        inside = (
            b"<id>%d</id><datastore-changes><yang-patch><patch-id>%d</patch-id>%b</yang-patch></datastore-changes>"
            % (self.number, self._patches, patch)
        )
        patch_id = str(self._patches)

        def body() -> dict[str, Any]:
            said = {"patch-id": patch_id, "edit": [edit.json(number) for number, edit in numbered]}
            return {"id": self.number, "datastore-changes": {"yang-patch": said}}

        return Statement(PUSH, "push-change-update", self._events.now(), inside, body)

    def written(self, notice: Notice) -> bytes:
        """Return the notification; nothing when it was deleted meanwhile, but to say that it ends."""
        return b"" if self.over and self._ending is None else notice.document


def too_big(size: int, hint: str = "") -> AnswerTooBig:
    """Return what says that a push of so many bytes is not made; `hint` is the structure that the hints stand in."""
    taken, most = size // 1024, LARGEST // 1024
    error = AnswerTooBig(f"what is selected takes {taken} kB, and a push has at most {most} kB: select less")
    if hint:
        error.hints = ((hint, (("kilobytes-estimate", taken), ("kilobytes-limit", most))),)
    return error
