"""Pages of a list: `limit`, `marker` and the link to what follows, as Nova, Cinder and Neutron write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from promise.vim.simulator.world.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promise.vim.simulator.api.exchange import Call

T = TypeVar("T")


def page(call: Call, rows: Sequence[T], identity: Callable[[T], str]) -> tuple[Sequence[T], bool]:
    """Return the rows of the page that is asked for, and whether there are more behind it."""
    limit = _count(call, "limit")
    largest = call.world.options.page_size
    size = min(largest, limit) if limit is not None else largest
    start = _count(call, "offset") or 0
    marker = call.asked("marker")
    if marker:
        ids = [identity(row) for row in rows]
        if marker not in ids:
            raise ApiError(400, f"marker [{marker}] not found")
        start = ids.index(marker) + 1
    return rows[start : start + size], len(rows) > start + size and size > 0


def listing(
    call: Call, key: str, path: str, rows: Sequence[T], identity: Callable[[T], str], view: Callable[[T], Any]
) -> dict[str, Any]:
    """Return {key: [...]} for one page, with {key}_links when there is a next one."""
    shown, more = page(call, rows, identity)
    body: dict[str, Any] = {key: [view(row) for row in shown]}
    if more:
        body[f"{key}_links"] = [{"rel": "next", "href": call.next_page(path, identity(shown[-1]))}]
    return body


def _count(call: Call, name: str) -> int | None:
    asked = call.asked(name)
    if asked is None:
        return None
    if not asked.isdigit():
        raise ApiError(400, f"Invalid input for query parameters {name}. Value: {asked}. '{asked}' is not a count")
    return int(asked)
