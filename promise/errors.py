"""What can go wrong, as classes that carry facts; `northbound.faults` turns them into protocol words.

Two kinds of trouble exist, and one request never meets both (design section 5):

* a *refusal* is a decided answer (`result conflict` or `error`); it is a value, see `resources.Refusal`;
* a *fault* stops the request before or beside a decision; it is one of the exceptions below.

    PromiseError
    ├── Invalid                  what the schema or the protocol forbids in a request
    │   ├── Malformed            not well-formed XML or JSON, or not a message at all
    │   ├── UnknownElement       a node that no model knows, or known but not allowed here
    │   ├── UnknownNamespace     a node of a namespace that no model here has
    │   ├── UnknownAttribute     an attribute that is not allowed here
    │   ├── MissingElement       a mandatory node is absent
    │   ├── MissingAttribute     a mandatory attribute is absent
    │   ├── BadAttribute         an attribute with a value it cannot have
    │   ├── BadValue             a node with a value it cannot have
    │   ├── BadElement           a node that does not go with the others, or not at this moment
    │   ├── DuplicateNode        a leaf, a list entry of the same key, or a choice, given twice
    │   ├── MustViolation        a `must` of the schema does not hold
    │   ├── MissingChoice        no case of a mandatory choice is present
    │   ├── DataExists           what is to be created is there
    │   ├── DataMissing          what is to be deleted, or is referred to, is not there
    │   ├── NotUnique            list entries are equal where the schema wants each to be different
    │   ├── Inapplicable         configuration that is valid, and cannot be put into force
    │   ├── TooBig               the message, or its nesting, is larger than we read
    │   ├── BadParameter         a query parameter that is unknown, repeated, or cannot have this value
    │   ├── NoResource           what a URI names is not there, or not for this user
    │   ├── NotAcceptable        the client understands nothing that we can write
    │   ├── UnsupportedMedia     a body of a kind that is not read here
    │   └── PreconditionFailed   what the request makes a condition does not hold
    ├── Unsupported              modelled, but not (yet) implemented by this server
    ├── AlreadySubscribed        the session has a subscription, and may have one at a time
    ├── NotAllowed               a method that this resource does not have
    ├── Unauthenticated          nobody knows who asks
    ├── TooSlow                  the request did not come to its end in time
    ├── Denied                   access control says no
    ├── Locked                   somebody else holds the lock
    ├── InUse                    another session has it locked, or on trial
    ├── NotLocked                the lock to give back is not this session's
    ├── NoTrial                  there is no confirmed commit to confirm or to cancel
    ├── NoRoom                   as many of these as there may be are there already
    ├── Overloaded               no room for this request now; try again
    ├── LedgerFailure            the decision could not be made durable; nothing happened
    ├── LedgerBroken             the ledger has stopped, and the process must: the outcome shows at the next start
    ├── LedgerUnusable           the ledger cannot be opened: in use, unreadable, of a newer release
    │   └── LedgerCorrupt        what was written is not what is there
    └── CloudError               a cloud did not do what we asked
        ├── CloudUnreachable     no connection, or no answer in time to a request without effect
        ├── CredentialsRejected  the cloud does not know this user, or not with this password
        ├── CloudRefused         the cloud understood and said no; nothing happened
        └── OutcomeUnknown       sent, but no answer: it may or may not have happened
"""

from __future__ import annotations


class PromiseError(Exception):
    """Root of everything that we raise on purpose."""


