"""Fill a cloud: seed.py identity|rest KEYSTONE PASSWORD REGION NAME=URL,... HOST...; runs in its environment.

Everything is made only where it is missing, so that it can run again.
"""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING, Any

import openstack

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES = {
    "nova": ("compute", "/v2.1"), "placement": ("placement", ""), "glance": ("image", ""), "neutron": ("network", ""),
    "cinder": ("block-storage", "/v3"), "aodh": ("alarming", ""),
}  # fmt: skip
FLAVORS = (("m1.tiny", 1, 512, 1), ("m1.small", 2, 2048, 10), ("m1.large", 8, 16384, 80))


def identity(cloud: Any, password: str, region: str, urls: dict[str, str]) -> None:
    """Make the users, and the catalog. `svc` is what the services sign in as, `tenant` a plain member."""
    keystone = cloud.identity
    for project_name, user_name, roles in (("service", "svc", ("admin", "service")), ("tenant", "tenant", ("member",))):
        project = keystone.find_project(project_name) or keystone.create_project(name=project_name, domain_id="default")
        user = keystone.find_user(user_name) or keystone.create_user(
            name=user_name, password=password, domain_id="default"
        )
        for name in roles:
            role = keystone.find_role(name) or keystone.create_role(name=name)
            keystone.assign_project_role_to_user(project, user, role)
    for name, url in urls.items():
        kind, path = TYPES[name]
        service = keystone.find_service(name) or keystone.create_service(name=name, type=kind)
        if not list(keystone.endpoints(service_id=service.id)):
            for interface in ("public", "internal"):
                keystone.create_endpoint(service_id=service.id, interface=interface, url=url + path, region_id=region)


def rest(cloud: Any, hosts: list[str]) -> None:
    """Make image, flavors, network and zones, and wait for the hosts."""
    if not cloud.image.find_image("tiny"):
        cloud.image.create_image(
            name="tiny", disk_format="raw", container_format="bare", data=io.BytesIO(b"0" * 512), visibility="public"
        )
    for name, vcpus, ram, disk in FLAVORS:
        if not cloud.compute.find_flavor(name):
            cloud.compute.create_flavor(name=name, vcpus=vcpus, ram=ram, disk=disk)
    if not cloud.network.find_network("net1"):
        network = cloud.network.create_network(name="net1", shared=True)
        cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.77.0.0/16", enable_dhcp=False)
    if not cloud.block_storage.find_type("standard"):
        cloud.block_storage.create_type(name="standard")
    wait("the compute services", lambda: {one.host for one in _computes(cloud)} >= set(hosts))
    wait("the hypervisors", lambda: len(list(cloud.compute.hypervisors())) >= len(hosts))
    wait("the inventories", lambda: len(list(cloud.placement.resource_providers(resources="VCPU:1"))) >= len(hosts))
    zones = {one.name: one for one in cloud.compute.aggregates()}
    for number, host in enumerate(hosts, 1):
        zone = f"az{number}"
        aggregate = zones.get(zone) or cloud.compute.create_aggregate(name=zone, availability_zone=zone)
        if host not in (aggregate.hosts or []):
            cloud.compute.add_host_to_aggregate(aggregate, host)


def wait(what: str, condition: Callable[[], bool]) -> None:
    """Wait for something that comes by itself; services that are still starting may answer with errors."""
    end = time.monotonic() + 300
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"gave up waiting for {what}")
        time.sleep(0.5)


def _computes(cloud: Any) -> list[Any]:
    return [one for one in cloud.compute.services(binary="nova-compute") if one.state == "up"]


if __name__ == "__main__":
    verb, keystone_url, secret, region_name, services, *names = sys.argv[1:]
    connection = openstack.connect(
        load_yaml_config=False, load_envvars=False, auth_url=keystone_url, username="admin", password=secret,
        project_name="admin", user_domain_name="Default", project_domain_name="Default", region_name=region_name,
    )  # fmt: skip
    if verb == "identity":
        identity(connection, secret, region_name, dict(pair.split("=", 1) for pair in services.split(",")))
    else:
        rest(connection, names)
