"""Compares what consumers were told with what is there after a restart.

What was acknowledged must be there, exactly so. What was sent and not answered may be there or not, but whole and
once; the book is told which it is, and that holds from then on. What was refused has left nothing, and nothing is
there that nobody asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from crash.book import Fate
from crash.terms import possible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from crash.book import Book, Launched, Offered, Promised, Subject
    from crash.records import Instance, Pool, Reservation
    from crash.shown import Shown


class Made(Protocol):
    """A record that somebody's request has made."""

    @property
    def id(self) -> str:
        """Its key."""

    @property
    def owner(self) -> str:
        """Who asked for it."""

    @property
    def created(self) -> int:
        """When that was decided."""


R = TypeVar("R", bound=Made)
S = TypeVar("S", bound="Subject")

LEAVING = frozenset({"DELETING", "DELETED"})
HERE = frozenset({"INITIALIZED", "BUILD", "ACTIVE"})


def settle(book: Book, shown: Shown, since: int, until: int) -> int:
    """Compare with what was shown between two moments; return how much was there that nobody had acknowledged."""
    records, setting = shown.records, book.alternatives
    assert shown.alternatives in {setting.value, *setting.edits}, f"alternatives is {shown.alternatives}, not {setting}"
    setting.value = shown.alternatives
    setting.edits.clear()
    unanswered = {subject.name for subject in book.subjects() if subject.fate is Fate.OPEN}
    for pool, offer in _pairs(book.offered, records.pools.values(), lambda found: found.note, until):
        _check_pool(pool, offer)
    for promised, claim in _pairs(book.promised, records.reservations.values(), lambda found: found.name, until):
        _settle_reservation(promised, claim, since, until)
    for launched, instance in _pairs(book.launched, records.instances.values(), lambda found: found.name, until):
        _settle_instance(launched, instance, records.reservations)
    return sum(subject.fate is Fate.GRANTED for subject in book.subjects() if subject.name in unanswered)


def _pairs(
    asked: Mapping[str, S], found: Iterable[R], name_of: Callable[[R], str], until: int
) -> Iterator[tuple[S, R]]:
    """Yield each subject that is there with its record; assert that each of them has the other, and only that."""
    named: dict[str, list[R]] = {}
    for record in found:
        named.setdefault(name_of(record), []).append(record)
    strange = sorted(named.keys() - asked.keys())
    assert not strange, f"nobody asked for {strange}"
    for name, subject in asked.items():
        records = named.get(name, [])
        assert len(records) <= 1, f"{name} is there {len(records)} times"
        if subject.fate is Fate.OPEN:
            _learn(subject, records, until)
        if subject.fate is Fate.GRANTED:
            assert records, f"{name} was acknowledged, and is lost"
            _check_origin(subject, records[0])
            yield subject, records[0]
        else:
            assert not records, f"{name} was refused or lost, and is there: {records}"


def _learn(subject: Subject, records: Iterable[Made], until: int) -> None:
    """Take over what became of a request that was not answered."""
    for record in records:
        subject.granted(record.id, until)
        return
    subject.refused(until)


def _check_origin(subject: Subject, record: Made) -> None:
    assert (record.id, record.owner) == (subject.id, subject.user.name), f"{subject} is {record}"
    assert subject.answered is not None
    assert subject.sent <= record.created <= subject.answered, f"{subject} was decided at another time: {record}"


def _check_pool(asked: Offered, record: Pool) -> None:
    expected = (asked.capacity, asked.zone, max(asked.start, record.created), asked.end, "increase")
    assert (record.capacity, record.zone, record.start, record.end, record.direction) == expected, (asked, record)


def _settle_reservation(promised: Promised, record: Reservation, since: int, until: int) -> None:
    """Find out which changes that were not answered were accepted: the record must be one of what is possible."""
    agreed = promised.terms or promised.agreed(record.created)
    candidates = possible(agreed, promised.changes)
    matching = [terms for terms in candidates if terms.shown_by(record, since, until)]
    assert matching, f"{record} is none of {candidates}"
    assert record.project == promised.user.project, record
    assert not record.degraded, f"{record} is degraded, and the cloud has lost nothing"
    promised.terms = matching[0]
    promised.changes.clear()


def _settle_instance(launched: Launched, record: Instance, reservations: Mapping[str, Reservation]) -> None:
    """Find out whether a request to end it that was not answered was accepted."""
    if launched.destroyed is Fate.OPEN:
        launched.destroyed = Fate.GRANTED if record.vm_state in LEAVING else None
    assert record.vm_state in _states(launched), f"{launched} is {record}"
    assert launched.server in {None, record.server}, f"{launched} has another server: {record}"
    assert record.capacity == launched.capacity, f"{launched} is not {record}"
    assert record.project == launched.user.project, record
    claim = reservations.get(launched.reservation.id) if launched.reservation else None
    expected = claim.id if claim and claim.live else None
    assert record.reservation == expected or not record.counted, f"{launched} is not where it belongs: {record}"
    launched.server, launched.gone = record.server, record.vm_state == "DELETED"


def _states(launched: Launched) -> frozenset[str]:
    """Return the states in which an instance may be."""
    if launched.gone:
        return frozenset({"DELETED"})
    if launched.destroyed is Fate.GRANTED:
        return LEAVING
    if launched.rejected:
        return frozenset({"ERROR"})
    return HERE | {"ERROR"} if launched.fragile else HERE
