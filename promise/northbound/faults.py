"""The one table from our errors to <rpc-error> and HTTP status (RFC 6241 appendix A, RFC 8040 section 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import structlog

from promise import errors
from promise.northbound.message import BASE, escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST: Final = 2048
"""Characters of an error's message, and of its path, which is left out where it is longer."""

YANG: Final = "urn:ietf:params:xml:ns:yang:1"

Told: TypeAlias = str | tuple[tuple[str, str | int], ...]
"""The value of a child of <error-info>: text, or the leaves of a structure."""

_log: Final = structlog.get_logger(__name__)
_PREFIX: Final = re.compile(r"""([A-Za-z_][\w.-]*):(?!:)|"[^"]*"|'[^']*'""")
_PREDICATE: Final = re.compile(r"""\[(?:[^\]"']|"[^"]*"|'[^']*')*\]""")
_IN_DATASTORE: Final = re.compile(r"/(?:promise:promise|nacm:nacm)(?![\w.-])")
"""How the path of a node of the datastores begins; all others are those of nodes in a request."""

_APPLICATION: Final = {"data-exists", "data-missing"}
"""The error-tags that have no other error-type (RFC 6241 appendix A)."""

_OF_MESSAGES: Final = {
    "malformed-message", "too-big", "missing-attribute", "bad-attribute", "unknown-attribute", "resource-denied",
    "operation-failed",
}  # fmt: skip
"""The error-tags that may have the error-type rpc (RFC 6241 appendix A)."""

_LAST_STEP: Final = re.compile(rf"/[^/\[\]]*(?:{_PREDICATE.pattern})*$")


class Row(NamedTuple):
    """How a class of errors is told.

    `type` is the error-type where the one who reports it does not know better; `tag` the error-tag; `status` the HTTP
    status; `app_tag` an error-app-tag that never changes, empty where the tag alone says it all.
    """

    type: str
    tag: str
    status: int
    app_tag: str = ""


TABLE: Final[Mapping[type[BaseException], Row]] = {
    errors.Invalid: Row("application", "invalid-value", 400),
    errors.Malformed: Row("rpc", "malformed-message", 400),
    errors.UnknownElement: Row("application", "unknown-element", 400),
    errors.UnknownNamespace: Row("application", "unknown-namespace", 400),
    errors.UnknownAttribute: Row("application", "unknown-attribute", 400),
    errors.MissingElement: Row("application", "missing-element", 400),
    errors.MissingAttribute: Row("application", "missing-attribute", 400),
    errors.BadAttribute: Row("application", "bad-attribute", 400),
    errors.BadValue: Row("application", "invalid-value", 400),
    errors.BadElement: Row("application", "bad-element", 400),
    errors.DuplicateNode: Row("application", "bad-element", 400),
    errors.MustViolation: Row("application", "operation-failed", 412, "must-violation"),
    errors.MissingChoice: Row("application", "data-missing", 409, "missing-choice"),
    errors.DataExists: Row("application", "data-exists", 409),
    errors.DataMissing: Row("application", "data-missing", 409),
    errors.NotUnique: Row("application", "operation-failed", 412, "data-not-unique"),
    errors.Inapplicable: Row("application", "operation-failed", 412),
    errors.TooBig: Row("rpc", "too-big", 413),
    errors.AnswerTooBig: Row("application", "too-big", 400),
    errors.NothingSelected: Row("application", "operation-failed", 500),
    errors.BadParameter: Row("protocol", "invalid-value", 400),
    errors.NoResource: Row("application", "invalid-value", 404),
    errors.NotAcceptable: Row("protocol", "invalid-value", 406),
    errors.UnsupportedMedia: Row("protocol", "invalid-value", 415),
    errors.PreconditionFailed: Row("protocol", "operation-failed", 412, "promise:precondition-failed"),
    errors.NotAllowed: Row("protocol", "operation-not-supported", 405),
    errors.Unauthenticated: Row("protocol", "access-denied", 401),
    errors.Unverifiable: Row("protocol", "operation-failed", 503, "promise:identity-unavailable"),
    errors.TooSlow: Row("protocol", "operation-failed", 408, "promise:too-slow"),
    errors.Unsupported: Row("application", "operation-not-supported", 501),
    errors.AlreadySubscribed: Row("application", "operation-failed", 412, "promise:already-subscribed"),
    errors.Denied: Row("application", "access-denied", 403),
    errors.Locked: Row("protocol", "lock-denied", 409),
    errors.InUse: Row("protocol", "in-use", 409),
    errors.NotLocked: Row("protocol", "operation-failed", 412, "promise:not-locked"),
    errors.NoTrial: Row("protocol", "operation-failed", 412, "promise:no-confirmed-commit"),
    errors.NoRoom: Row("application", "resource-denied", 409, "promise:no-room"),
    errors.Overloaded: Row("application", "resource-denied", 409, "promise:overloaded"),
    errors.LedgerFailure: Row("application", "operation-failed", 500, "promise:ledger"),
    errors.LedgerBroken: Row("application", "operation-failed", 500, "promise:ledger-broken"),
    errors.LedgerUnusable: Row("application", "operation-failed", 500, "promise:ledger-unusable"),
    errors.LedgerCorrupt: Row("application", "operation-failed", 500, "promise:ledger-corrupt"),
    errors.CloudError: Row("application", "operation-failed", 500, "promise:cloud"),
    errors.CloudUnreachable: Row("application", "operation-failed", 500, "promise:cloud-unreachable"),
    errors.CredentialsRejected: Row("application", "operation-failed", 500, "promise:credentials-rejected"),
    errors.CloudRefused: Row("application", "operation-failed", 500, "promise:cloud-refused"),
    errors.OutcomeUnknown: Row("application", "operation-failed", 500, "promise:outcome-unknown"),
    # Whatever else is raised is a bug of ours; the traceback is in the log.
    BaseException: Row("application", "operation-failed", 500, "promise:internal"),
}

