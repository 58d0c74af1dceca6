"""What a story calls things: moments are told from T0, ids by the names under which replies first showed them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

T0: Final = 1_893_456_000
"""2030-01-01T00:00:00Z, when every story begins. It lies ahead, so that no cloud's token is over before it is used."""

_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_MOMENT: Final = re.compile(r"T0(?:([+-])(P.+))?")
_NAME: Final = re.compile(r"\$([A-Za-z_][\w.-]*)")
_EMBEDDED: Final = re.compile(r"\$\{([^}]+)\}")


class StoryError(Exception):
    """The story itself is wrong: nobody can play it, whatever the server does."""


def duration(text: str) -> timedelta:
    """Return an ISO 8601 duration of days, hours, minutes and seconds."""
    found = _DURATION.fullmatch(text)
    if not found or text.endswith(("P", "T")):
        raise StoryError(f"{text!r} is no duration such as P1DT2H3M4S")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def moment(text: str) -> datetime | None:
    """Return the moment that "T0", "T0+PT1H" or "T0-PT1S" names, None when it names none."""
    found = _MOMENT.fullmatch(text)
    if not found:
        return None
    beginning = datetime.fromtimestamp(T0, UTC)
    sign, much = found.groups()
    return beginning if much is None else beginning + (duration(much) if sign == "+" else -duration(much))


def written(when: datetime) -> str:
    """Return a moment as answers write it; a fraction of a second only where there is one."""
    text = when.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{when.microsecond:06d}".rstrip("0") if when.microsecond else ""
    return f"{text}{fraction}Z"


class Words:
    """The names that a story has given so far, and the texts that its values stand for."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._idle: set[str] = set()

    def learn(self, name: str, value: str, *, must_serve: bool = False) -> None:
        """Let `$name` stand for the value; one that `must_serve` has to be mentioned again in the story."""
        self._values[name] = value
        if must_serve:
            self._idle.add(name)

    def value(self, name: str) -> str:
        """Return what `$name` stands for."""
        if name not in self._values:
            raise StoryError(f"${name} is not known at this step")
        self._idle.discard(name)
        return self._values[name]

    def unknown(self, said: Any) -> str | None:
        """Return the name that a value of an expectation is to be kept under, None when it is to be compared."""
        found = _NAME.fullmatch(said) if isinstance(said, str) else None
        return found[1] if found and found[1] not in self._values else None

    @property
    def idle(self) -> list[str]:
        """The names that were learnt from a reply and never used: most likely written wrongly."""
        return sorted(self._idle)

    def text(self, said: Any) -> str:
        """Return the text that a value of the story stands for in a message."""
        if isinstance(said, bool):
            return "true" if said else "false"
        if not isinstance(said, str):
            return str(said)
        when = moment(said)
        if when is not None:
            return written(when)
        whole = _NAME.fullmatch(said)
        return self.value(whole[1]) if whole else self.filled(said)

    def filled(self, text: str) -> str:
        """Return a text with every ${name} and ${T0+PT1H} in it replaced."""
        return _EMBEDDED.sub(lambda found: self._inside(found[1]), text)

    def _inside(self, inner: str) -> str:
        when = moment(inner)
        return self.value(inner) if when is None else written(when)

    def forgive(self) -> None:
        """Let names stay unused that have been learnt so far."""
        self._idle.clear()
