"""One consumer: a session that keeps asking, now and then several things at once, and writes down what it is told."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import asyncssh
from crash.asking import Cancel, Create, Destroy, Edit, Increase, Launch, Update, made_by
from crash.book import Book, Fate, Launched, Market, Offered, Promised, User
from crash.terms import Change, Terms
from lxml import etree
from netconf_client import NC, Closed, chunked, rpc_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from crash.asking import Request
    from crash.book import Subject
    from crash.records import Capacity
    from netconf_client import NetconfClient

    from promise.clock import Clock

HOUR: Final = 3600
SLOTS: Final = 24
"""Reservations for later lie within so many hours, so that they meet."""
MOST_RESERVATIONS: Final = 12
MOST_LASTING: Final = 3
MOST_INSTANCES: Final = 6
MOST_POOLS: Final = 8
FLAVORS: Final = ("m1.tiny", "m1.medium")
FRAGILE: Final = "fragile"
"""What the cloud refuses has this in its name."""


class Shot(Protocol):
    """Ends the server at some moment; is told of what happens."""

    def heard(self) -> None:
        """Note that a request was sent, or that an answer came."""


class Consumer:
    """Asks for things under names that begin with `name`, over one session after the other.

    Instances only belong to lasting reservations, which have no end: when such a one is cancelled they stay, and take
    no more than was promised to it. So nothing may ever be oversold, not even by what stays. One consumer at most
    `edits` the configuration.
    """

    def __init__(self, name: str, user: User, market: Market, book: Book, clock: Clock) -> None:
        self.name = name
        self.user = user
        self._market = market
        self._book = book
        self._clock = clock
        self.edits = False
        self._count = 0
        self._promised: list[Promised] = []
        self._launched: list[Launched] = []
        self._offered: list[Offered] = []
        self._keyed: list[Request] = []
        self._open: list[Request] = []
        self._rng = random.Random()

    async def work(self, client: NetconfClient, seed: str, shot: Shot) -> None:
        """Ask until the server is gone; everything that it has answered before is taken in.

        What was asked with a key and not answered in the last session is asked first, in the same words.
        """
        self._rng = random.Random(f"{seed}/{self.name}")
        order: list[str] = []
        again = [request for request in self._open if self._sent_again(request, order)]
        self._book.orders.append(order)
        try:
            await self._ask(client, again, shot)
            while True:
                await self._ask(client, [self._request(order) for _ in range(self._rng.choice((1, 1, 2, 3, 5)))], shot)
        except (Closed, OSError, asyncssh.Error):
            return

    def _sent_again(self, request: Request, order: list[str]) -> bool:
        """Tell whether a request is to be asked again, and note when it makes something only now."""
        subject = made_by(request)
        if subject is None or not subject.keyed:
            return False
        if subject.sent_again(self._clock.now()):
            for earlier in self._book.orders:
                earlier[:] = [name for name in earlier if name != subject.name]
            order.append(subject.name)
        return True

    async def _ask(self, client: NetconfClient, batch: list[Request], shot: Shot) -> None:
        """Send some requests at once, and take the answers, which come in order."""
        first = self._book.sent
        self._book.sent += len(batch)
        self._open = list(batch)
        client.send(
            b"".join(chunked(rpc_message(request.xml, str(number))) for number, request in enumerate(batch, first))
        )
        shot.heard()
        for number, request in enumerate(batch, first):
            reply = await client.receive_element()
            assert reply.get("message-id") == str(number), "answers do not come in order"
            assert reply.find(NC + "rpc-error") is None, etree.tostring(reply)
            request.answered(reply, self._clock.now())
            self._open.pop(0)
            self._book.answered += 1
            shot.heard()

    # ---- what to ask for next

    def _request(self, order: list[str]) -> Request:
        """Make up a request, and enter it into the book; what makes something is noted in `order`."""
        now = self._clock.now()
        live = [one for one in self._promised if one.terms and not one.terms.over(now + 1)]
        lasting = [one for one in live if one.terms and one.terms.end is None]
        running = [one for one in self._launched if one.fate is Fate.GRANTED and not one.destroyed]
        granted = [one for one in self._keyed if (made := made_by(one)) and made.fate is Fate.GRANTED]
        full, crowded = len(live) > MOST_RESERVATIONS, len(running) > MOST_INSTANCES
        kinds: dict[Callable[[], Request], float] = {
            partial(self._create, order, now, lasting=False): 1 if full else 8,
            partial(self._create, order, now, lasting=True): 2 if len(lasting) < MOST_LASTING else 0,
            partial(self._update, live, now): 5 if live else 0,
            partial(self._cancel, live): (8 if full else 2) if live else 0,
            partial(self._launch, order, now, lasting): 0 if crowded else 3,
            partial(self._destroy, running): (4 if crowded else 1) if running else 0,
            partial(self._repeat, granted): 1 if granted else 0,
            partial(self._increase, order, now): 1 if self._may_increase else 0,
            self._edit: 1 if self.edits else 0,
        }
        return self._rng.choices(list(kinds), list(kinds.values()))[0]()

    @property
    def _may_increase(self) -> bool:
        return not self.user.project and len(self._offered) < MOST_POOLS

    def _new_name(self, order: list[str], mark: str = "") -> str:
        self._count += 1
        order.append(f"{self.name}-{self._count}{mark}")
        return order[-1]

    def _capacity(self, most: int) -> Capacity:
        cores = self._rng.randint(1, most)
        return {"cores": cores, "ram": 1024 * self._rng.randint(1, most), "instances": self._rng.randint(1, cores)}

    def _window(self, now: int) -> tuple[int, int | None]:
        """Return a start, 0 = now, and an end: mostly hours ahead, now and then some seconds."""
        match self._rng.choice(("later", "later", "later", "soon", "brief")):
            case "later":
                start = self._market.began + HOUR * self._rng.randint(1, SLOTS)
                return start, start + HOUR * self._rng.randint(1, 6)
            case "soon":
                return now + self._rng.randint(1, 4), self._market.began + HOUR * self._rng.randint(1, SLOTS)
        return 0, now + self._rng.randint(2, 6)

    def _create(self, order: list[str], now: int, *, lasting: bool) -> Request:
        """Ask for a reservation: a lasting one for instances, or one over a window, in which there are none."""
        rng = self._rng
        start, end = (0, None) if lasting else self._window(now)
        capacity = self._capacity(4 if lasting or rng.random() < 0.9 else 60)
        zone = rng.choice((None, *self._market.zones))
        expiry = None if lasting or rng.random() < 0.8 else max(start, now) + rng.randint(1, 5)
        asked = Terms(capacity, start, end, zone, rng.choice(("high", "normal", "low")), expiry)
        promised = Promised(self._new_name(order), self.user, now, asked=asked)
        self._promised.append(promised)
        self._book.promised[promised.name] = promised
        return self._entered(Create(promised), promised)

    def _repeat(self, granted: list[Request]) -> Request:
        return self._rng.choice(granted)

    def _entered(self, request: Request, subject: Subject) -> Request:
        """Give every other request that makes something a key, and remember it."""
        if self._rng.random() < 0.5:
            subject.keyed = True
            self._keyed.append(request)
        return request

    def _update(self, live: list[Promised], now: int) -> Request:
        rng, promised = self._rng, self._rng.choice(live)
        assert promised.terms is not None
        end = promised.terms.end
        if end is not None and rng.random() < 0.5:
            end = max(end, now) + rng.choice((1, HOUR))
        version = promised.terms.version if rng.random() < 0.3 else None
        change = Change(self._capacity(5), end, rng.choice((None, "high", "low")), version)
        promised.changes.append(change)
        return Update(promised, change)

    def _cancel(self, live: list[Promised]) -> Request:
        promised = self._rng.choice(live)
        promised.changes.append(Change(cancel=True))
        return Cancel(promised, promised.changes[-1])

    def _launch(self, order: list[str], now: int, lasting: list[Promised]) -> Request:
        rng, fragile = self._rng, self._rng.random() < 0.1
        flavor = rng.choice(FLAVORS)
        reservation = rng.choice(lasting) if lasting and rng.random() < 0.8 else None
        launched = Launched(self._new_name(order, f"-{FRAGILE}" if fragile else ""), self.user, now)
        launched.capacity, launched.reservation, launched.fragile = self._market.needs[flavor], reservation, fragile
        self._launched.append(launched)
        self._book.launched[launched.name] = launched
        return self._entered(Launch(launched, flavor), launched)

    def _destroy(self, running: list[Launched]) -> Request:
        launched = self._rng.choice(running)
        launched.destroyed = Fate.OPEN
        return Destroy(launched)

    def _increase(self, order: list[str], now: int) -> Request:
        start, end = self._window(now)
        zone = self._rng.choice((None, *self._market.zones))
        offered = Offered(
            self._new_name(order), self.user, now, capacity=self._capacity(6), start=start, end=end, zone=zone
        )
        self._offered.append(offered)
        self._book.offered[offered.name] = offered
        return self._entered(Increase(offered, self._market.provider), offered)

    def _edit(self) -> Request:
        setting = self._book.alternatives
        setting.edits.append(self._rng.randint(0, 9))
        return Edit(setting, setting.edits[-1])
