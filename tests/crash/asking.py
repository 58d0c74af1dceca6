"""The seven requests of the load: how each is said, and what its answer writes into the book."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from crash.book import Fate
from crash.shown import NAMESPACE, P, moment_in, reservation_in, text_in
from lxml import etree
from netconf_client import NC

if TYPE_CHECKING:
    from crash.book import Launched, Offered, Promised, Setting, Subject
    from crash.records import Capacity
    from crash.terms import Change, Terms
    from lxml.etree import _Element


class Request(Protocol):
    """Something to ask for."""

    @property
    def xml(self) -> str:
        """Return the operation."""

    def answered(self, output: _Element, moment: int) -> None:
        """Write into the book what the answer says, at the moment at which it came."""


def _operation(name: str, /, **leaves: str | int | None) -> str:
    inside = "".join(f"<{leaf}>{value}</{leaf}>" for key, value in leaves.items() if value is not None
                     for leaf in [key.replace("_", "-")])  # fmt: skip
    return f'<{name} xmlns="{NAMESPACE}">{inside}</{name}>'


def _amounts(capacity: Capacity) -> str:
    return "".join(f"<{name}>{amount}</{name}>" for name, amount in capacity.items())


def _written(moment: int | None) -> str | None:
    return None if not moment else datetime.fromtimestamp(moment, UTC).isoformat()


def _ok(output: _Element, *reasons: str) -> bool:
    """Tell whether a request was granted; a refusal must have one of these reasons."""
    if text_in(output, "result") == "ok":
        return True
    reason = text_in(output, "reason").rpartition(":")[2]
    assert reason in reasons, etree.tostring(output)
    return False


def _key(subject: Subject) -> str | None:
    return subject.name if subject.keyed else None


def _check_repeated(output: _Element, leaf: str, subject: Subject) -> None:
    """Assert that what was asked for again is what was granted before."""
    assert text_in(output, leaf) == subject.id, f"{subject} was asked for again: {etree.tostring(output)!r}"


LATE = ("window-past", "window-invalid")
"""Why a short window is refused when the request was decided later than it was meant."""


@dataclass(frozen=True)
class Create:
    """create-reservation."""

    promised: Promised

    @property
    def xml(self) -> str:
        asked = self.promised.asked
        return _operation(
            "create-reservation",
            start=_written(asked.start),
            end=_written(asked.end),
            capacity=_amounts(asked.capacity),
            zone=asked.zone,
            name=self.promised.name,
            priority=asked.priority,
            expiry=_written(asked.expiry),
            idempotency_key=_key(self.promised),
        )

    def answered(self, output: _Element, moment: int) -> None:
        promised = self.promised
        if promised.fate is Fate.GRANTED:
            _check_repeated(output, "reservation-id", promised)
            return
        if not _ok(output, "insufficient-capacity", *LATE):
            promised.refused(moment)
            return
        promised.granted(text_in(output, "reservation-id"), moment)
        promised.terms = promised.agreed(moment_in(output, "start") or 0)
        assert promised.sent <= moment, promised
        assert promised.terms.start in {promised.asked.start, *range(promised.sent, moment + 1)}, promised
        assert promised.terms.end == moment_in(output, "end"), promised


@dataclass(frozen=True)
class Update:
    """update-reservation."""

    promised: Promised
    change: Change

    @property
    def xml(self) -> str:
        change = self.change
        return _operation(
            "update-reservation",
            reservation_id=self.promised.id,
            end=_written(change.end),
            capacity=_amounts(change.capacity) or None,
            priority=change.priority,
            if_version=change.if_version,
        )

    def answered(self, output: _Element, moment: int) -> None:
        expected = _answered(self.promised, self.change)
        changed = () if self.change.if_version is None else ("changed",)
        if _ok(output, "insufficient-capacity", "below-allocations", "ended", *changed, *LATE):
            found = output.find(P + "reservation")
            assert found is not None
            assert expected.shown_by(reservation_in(found), self.promised.sent, moment), (expected, self.promised)
            self.promised.terms = expected


@dataclass(frozen=True)
class Cancel:
    """cancel-reservation."""

    promised: Promised
    change: Change

    @property
    def xml(self) -> str:
        return _operation("cancel-reservation", reservation_id=self.promised.id)

    def answered(self, output: _Element, moment: int) -> None:
        expected = _answered(self.promised, self.change)
        if _ok(output, "ended"):
            self.promised.terms = expected
        else:
            assert self.promised.terms is not None
            assert self.promised.terms.over(moment), self.promised


def _answered(promised: Promised, change: Change) -> Terms:
    """Take the change out of those that are not answered; return what it makes of the terms if it was accepted."""
    assert promised.terms is not None
    assert promised.changes.pop(0) is change, "answers do not come in order"
    return change.applied(promised.terms)


@dataclass(frozen=True)
class Increase:
    """increase-capacity."""

    offered: Offered
    source: str

    @property
    def xml(self) -> str:
        offered = self.offered
        return _operation(
            "increase-capacity",
            source=self.source,
            zone=offered.zone,
            start=_written(offered.start),
            end=_written(offered.end),
            capacity=_amounts(offered.capacity),
            note=offered.name,
            idempotency_key=_key(offered),
        )

    def answered(self, output: _Element, moment: int) -> None:
        if self.offered.fate is Fate.GRANTED:
            _check_repeated(output, "pool-id", self.offered)
        elif _ok(output, "exceeds-provider", *LATE):
            self.offered.granted(text_in(output, "pool-id"), moment)
        else:
            self.offered.refused(moment)


@dataclass(frozen=True)
class Launch:
    """create-instance."""

    launched: Launched
    flavor: str

    @property
    def xml(self) -> str:
        reservation = self.launched.reservation
        return _operation(
            "create-instance",
            name=self.launched.name,
            image="cirros",
            flavor=self.flavor,
            networks="private",
            reservation_id=reservation.id if reservation else None,
            idempotency_key=_key(self.launched),
        )

    def answered(self, output: _Element, moment: int) -> None:
        launched, key = self.launched, text_in(output, "instance-id")
        if launched.fate is Fate.GRANTED:
            _check_repeated(output, "instance-id", launched)
            return
        reasons = ("insufficient-capacity", "ended", *(("provider-refused",) if launched.fragile else ()))
        granted = _ok(output, *reasons)
        assert granted == (text_in(output, "status") == "in-progress"), "result and status disagree"
        if granted or key:
            launched.granted(key, moment)
            launched.rejected = not granted
            launched.server = output.findtext(P + "server")
        else:
            launched.refused(moment)


@dataclass(frozen=True)
class Destroy:
    """destroy-instance."""

    launched: Launched

    @property
    def xml(self) -> str:
        return _operation("destroy-instance", instance_id=self.launched.id)

    def answered(self, output: _Element, moment: int) -> None:
        assert _ok(output)
        self.launched.destroyed = Fate.GRANTED
        self.launched.gone = text_in(output, "vm-state") == "DELETED"


@dataclass(frozen=True)
class Edit:
    """edit-config of the policy's `alternatives`."""

    setting: Setting
    value: int

    @property
    def xml(self) -> str:
        rules = f"<policy><reservation><alternatives>{self.value}</alternatives></reservation></policy>"
        config = f'<config><promise xmlns="{NAMESPACE}">{rules}</promise></config>'
        return f"<edit-config><target><running/></target>{config}</edit-config>"

    def answered(self, output: _Element, moment: int) -> None:
        assert output.find(NC + "ok") is not None, etree.tostring(output)
        assert self.setting.edits.pop(0) == self.value, "answers do not come in order"
        self.setting.value = self.value


def made_by(request: Request) -> Subject | None:
    """Return what a request makes, None when it changes what is there."""
    match request:
        case Create(subject) | Increase(subject, _) | Launch(subject, _):
            return subject
    return None