class Invalid(PromiseError):
    """A request that the schema or the protocol forbids.

    `path` is an XPath with the prefixes of the modules ("/promise:create-reservation/promise:start"),
    empty where no node can be named; `rule` says what would have been right; `name` is the local name of the
    element or attribute at fault; `namespace` its namespace where that is known. `hints` are what a client could
    do better: structures for error-info, by qualified name ("{namespace}name"), each with its leaves.
    """

    hints: tuple[tuple[str, tuple[tuple[str, str | int], ...]], ...] = ()

    def __init__(self, rule: str, *, path: str = "", name: str = "", namespace: str = "", app_tag: str = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.path = path
        self.name = name
        self.namespace = namespace
        self.app_tag = app_tag


class Malformed(Invalid):
    """Not well-formed, not UTF-8, with a DTD, or not a message of the protocol."""


class UnknownElement(Invalid):
    """A node that no model knows, or one that may not stand here."""


class UnknownNamespace(Invalid):
    """A node of a namespace that no model of this server has."""


class UnknownAttribute(Invalid):
    """An attribute that may not stand here."""


class MissingElement(Invalid):
    """A mandatory node is absent."""


class MissingAttribute(Invalid):
    """A mandatory attribute is absent."""


class BadAttribute(Invalid):
    """An attribute with a value that it cannot have."""


class BadValue(Invalid):
    """A node with a value outside its type, range, length or pattern."""


class BadElement(Invalid):
    """A node that does not go with the others, or not at this moment."""


class DuplicateNode(Invalid):
    """A leaf given twice, two list entries with one key, or two cases of one choice (RFC 7950 section 8.3.1)."""


class MustViolation(Invalid):
    """A `must` or `when` of the schema does not hold."""


class MissingChoice(Invalid):
    """No case of a mandatory choice is present."""


class DataExists(Invalid):
    """A node of the datastore that is to be created and is there already."""


class DataMissing(Invalid):
    """A node of the datastore that is to be edited, deleted or referred to, and is not there."""


class NotUnique(Invalid):
    """List entries are equal where a `unique` statement wants each to be different; `nodes` are the paths of those."""

    nodes: tuple[str, ...] = ()


class Inapplicable(Invalid):
    """Configuration that is valid and cannot be put into force; `app_tag` says why, in a word that never changes."""


class TooBig(Invalid):
    """The message, or its nesting, is larger than the server reads."""


class AnswerTooBig(Invalid):
    """What would have to be told at once is more than the server makes."""


class NothingSelected(Invalid):
    """A filter that will never select anything."""


class BadParameter(Invalid):
    """A query parameter that is unknown here, given twice, or has a value that it cannot have."""


class NoResource(Invalid):
    """What the target of a request names is not there, or must not be known to this user."""


class NotAcceptable(Invalid):
    """The client understands nothing of what the answer could be written in."""


class UnsupportedMedia(Invalid):
    """A body that is written in something that is not read here."""


class PreconditionFailed(Invalid):
    """A condition that the client has made does not hold; nothing was done."""


class NotAllowed(PromiseError):
    """A method that the resource does not have; `allowed` are those that it has."""

    def __init__(self, rule: str, allowed: tuple[str, ...]) -> None:
        super().__init__(rule)
        self.allowed = allowed


class Unauthenticated(PromiseError):
    """The request does not prove that a user sends it."""


class Unverifiable(PromiseError):
    """Who sends the request cannot be found out at the moment; it may be sent again."""


class TooSlow(PromiseError):
    """The request did not come to its end in the time that it has."""


class Unsupported(PromiseError):
    """Modelled, but not implemented by this server; `what` names the operation or node."""

    def __init__(self, what: str, *, path: str = "", app_tag: str = "") -> None:
        super().__init__(f"{what} is not supported by this server")
        self.what = what
        self.path = path
        self.app_tag = app_tag


class AlreadySubscribed(PromiseError):
    """The session has a subscription that is not complete, and may have one at a time (RFC 5277 section 2.1.1)."""


class Denied(PromiseError):
    """Access control does not permit `what` to this user; `path` is that of the node it is about, if it is one."""

    def __init__(self, what: str, path: str = "") -> None:
        super().__init__(f"{what} is not permitted to this user")
        self.what = what
        self.path = path


class Locked(PromiseError):
    """Another session holds the lock; `session_id` is 0 when it is not a NETCONF session."""

    def __init__(self, what: str, session_id: int, *, why: str = "") -> None:
        super().__init__(f"{what} {why or f'is locked by session {session_id}'}")
        self.what = what
        self.session_id = session_id


class InUse(PromiseError):
    """A datastore cannot be changed at the moment, because another session has it locked or on trial."""


class NotLocked(PromiseError):
    """A lock that is to be given back is not this session's, or not there."""


class NoTrial(PromiseError):
    """There is no confirmed commit that is waiting to be confirmed."""


class NoRoom(PromiseError):
    """As many of these as there may be are there already; `app_tag` says of what, in a word that never changes."""

    def __init__(self, rule: str, *, app_tag: str = "") -> None:
        super().__init__(rule)
        self.app_tag = app_tag


class Overloaded(PromiseError):
    """No room for this request at the moment; nothing happened, it may be sent again."""


class LedgerFailure(PromiseError):
    """The decision could not be made durable; its effects are undone."""


class LedgerBroken(PromiseError):
    """The ledger cannot go on; what was being decided may or may not be durable, the next start shows which.

    Only for what must not be survived: the state could not be changed as decided, or the outcome of a commit
    cannot be learned. `app` ends the process.
    """


class LedgerUnusable(PromiseError):
    """The ledger cannot be opened; the message names it, what is wrong, and what would be right."""


class LedgerCorrupt(LedgerUnusable):
    """The ledger was changed or damaged since it was written; `seq` is the first journal entry concerned."""

    def __init__(self, message: str, *, seq: int = 0) -> None:
        super().__init__(message)
        self.seq = seq


class CloudError(PromiseError):
    """A cloud did not do what was asked; `status` is its HTTP status, 0 when there was none."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class CloudUnreachable(CloudError):
    """No connection, or no answer in time, and certainly no effect; asking again is safe."""


class CredentialsRejected(CloudError):
    """The cloud does not know this user, this password or this project."""


class CloudRefused(CloudError):
    """The cloud understood the request and said no; nothing happened."""


class OutcomeUnknown(CloudError):
    """The request was sent and no answer came: it may or may not have had its effect."""
