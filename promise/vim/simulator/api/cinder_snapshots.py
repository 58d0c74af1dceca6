"""Cinder: snapshots of volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.api.cinder_volumes import volume_of
from promise.vim.simulator.api.exchange import Answer, Call, Routes, member, text, truth
from promise.vim.simulator.api.paging import listing
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import micro

if TYPE_CHECKING:
    from promise.vim.simulator.world.volumes import Snapshot


def _view(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "id": snapshot.id, "name": snapshot.name, "description": snapshot.description,
        "volume_id": snapshot.volume_id, "size": snapshot.size, "status": snapshot.status,
        "created_at": micro(snapshot.created), "updated_at": micro(snapshot.updated), "metadata": snapshot.metadata,
        "user_id": snapshot.user_id, "group_snapshot_id": None, "consumes_quota": True,
        "os-extended-snapshot-attributes:progress": "100%" if snapshot.status == "available" else "0%",
        "os-extended-snapshot-attributes:project_id": snapshot.project_id,
    }  # fmt: skip


def _snapshot(call: Call) -> Snapshot:
    snapshot = call.world.volumes.snapshots.get(call.parts["id"])
    if snapshot is None or (snapshot.project_id != call.token.project_id and not call.token.admin):
        raise ApiError(404, f"Snapshot {call.parts['id']} could not be found.")
    return snapshot


def detail(call: Call) -> Answer:
    """GET /snapshots and /snapshots/detail."""
    everywhere = call.token.admin and truth(call.asked("all_tenants") or "")
    rows = [
        snapshot
        for snapshot in call.world.volumes.snapshots.values()
        if everywhere or snapshot.project_id == call.token.project_id
    ]
    for name in ("name", "status", "volume_id"):
        if (wanted := call.asked(name)) is not None:
            rows = [row for row in rows if getattr(row, name) == wanted]
    return Answer(200, listing(call, "snapshots", "snapshots/detail", rows[::-1], lambda row: row.id, _view))


def show(call: Call) -> Answer:
    """GET /snapshots/{id}."""
    return Answer(200, {"snapshot": _view(_snapshot(call))})


def create(call: Call) -> Answer:
    """POST /snapshots: of a volume that is available, or in use and forced."""
    body = member(call.json(), "snapshot")
    volume = volume_of(call, text(body, "volume_id", 1))
    forced = truth(body.get("force", False)) or call.version >= (3, 66)
    if volume.status != "available" and not (forced and volume.status == "in-use"):
        raise ApiError(
            400, f"Invalid volume: Volume {volume.id} status must be available, but current status is: {volume.status}."
        )
    name, description = body.get("name") or "", body.get("description") or ""
    snapshot = call.world.volumes.create_snapshot(volume, name, description, call.now)
    return Answer(202, {"snapshot": _view(snapshot)})


def delete(call: Call) -> Answer:
    """DELETE /snapshots/{id}."""
    call.world.volumes.delete_snapshot(_snapshot(call), call.now)
    return Answer(202)


ROUTES: Final[Routes] = {
    "/snapshots": {"GET": detail, "POST": create},
    "/snapshots/detail": {"GET": detail},
    "/snapshots/{id}": {"GET": show, "DELETE": delete},
}
