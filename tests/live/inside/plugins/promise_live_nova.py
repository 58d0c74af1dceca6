"""Nova's fake virt driver with hosts of 16 VCPU, 32 GiB and 500 GB, and servers that fail or dawdle when asked to."""

from __future__ import annotations

import time
from typing import Any

from nova import exception  # type: ignore[import-not-found]
from nova.virt import fake  # type: ignore[import-not-found]


class Driver(fake.FakeDriverWithoutFakeNodes):  # type: ignore[misc]
    """A server with promise-fail in its name fails to build, one with promise-slow takes five seconds."""

    vcpus = 16
    memory_mb = 32768
    local_gb = 500

    def spawn(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> Any:
        """Pretend to start a server."""
        name = instance.display_name or ""
        if "promise-slow" in name:
            time.sleep(5)
        if "promise-fail" in name:
            raise exception.BuildAbortException(instance_uuid=instance.uuid, reason="its name asks for it")
        return super().spawn(context, instance, *args, **kwargs)
