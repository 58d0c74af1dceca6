"""What is decided together, committed together, and answered or taken back together. Knows no SQL and no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from promise.events import Decision, Event, Performed, Undo
    from promise.ledger.journal import Batch, Prepared


class State(Protocol):
    """What the writer needs of the state; everything else of it is between the rooms."""

    def apply(self, event: Event) -> Undo:
        """Make the event true, and return what takes it back exactly. Raises only where we have a bug."""

    def perform(self, events: Sequence[Event], now: int) -> Performed:
        """Make the events of one decision true, in order, and tell what each brought about beyond its record."""

    def consequences(self, now: int) -> Sequence[Event]:
        """Return what follows from the events applied since this was last asked, () when nothing does."""


S = TypeVar("S", bound=State)
S_contra = TypeVar("S_contra", bound=State, contravariant=True)


class Pending(Generic[S]):
    """Somebody who waits for an answer: holds what to answer until that is safe, and survives that he went away."""

    __slots__ = ("_error", "_value", "future")

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self.future = future
        self._value: Any = None
        self._error: Exception | None = None

    def hold(self, value: Any, error: Exception | None = None) -> None:
        """Keep the answer, or the exception that is the answer."""
        self._value, self._error = value, error

    def settle(self) -> None:
        """Give the answer that is held."""
        if self._error:
            self.fail(self._error)
        elif not self.future.done():
            self.future.set_result(self._value)

    def fail(self, error: Exception) -> None:
        """Raise this where he waits."""
        if not self.future.done():
            if isinstance(error, StopIteration):  # a future cannot carry one
                error = RuntimeError(repr(error))
            self.future.set_exception(error)


class Request(Pending[S]):
    """A decision that somebody waits for. `wrote` tells whether it made events, `again` whether it is the last try."""

    __slots__ = ("actor", "again", "decide", "wrote")

    def __init__(self, decide: Callable[[S, int], Decision[Any]], actor: str, future: asyncio.Future[Any]) -> None:
        super().__init__(future)
        self.decide = decide
        self.actor = actor
        self.wrote = False
        self.again = False


class Reading(Pending[S]):
    """A query whose answer has seen what is not yet durable."""

    __slots__ = ("_query",)

    def __init__(self, query: Callable[[S, int], Any], future: asyncio.Future[Any]) -> None:
        super().__init__(future)
        self._query = query

    def evaluate(self, state: S, now: int) -> None:
        """Ask, and hold the answer."""
        try:
            self.hold(self._query(state, now))
        except Exception as error:  # noqa: BLE001 - it is the answer, once it is safe
            self.hold(None, error)


class Group(Generic[S]):
    """The decisions of one transaction, in order, and those who read their effects before these are durable."""

    __slots__ = ("_state", "_undo", "batch", "readings", "requests")

    def __init__(self, state: S, batch: Batch) -> None:
        self._state = state
        self.batch = batch
        self.requests: list[Request[S]] = []
        self.readings: list[Reading[S]] = []
        self._undo: list[Undo] = []

    def transition(self, events: Sequence[Event], actor: str) -> None:
        """Make what fell due true."""
        self._write(actor, self.batch.prepare(actor, events, {}))
        self._follow_up(actor)

    def _write(self, actor: str, prepared: Sequence[Prepared]) -> None:
        """Make the events of one decision true, and add them to the batch with what they have brought about."""
        performed = self._state.perform([each.event for each in prepared], self.batch.at)
        self._undo += performed.undo
        for each, effect in zip(prepared, performed.effects, strict=True):
            self.batch.add(actor, each, effect)

    def _follow_up(self, actor: str) -> None:
        """Make true what follows from what was just applied."""
        while following := tuple(self._state.consequences(self.batch.at)):
            self._write(actor, self.batch.prepare(actor, following, {}))

    def take(self, waiting: Request[S] | Reading[S]) -> None:
        """Decide a request, or answer a query, with the effects of all before it."""
        if isinstance(waiting, Request):
            self.decide(waiting)
        else:
            self.look(waiting, self.batch.at)

    def look(self, reading: Reading[S], now: int) -> None:
        """Answer a query on the state as it is by now, at once where nothing of it can still be lost."""
        reading.evaluate(self._state, now)
        if self.batch.rows:
            self.readings.append(reading)
        else:
            reading.settle()

    def decide(self, request: Request[S]) -> None:
        """Decide one request on the state with the effects of all before it.

        Nothing of it is applied unless all of it can be written; an exception in `apply` is not survived. Where
        nothing was written yet, a refusal is answered at once: all that it saw is durable.
        """
        self.requests.append(request)
        self._decide(request)
        if not self.batch.rows:
            request.settle()
            self.requests.pop()

    def _decide(self, request: Request[S]) -> None:
        request.wrote = False
        try:
            decision = request.decide(self._state, self.batch.at)
            prepared = self.batch.prepare(request.actor, decision.events, decision.secrets)
        except Exception as error:  # noqa: BLE001 - of this request alone
            request.hold(None, error)
            return
        request.hold(decision.answer)
        request.wrote = bool(decision.events)
        if prepared:
            self._write(request.actor, prepared)
            self.batch.secrets.update(decision.secrets)
            self._follow_up(request.actor)

    def undo(self) -> None:
        """Take all effects back, the last first."""
        while self._undo:
            self._undo.pop()()

    def settle(self) -> None:
        """Give all answers: what they rest on is durable."""
        for request in self.requests:
            request.settle()
        for reading in self.readings:
            reading.settle()
