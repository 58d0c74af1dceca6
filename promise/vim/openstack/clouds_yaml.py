"""Where the user's clouds.yaml says that a cloud is: only for `promise demo`, providers never read that file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openstack.config import OpenStackConfig
from openstack.exceptions import ConfigException

from promise.capacity.provider import Access
from promise.errors import CloudUnreachable

if TYPE_CHECKING:
    from collections.abc import Mapping


def configured_cloud(name: str) -> tuple[Access, str]:
    """Return how to reach a cloud of clouds.yaml, and the password.

    Raises:
        CloudUnreachable: there is no such cloud, or it has no Keystone user and password.
    """
    try:
        region = OpenStackConfig().get_one(cloud=name, validate=False)
    except ConfigException as error:
        raise CloudUnreachable(f"clouds.yaml: {error}") from None
    auth: Mapping[str, Any] = region.config.get("auth", {})
    missing = [key for key in ("auth_url", "username", "password") if not auth.get(key)]
    if missing:
        raise CloudUnreachable(f"cloud {name} in clouds.yaml has no {', '.join(missing)}")
    access = Access(
        endpoint=auth["auth_url"],
        username=auth["username"],
        user_domain_name=auth.get("user_domain_name") or "Default",
        project_id=auth.get("project_id"),
        project_name=auth.get("project_name"),
        project_domain_name=auth.get("project_domain_name"),
        region=region.config.get("region_name") or None,
    )
    return access, str(auth["password"])
