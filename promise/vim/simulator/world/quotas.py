"""What each project may have, by the names of Nova, Neutron and Cinder; -1 is no limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.vim.simulator.options import SimulatorOptions

COMPUTE: Final = {
    "instances": 100, "cores": 200, "ram": 512000, "metadata_items": 128, "injected_files": 5,
    "injected_file_content_bytes": 10240, "injected_file_path_bytes": 255, "key_pairs": 100, "server_groups": 10,
    "server_group_members": 100,
}  # fmt: skip
NETWORK: Final = {
    "network": 100, "subnet": 100, "subnetpool": -1, "port": 500, "router": 10, "floatingip": 50,
    "rbac_policy": 10, "security_group": 10, "security_group_rule": 100,
}  # fmt: skip
VOLUME: Final = {
    "volumes": 100, "snapshots": 100, "gigabytes": 10000, "backups": 10, "backup_gigabytes": 1000, "groups": 10,
    "per_volume_gigabytes": -1,
}  # fmt: skip


class Quotas:
    """The limits of every project: the standard ones, and where they were changed."""

    def __init__(self, options: SimulatorOptions) -> None:
        enough = {
            "cores": max(COMPUTE["cores"], int(options.hosts * options.vcpus * options.cpu_ratio)),
            "ram": max(COMPUTE["ram"], int(options.hosts * options.ram * options.ram_ratio)),
        }
        self.standard = {**COMPUTE, **NETWORK, **VOLUME, **enough}
        if unknown := sorted(set(options.quotas) - set(self.standard)):
            raise ValueError(f"no quota is called {', '.join(unknown)}; there are {', '.join(self.standard)}")
        self.standard.update(options.quotas)
        self._changed: dict[str, dict[str, int]] = {}

    def of(self, project_id: str, names: Mapping[str, int]) -> dict[str, int]:
        """Return a project's limits for these names."""
        changed = self._changed.get(project_id, {})
        return {name: changed.get(name, self.standard[name]) for name in names}

    def limit(self, project_id: str, name: str) -> int:
        """Return one limit of a project."""
        return self._changed.get(project_id, {}).get(name, self.standard[name])

    def exceeded(self, project_id: str, name: str, amount: int) -> bool:
        """Tell whether having this amount in all would be more than the project may."""
        limit = self.limit(project_id, name)
        return limit >= 0 and amount > limit

    def change(self, project_id: str, limits: Mapping[str, int]) -> None:
        """Set limits of a project; the others stay."""
        self._changed.setdefault(project_id, {}).update(limits)

    def reset(self, project_id: str, names: Mapping[str, int]) -> None:
        """Go back to the standard limits for these names."""
        changed = self._changed.get(project_id, {})
        self._changed[project_id] = {name: limit for name, limit in changed.items() if name not in names}