_AT_ELEMENT: Final = {"unknown-element", "missing-element", "bad-element", "unknown-namespace"}
_AT_ATTRIBUTE: Final = {"unknown-attribute", "missing-attribute", "bad-attribute"}


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as protocols tell it; `info` are the children of <error-info>, by qualified name ("{ns}name").

    The value of one is text, or what is in a structure: leaves of the same namespace.
    """

    row: Row
    message: str
    app_tag: str = ""
    path: str = ""
    info: tuple[tuple[str, Told], ...] = ()


def row(error: BaseException) -> Row:
    """Return the row of an error's class, or of the nearest of its bases that has one."""
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def fault(error: BaseException) -> Fault:
    """Tell an error in the words of the protocols.

    One that we did not raise on purpose is logged with its traceback, once, and its text is kept from the client.
    """
    found = row(error)
    if not isinstance(error, errors.PromiseError):
        _log.error("internal-error", exc_info=error)
        return Fault(found, "internal error; the server's log says more", found.app_tag)
    app_tag = getattr(error, "app_tag", "") or found.app_tag
    hints = error.hints if isinstance(error, errors.Invalid) else ()
    path = _path(error)
    info = tuple((name, _cut(value)) for name, value in _info(error, found.tag))
    return Fault(found, _cut(_message(error)), app_tag, path if len(path) <= LONGEST else "", (*info, *hints))


