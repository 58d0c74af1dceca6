"""A Cinder volume driver that stores nothing, in 1000 GB of it."""

from __future__ import annotations

from typing import Any

from cinder.volume import driver  # type: ignore[import-not-found]


class Driver(driver.VolumeDriver):  # type: ignore[misc]
    """Every verb succeeds at once."""

    VERSION = "1.0"

    def check_for_setup_error(self) -> None:
        """Find none."""

    def _update_volume_stats(self) -> None:
        self._stats = {
            "volume_backend_name": "nothing",
            "vendor_name": "promise",
            "driver_version": self.VERSION,
            "storage_protocol": "none",
            "total_capacity_gb": 1000,
            "free_capacity_gb": 1000,
        }

    def create_volume(self, _volume: Any) -> dict[str, Any]:
        """Make nothing."""
        return {}

    def delete_volume(self, volume: Any) -> None:
        """Remove nothing."""

    def extend_volume(self, volume: Any, new_size: int) -> None:
        """Make more of nothing."""

    def create_snapshot(self, _snapshot: Any) -> dict[str, Any]:
        """Remember nothing."""
        return {}

    def delete_snapshot(self, snapshot: Any) -> None:
        """Forget nothing."""

    def create_export(self, *_: Any) -> dict[str, Any]:
        """Offer nothing."""
        return {}

    def ensure_export(self, *_: Any) -> dict[str, Any]:
        """Go on offering nothing."""
        return {}

    def remove_export(self, context: Any, volume: Any) -> None:
        """Stop offering it."""

    def initialize_connection(self, *_: Any) -> dict[str, Any]:
        """Connect to nothing."""
        return {"driver_volume_type": "fake", "data": {}}

    def terminate_connection(self, *_: Any, **__: Any) -> None:
        """Disconnect."""
