"""Python source laid out: calls on one line where they fit, else one argument to a line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_WIDTH: Final = 120


@dataclass
class Call:
    """A call, or with an empty name a tuple; arguments may have a keyword."""

    name: str
    arguments: list[tuple[str, str | Call]] = field(default_factory=list)

    def add(self, value: str | Call, keyword: str = "") -> Call:
        """Append an argument and return the call."""
        self.arguments.append((f"{keyword}=" if keyword else "", value))
        return self

    def flat(self) -> str:
        """Return the call on one line."""
        flat = [key + (value if isinstance(value, str) else value.flat()) for key, value in self.arguments]
        single = not self.name and len(flat) == 1
        return f"{self.name}({', '.join(flat)}{',' if single else ''})"

    def laid(self, indent: int, used: int) -> str:
        """Return the call; `used` characters of its first line are taken, and one behind it is needed."""
        flat = self.flat()
        if used + len(flat) + 1 <= _WIDTH:
            return flat
        inner = " " * (indent + 4)
        lines = []
        for key, value in self.arguments:
            head = inner + key
            lines.append(head + (value if isinstance(value, str) else value.laid(indent + 4, len(head))))
        return f"{self.name}(\n" + ",\n".join(lines) + f",\n{' ' * indent})"


def assigned(name: str, value: str | Call, annotation: str = "Final") -> str:
    """Return `name: annotation = value`."""
    head = f"{name}: {annotation} = "
    return head + (value if isinstance(value, str) else value.laid(0, len(head)))


def quoted(text: str) -> str:
    """Return a string literal, in double quotes where that needs no escape."""
    written = repr(text)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written else written


def entries(values: list[str]) -> Call:
    """Return a tuple of these texts."""
    group = Call("")
    for value in values:
        group.add(value)
    return group