def _cut(text: str) -> str:
    """Return a text that may quote what a client has sent, which may be long."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}\u2026"


def rpc_error(told: Fault, prefixes: Mapping[str, str], *, layer: str = "", base_1_1: bool = True) -> bytes:
    """Return the <rpc-error> element, for NETCONF's default namespace.

    `layer` is the error-type where the reporter knows it ("rpc" for a message, "protocol" for an operation of
    NETCONF itself). `prefixes` maps those that paths use to namespaces. Without `base_1_1` the peer does not know
    malformed-message, which is then operation-failed (RFC 6241 appendix A).
    """
    tag = told.row.tag
    if tag == "malformed-message" and not base_1_1:
        tag = "operation-failed"
    about_data = tag in _APPLICATION or _IN_DATASTORE.match(told.path)
    kind = "application" if about_data else layer or told.row.type
    if kind == "rpc" and tag not in _OF_MESSAGES:
        kind = "protocol"
    kind = f"<error-type>{kind}</error-type><error-tag>{tag}</error-tag>"
    parts = [f"<rpc-error>{kind}<error-severity>error</error-severity>"]
    if told.app_tag:
        parts.append(f"<error-app-tag>{escape(told.app_tag)}</error-app-tag>")
    if told.path:
        parts.append(_error_path(told.path, prefixes))
    parts.append(f'<error-message xml:lang="en">{escape(told.message)}</error-message>')
    if told.info:
        info = (_info_element(name, value, prefixes) for name, value in told.info)
        parts += ["<error-info>", *info, "</error-info>"]
    parts.append("</rpc-error>")
    return "".join(parts).encode()


def last_step(path: str) -> str:
    """Return the local name of the node that a path ends at."""
    return _PREDICATE.sub("", path).rpartition("/")[2].rpartition(":")[2]


def _path(error: errors.PromiseError) -> str:
    """Return the path of the node that is wrong: of its parent, when the trouble is that it is not there."""
    path = str(getattr(error, "path", ""))
    if isinstance(error, errors.MissingElement) and error.name and last_step(path) == error.name:
        return _LAST_STEP.sub("", path)
    return path


def _message(error: errors.PromiseError) -> str:
    """Return the rule as a sentence that names its subject; the schema's rules begin with "must"."""
    text = str(error)
    subject = last_step(_path(error))
    return f"{subject} {text}" if subject and text.startswith("must ") else text


def _info(error: errors.PromiseError, tag: str) -> tuple[tuple[str, str], ...]:
    """Return what appendix A asks for in <error-info> under this tag."""
    if isinstance(error, errors.Locked):
        return (("session-id", str(error.session_id)),)
    if isinstance(error, errors.MissingChoice):
        return ((f"{{{YANG}}}missing-choice", error.name),) if error.name else ()
    if isinstance(error, errors.NotUnique):
        return tuple((f"{{{YANG}}}non-unique", path) for path in error.nodes)
    if not isinstance(error, errors.Invalid):
        return ()
    if tag in _AT_ATTRIBUTE:
        return ("bad-attribute", error.name), ("bad-element", last_step(error.path))
    if tag not in _AT_ELEMENT:
        return ()
    info = (("bad-element", error.name or last_step(error.path)),)
    return (*info, ("bad-namespace", error.namespace)) if tag == "unknown-namespace" else info


def _info_element(name: str, value: Told, prefixes: Mapping[str, str]) -> str:
    """Return a child of <error-info>; the paths of `non-unique` declare their prefixes (RFC 7950 section 15.1)."""
    namespace, _, local = name.rpartition("}")
    declaration = f' xmlns="{namespace[1:]}"' if namespace else ""
    if not isinstance(value, str):
        return f"<{local}{declaration}>{leaves(value)}</{local}>"
    if local == "non-unique":
        declaration += _declared(_prefixes_in(value), prefixes)
    return f"<{local}{declaration}>{escape(value)}</{local}>"


def leaves(value: Iterable[tuple[str, str | int]]) -> str:
    """Return the leaves of a structure as elements, for its own namespace."""
    return "".join(f"<{name}>{escape(str(said))}</{name}>" for name, said in value)


def _prefixes_in(path: str) -> list[str]:
    return sorted({match[1] for match in _PREFIX.finditer(path) if match[1]})


def _declared(used: Iterable[str], known: Mapping[str, str]) -> str:
    return "".join(f' xmlns:{prefix}="{escape(known[prefix])}"' for prefix in used if prefix in known)


def _error_path(path: str, prefixes: Mapping[str, str]) -> str:
    """Return <error-path>: an XPath that finds the node in the request, or in the datastore (RFC 6241 section 4.3).

    It is left out when it has a prefix that nobody could resolve.
    """
    if not path.startswith("/nc:rpc") and _IN_DATASTORE.match(path) is None:
        path = f"/nc:rpc{path}"
    used = _prefixes_in(path)
    known = {"nc": BASE, **prefixes}
    if not known.keys() >= set(used):
        return ""
    declared = _declared(used, known)
    return f"<error-path{declared}>{escape(path)}</error-path>"
