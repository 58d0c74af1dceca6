"""The decisions on the running configuration: edits, commits, trials and the way back; pure.

A confirmed commit (RFC 6241 section 8.4) puts a configuration in force on trial. The trial is part of the revision's
record, so it is as durable as the configuration itself. What it would take to go back is kept as long: also the
entries of the secret store that nobody names meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from promise.actor import Actor
from promise.allocation.configuration import configure
from promise.capacity.refusal import Refusal
from promise.configuration.model import REVISED, Revision, Trial
from promise.errors import Inapplicable
from promise.events import Decision, fact
from promise.northbound import subscribed
from promise.northbound.datastores import accounts, entries
from promise.northbound.datastores.difference import difference
from promise.northbound.nacm.control import check_rules
from promise.northbound.running import TOP, configuration_of, tree_of, usernames_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from promise.allocation.book import AllocationBook
    from promise.allocation.configuration import Configuration
    from promise.events import JSON, Event
    from promise.northbound.datastore import Schema, Tree

MOST_EDITS: Final = 1000
"""A change of more nodes than this is told as a replacement of everything."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes the configuration, on a session (0 = none) that comes from an address.

    The subscriptions that are made so are the actor's.
    """

    actor: Actor
    source: str = ""

    @property
    def user(self) -> str:
        """Return the user's name."""
        return self.actor.user

    @property
    def session_id(self) -> int:
        """Return the number of the NETCONF session."""
        return self.actor.session_id


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a commit is to be confirmed: within so many seconds, by its session or by whoever knows the token.

    `persist` is a digest of the token.
    """

    timeout: int
    persist: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a configuration must be like: valid, and without users whose names are `reserved` for the file's."""

    schema: Schema
    reserved: frozenset[str] = frozenset()

    def check(self, before: Tree, after: Tree) -> None:
        """Raise the `Invalid` that tells what is wrong."""
        self.schema.validate(after)
        accounts.check(before, after, self.reserved)
        check_rules(after, self.schema.top)


def verify(rules: Rules, after: Tree, book: AllocationBook, now: int) -> None:
    """Raise the `Invalid` that tells why a configuration cannot be put into force."""
    rules.check(tree_of(book), after)
    _configured(book, configuration_of(after, book), now)
    _subscribed(after, book, Actor("", ""), now)


def change(
    rules: Rules, make: Callable[[Tree], Tree], book: AllocationBook, now: int, author: Author
) -> Decision[None]:
    """Change the running configuration into what `make` makes of it; an open trial stays open, and includes it."""
    return _changed(rules, make, book, now, author, book.revision.trial, "")


def commit(
    rules: Rules,
    make: Callable[[Tree], Tree],
    book: AllocationBook,
    now: int,
    author: Author,
    wanted: Confirmation | None,
) -> Decision[None]:
    """Put a configuration in force; for good, which confirms an open trial, or on trial (again)."""
    open_trial = book.revision.trial
    if wanted is None:
        return _changed(rules, make, book, now, author, None, "complete" if open_trial else "")
    persist = wanted.persist or (open_trial.persist if open_trial else None)
    first = open_trial or Trial(author.session_id, author.user, 0, None, tree_of(book), usernames_of(book))
    trial = replace(
        first, session_id=author.session_id, user=author.user, deadline=now + wanted.timeout, persist=persist
    )
    return _changed(rules, make, book, now, author, trial, "extend" if open_trial else "start")


def _changed(
    rules: Rules,
    make: Callable[[Tree], Tree],
    book: AllocationBook,
    now: int,
    author: Author,
    trial: Trial | None,
    confirm: str,
) -> Decision[None]:
    before = tree_of(book)
    after = make(before)
    if after == before and not confirm:
        return Decision(None)
    if after != before:
        rules.check(before, after)
    wanted = configuration_of(after, book)
    events = _configured(book, wanted, now)
    spared = book.revision.trial.spared if book.revision.trial else ()
    forsaken = entries.mentioned(book).union(spared) - entries.used(wanted)
    if trial is not None:
        trial, forsaken = replace(trial, spared=tuple(sorted(forsaken))), frozenset()
    begun, unused = _subscribed(after, book, author.actor, now)
    told = _told(rules.schema, book, before, after, author, trial, confirm)
    return Decision(None, (*events, *begun, told), {**dict.fromkeys(forsaken), **unused})


def back(rules: Rules, book: AllocationBook, now: int, author: Author, why: str) -> Decision[bool]:
    """Go back to the configuration before the open trial; answers whether there was one.

    `why` is "timeout", or else tells who or what has cancelled it. What counts on a provider by now (a reservation,
    say) keeps that provider as it is: promises outlive a trial.
    """
    trial = book.revision.trial
    if trial is None:
        return Decision(False)  # noqa: FBT003 - the answer
    before = tree_of(book)
    wanted = configuration_of(dict(trial.before), book, trial.usernames)
    events, kept = _restored(book, wanted, now)
    forsaken = entries.mentioned(book).union(trial.spared) - entries.used(kept)
    told = _told(
        rules.schema, book, before, dict(trial.before), author, None, "timeout" if why == "timeout" else "cancel"
    )
    told = replace(told, detail={**told.detail, "why": why})
    begun, unused = _subscribed(dict(trial.before), book, author.actor, now)
    return Decision(True, (*events, *begun, told), {**dict.fromkeys(forsaken), **unused})  # noqa: FBT003 - as above


def _restored(book: AllocationBook, wanted: Configuration, now: int) -> tuple[Sequence[Event], Configuration]:
    """Return how the configuration comes back, and what it is then, with those providers that have to stay."""
    for _ in range(len(book.providers) + len(wanted.providers) + 1):
        decision = configure(book, wanted, now)
        if not isinstance(decision.answer, Refusal):
            return decision.events, wanted
        stays = book.providers.get(decision.answer.provider or "")
        if stays is None or stays in wanted.providers:
            break
        others = [one for one in wanted.providers if one.id != stays.id]
        wanted = replace(wanted, providers=[*others, stays])
    wanted = replace(wanted, providers=list(book.providers.values()))
    return configure(book, wanted, now).events, wanted


def _configured(book: AllocationBook, wanted: Configuration, now: int) -> Sequence[Event]:
    decision = configure(book, wanted, now)
    if isinstance(decision.answer, Refusal):
        refusal = decision.answer
        path = f"/promise:promise/promise:providers[promise:id='{refusal.provider}']"
        raise Inapplicable(refusal.message, path=path, app_tag=refusal.reason.value)
    return decision.events


def _subscribed(tree: Tree, book: AllocationBook, by: Actor, now: int) -> tuple[list[Event], Mapping[str, None]]:
    return subscribed.changes(tree.get(TOP, {}).get(subscribed.MEMBER, ()), book, by, now)


def _told(
    schema: Schema, book: AllocationBook, before: Tree, after: Tree, author: Author, trial: Trial | None, confirm: str
) -> Event:
    """Return the event that tells the change, in the words of RFC 6470 sections 2.2 and 2.5."""
    edits = list(difference(before, after, schema.top.values()))
    if len(edits) > MOST_EDITS:
        tops = [node for node in schema.top.values() if before.get(node.member) != after.get(node.member)]
        edits = [(path, operation) for node in tops for path, operation in [(node.segment, "replace")]]  # type: ignore[misc]
    detail: dict[str, JSON] = {
        "user": author.user,
        "session": author.session_id,
        "source": author.source,
        "edits": [{"target": path, "operation": str(operation)} for path, operation in edits],
    }
    if confirm:
        detail["confirm"] = confirm
    return fact(REVISED, Revision(book.revision.number + 1, trial), **detail)
