"""Images, as Glance keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Image:
    """An image of `size` bytes (None until data came); min_ram in MB, min_disk in GB."""

    id: str
    name: str
    owner: str
    created: float
    updated: float
    size: int | None = None
    min_ram: int = 0
    min_disk: int = 0
    visibility: str = "public"
    status: str = "active"
    protected: bool = False
    disk_format: str | None = "qcow2"
    container_format: str | None = "bare"
    checksum: str | None = None
    digest: str | None = None
    tags: list[str] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)

    def visible_to(self, project_id: str) -> bool:
        """Tell whether a project may see and use this image."""
        return self.visibility in {"public", "community"} or self.owner == project_id
