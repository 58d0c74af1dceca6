"""Faults to inject: rules that say which requests go wrong, how, how often, and whether their effect happens first."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.exchange import member, number, only, text, truth
from promise.vim.simulator.world.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTIONS: Final = ("error", "delay", "drop", "hang")
_MEMBERS: Final = (
    "service",
    "method",
    "path",
    "body",
    "count",
    "skip",
    "action",
    "after",
    "status",
    "answer",
    "headers",
    "seconds",
)


@dataclass(slots=True)
class Rule:
    """What goes wrong, for requests that match all that is said of them.

    `service` is identity, compute, placement, image, network, volume or alarming; `method` an HTTP method; `path`
    and `body` are regular expressions, searched for in the path as it was sent and in the body. `skip` lets that
    many matching requests pass first, `count` is how many are struck then (absent = all).

    `action` error answers `status` with `answer` and `headers` (absent = in the words of the service); delay waits
    `seconds`; drop closes the connection without a reply; hang never answers, until the rule is cleared. With
    `after` true the request has its effect first, and only the reply suffers.
    """

    id: int
    service: str
    method: str
    path: re.Pattern[str]
    body: re.Pattern[str]
    action: str
    after: bool
    count: int | None
    skip: int
    status: int
    answer: Any
    headers: Mapping[str, str]
    seconds: float
    hits: int = 0

    def shown(self) -> dict[str, Any]:
        """Return the rule as JSON, with how often it has struck."""
        return {
            "id": self.id, "service": self.service, "method": self.method, "path": self.path.pattern,
            "body": self.body.pattern, "action": self.action, "after": self.after, "count": self.count,
            "skip": self.skip, "status": self.status, "answer": self.answer, "headers": dict(self.headers),
            "seconds": self.seconds, "hits": self.hits,
        }  # fmt: skip


@dataclass(slots=True)
class Faults:
    """The rules in force; the first that matches a request strikes."""

    rules: dict[int, Rule] = field(default_factory=dict)
    _ids: count[int] = field(default_factory=lambda: count(1))

    def add(self, given: Any) -> Rule:
        """Enter a rule from its JSON; a 400 names what is wrong with it."""
        if not isinstance(given, dict):
            raise ApiError(400, "a fault is an object")
        only(given, _MEMBERS)
        action = member(given, "action", str)
        if action not in ACTIONS:
            raise ApiError(400, f"action is one of {', '.join(ACTIONS)}, not {action}")
        seconds = given.get("seconds", 0.0)
        if not isinstance(seconds, int | float) or seconds < 0:
            raise ApiError(400, f"seconds is a number >= 0, not {seconds}")
        rule = Rule(
            id=next(self._ids),
            service=text(given, "service", default=""),
            method=text(given, "method", default="").upper(),
            path=_pattern(given, "path"),
            body=_pattern(given, "body"),
            action=action,
            after=truth(given.get("after", False)),
            count=None if given.get("count") is None else number(given, "count", least=1),
            skip=number(given, "skip", 0),
            status=number(given, "status", 503, least=400),
            answer=given.get("answer"),
            headers=given.get("headers", {}),
            seconds=float(seconds),
        )
        self.rules[rule.id] = rule
        return rule

    def strike(self, service: str, method: str, path: str, body: bytes) -> Rule | None:
        """Return the rule that this request meets, used up by one; None when nothing goes wrong."""
        for rule in self.rules.values():
            if rule.service not in {"", service} or rule.method not in {"", method} or not rule.path.search(path):
                continue
            if rule.count == 0 or not rule.body.search(body.decode(errors="replace")):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            rule.count = None if rule.count is None else rule.count - 1
            rule.hits += 1
            return rule
        return None


def _pattern(given: Mapping[str, Any], key: str) -> re.Pattern[str]:
    try:
        return re.compile(text(given, key, 0, 1000, default=""))
    except re.error as error:
        raise ApiError(400, f"{key} is not a regular expression: {error}") from None
