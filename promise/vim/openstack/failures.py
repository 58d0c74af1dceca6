"""What an exchange with a cloud that went wrong means: which of our errors it is, and what is certain.

The question that matters is whether a request that makes something may have had its effect:

* certainly not: it was never sent (name not resolved, connection refused or not made in time, certificate refused),
  or the API answered 4xx. Then it is `CloudRefused`, or `CloudUnreachable` where asking again may help (408, 425, 429);
* everything else is `OutcomeUnknown`: the connection broke or timed out after the request was sent, the answer could
  not be read, and every 5xx. Nova answers 500 also after it has recorded the instance (when its message queue fails);
  502 and 504 are a gateway that lost the API; and 503, though Keystone's middleware sends it before anything happens,
  is also what proxies say when a backend dies while it works. The difference cannot be seen, so it is not guessed.
  The price of doubt is a look-up before the next attempt, the price of a wrong guess is a second server.

A request that only reads has no effect to doubt: all of these are `CloudUnreachable` then.
"""

from __future__ import annotations

import re
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import keystoneauth1.exceptions as keystone
import requests.exceptions
import urllib3.exceptions

from promise.errors import CloudError, CloudRefused, CloudUnreachable, CredentialsRejected, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNAUTHORIZED: Final = 401
NOT_FOUND: Final = 404
_FORBIDDEN: Final = 403
_FIRST_ERROR: Final = 300  # no redirect is followed where an effect is at stake
_FIRST_SERVER_ERROR: Final = 500
_TRY_AGAIN: Final = frozenset({408, 425, 429})
_TRANSIENT: Final = frozenset({0, 408, 425, 429, 502, 503, 504})

_NEVER_SENT: Final = (
    urllib3.exceptions.NewConnectionError,  # refused, unreachable, or the name has no address
    urllib3.exceptions.ConnectTimeoutError,
    requests.exceptions.ConnectTimeout,
    ssl.SSLCertVerificationError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
_WORDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (ConnectionRefusedError, "connection refused"),
    (urllib3.exceptions.NameResolutionError, "its name has no address"),
    (requests.exceptions.ConnectTimeout, "no connection in time"),
    (requests.exceptions.Timeout, "no answer in time"),
    (TimeoutError, "no answer in time"),
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (ssl.SSLError, "TLS failed"),
    (urllib3.exceptions.NewConnectionError, "no connection could be made"),
    (requests.exceptions.ConnectionError, "the connection broke"),
    (requests.exceptions.ChunkedEncodingError, "the connection broke"),
    (requests.exceptions.RequestException, "it cannot be reached under this URL"),
    (ValueError, "what came is not JSON as OpenStack writes it"),
)
"""In this order: the first that is among the causes names the failure."""

_LONGEST: Final = 500
_MARKUP: Final = re.compile(r"<(title|style|head).*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_BLANKS: Final = re.compile(r"[\s\x00-\x1f\x7f]+")


def is_transient(error: CloudError) -> bool:
    """Tell whether a read that failed so may succeed if it is asked again in a moment."""
    return isinstance(error, CloudUnreachable) and error.status in _TRANSIENT


def broken(who: str, fault: BaseException, *, effect: bool) -> CloudError:
    """Return the error for an exchange that ended without an answer; `effect`: it may have made something."""
    if effect and not never_sent(fault):
        return OutcomeUnknown(f"{who} took the request, and its answer was lost: {_why(fault)}")
    return CloudUnreachable(f"{who} does not answer: {_why(fault)}")


def never_sent(fault: BaseException) -> bool:
    """Tell whether it is certain that no request left this machine."""
    return any(isinstance(cause, _NEVER_SENT) for cause in _causes(fault))


def refused(who: str, status: int, said: str, *, effect: bool) -> CloudError:
    """Return the error for an answer that is not a success; `said` is what the service told of the reason."""
    text = f"{who} answered {status}: {said}" if said else f"{who} answered {status}"
    if status == UNAUTHORIZED:
        return CredentialsRejected(text, status=status)
    if status in _TRY_AGAIN:
        return CloudUnreachable(text, status=status)
    if status < _FIRST_SERVER_ERROR:
        return CloudRefused(text, status=status)
    return OutcomeUnknown(text, status=status) if effect else CloudUnreachable(text, status=status)


@contextmanager
def reading(who: str) -> Iterator[None]:
    """Turn what goes wrong while an answer is taken apart into `CloudUnreachable`: this is not OpenStack's format."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as fault:
        what = f"no {fault}" if isinstance(fault, KeyError) else str(fault)
        raise CloudUnreachable(f"{who} answered in a form that is not OpenStack's: {_clean(what)}") from None


def is_failure(status: int) -> bool:
    """Tell whether this HTTP status says that what was asked did not happen."""
    return status >= _FIRST_ERROR


def sign_in(where: str, fault: Exception) -> CloudError:
    """Return the error for a failed sign-in at Keystone; nothing is ever made by one."""
    if isinstance(fault, keystone.MissingAuthMethods):
        return CredentialsRejected(f"Keystone at {where} demands more than a password")
    if not isinstance(fault, keystone.HttpError):
        return broken(f"Keystone at {where}", fault, effect=False)
    status, said = fault.http_status, _clean(str(fault.message or ""))
    if status in (UNAUTHORIZED, _FORBIDDEN):
        return CredentialsRejected(f"Keystone answered {status}: {said}", status=status)
    if status == NOT_FOUND:
        return CloudUnreachable(f"there is no Keystone v3 at {where} (HTTP 404)", status=status)
    return refused("Keystone", status, said, effect=False)


def reason_in(body: Any, text: str) -> str:
    """Return what an error answer says of its reason, on one line, as each service puts it."""
    found = _message(body) if isinstance(body, dict) else ""
    return _clean(found or _MARKUP.sub(" ", text))


def _message(body: Mapping[str, Any]) -> str:
    match body:
        case {"errors": [{"detail": str(detail)}, *_]}:  # Placement
            return detail
        case {"message": str(message)}:
            return message
    for inner in body.values():  # {"forbidden": {"message": ...}}, {"NeutronError": ...}, {"error": ...}
        match inner:
            case {"message": str(message)}:
                return message
            case str(message):  # {"NeutronError": "..."} of old
                return message
    return ""


def _clean(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()[:_LONGEST]


def _why(fault: BaseException) -> str:
    """Return the cause in words of ours: those of the libraries are about objects, and may quote what was sent."""
    causes = list(_causes(fault))
    for kind, words in _WORDS:
        if any(isinstance(cause, kind) for cause in causes):
            return words
    return f"what came is not an answer of OpenStack ({type(causes[0]).__name__})"


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and everything below it: libraries chain, wrap and put causes into `args` and `reason`."""
    seen: set[int] = set()
    waiting = [fault]
    while waiting:
        cause = waiting.pop()
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [cause.__cause__, cause.__context__, *cause.args, getattr(cause, "reason", None)]
        waiting.append(getattr(cause, "original_error", None))
