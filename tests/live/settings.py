"""The configuration files of the test cloud. Whatever is not said here is OpenStack's default."""

from __future__ import annotations

import base64
import os
import shutil
from typing import TYPE_CHECKING

from live.layout import PASSWORD, REGION

if TYPE_CHECKING:
    from pathlib import Path

    from live.layout import Layout

Sections = dict[str, dict[str, str]]

QUIET = {"oslo_messaging_notifications": {"driver": "noop"}}
"""For services whose notifications nobody reads."""


def write(layout: Layout) -> None:
    """Write all files; what depends on nothing but the layout is the same every time."""
    _keys(layout)
    _file(layout.etc / "keystone/keystone.conf", _keystone(layout))
    _file(layout.etc / "placement/placement.conf", _placement(layout))
    _file(layout.etc / "glance/glance-api.conf", _glance(layout))
    _file(layout.etc / "nova/nova.conf", _nova(layout, "ctl"))
    for host in layout.hosts:
        _file(layout.etc / f"nova/{host}.conf", _compute(layout, host))
    _file(layout.etc / "neutron/neutron.conf", _neutron(layout))
    _file(layout.etc / "cinder/cinder.conf", _cinder(layout))
    _file(layout.etc / "aodh/aodh.conf", _aodh(layout))
    _file(layout.etc / "ceilometer/ceilometer.conf", _ceilometer(layout))
    (layout.etc / "ceilometer/event_pipeline.yaml").write_text(_PIPELINE)
    for project in ("nova", "cinder"):
        shutil.copy(layout.venv / f"etc/{project}/api-paste.ini", layout.etc / project)
    if not (layout.home / ".aodh").is_symlink():
        (layout.home / ".aodh").symlink_to(layout.etc / "aodh")
    layout.clouds.write_text(_clouds(layout))


def _keystone(layout: Layout) -> Sections:
    keys = {"key_repository": str(layout.etc / "keystone/fernet")}
    return {
        "DEFAULT": {"log_file": str(layout.log / "keystone.log"), "use_stderr": "false"},
        "database": {"connection": layout.database("keystone")},
        "token": {"provider": "fernet"},
        "fernet_tokens": keys,
        "fernet_receipts": keys,  # bootstrap looks here too
        "credential": {"key_repository": str(layout.etc / "keystone/credential")},
        "identity": {"password_hash_rounds": "4"},
        "cache": {"enabled": "true", "backend": "oslo_cache.dict"},
        **QUIET,
    }


def _placement(layout: Layout) -> Sections:
    return {
        "DEFAULT": {"log_file": str(layout.log / "placement.log")},
        "placement_database": {"connection": layout.database("placement")},
        "keystone_authtoken": _service(layout),
    }


def _glance(layout: Layout) -> Sections:
    stores = {
        name: {"filesystem_store_datadir": str(layout.data / f"glance/{name}")}
        for name in ("fs", "os_glance_staging_store", "os_glance_tasks_store")
    }
    return {
        "DEFAULT": {
            **_process(layout, "glance"),
            "enabled_backends": "fs:file",
            "node_staging_uri": f"file://{layout.data}/glance/staging",
        },
        "database": {"connection": layout.database("glance")},
        "glance_store": {"default_backend": "fs"},
        **stores,
        "paste_deploy": {"flavor": "keystone", "config_file": f"{layout.venv}/etc/glance/glance-api-paste.ini"},
        "keystone_authtoken": _service(layout),
        "oslo_concurrency": {"lock_path": str(layout.data / "glance/lock")},
        **QUIET,
    }


def _nova(layout: Layout, host: str) -> Sections:
    service = _service(layout)
    return {
        "DEFAULT": {
            **_process(layout, host),
            "host": host,
            "my_ip": "127.0.0.1",
            "report_interval": "3",  # a host that died is `down` after service_down_time
            "service_down_time": "12",
            "periodic_fuzzy_delay": "0",  # else the first discovery of hosts may wait a minute
            "update_resources_interval": "10",
            "running_deleted_instance_poll_interval": "0",
            "sync_power_state_interval": "-1",
        },
        "api_database": {"connection": layout.database("nova_api")},
        "database": {"connection": layout.database("nova")},
        "cinder": {**service, "catalog_info": "block-storage::publicURL"},
        "glance": service,
        "neutron": service,
        "placement": service,
        "keystone_authtoken": service,
        "service_user": {**service, "send_service_user_token": "true"},
        "conductor": {"workers": "1"},
        "scheduler": {"workers": "1", "discover_hosts_in_cells_interval": "2"},
        "quota": {"instances": "100", "cores": "400", "ram": "1000000"},
        # Both: Ceilometer reads the unversioned ones. Without the second an instance that finds no host is silent.
        "notifications": {"notification_format": "both", "notify_on_state_change": "vm_and_task_state"},
        "oslo_messaging_notifications": {"driver": "messagingv2"},
        "oslo_concurrency": {"lock_path": str(layout.data / f"{host}/lock")},
        "vnc": {"enabled": "false"},
    }


def _compute(layout: Layout, host: str) -> Sections:
    settings = _nova(layout, host)
    del settings["api_database"], settings["database"]  # Nova forbids them on a compute host
    ratios = {f"initial_{what}_allocation_ratio": "1.0" for what in ("cpu", "ram", "disk")}
    settings["DEFAULT"] |= {"compute_driver": "promise_live_nova.Driver", "reserved_host_memory_mb": "0", **ratios}
    return settings


def _neutron(layout: Layout) -> Sections:
    return {
        "DEFAULT": {
            **_process(layout, "neutron"),
            "core_plugin": "ml2",
            "service_plugins": "router",
            "api_paste_config": f"{layout.venv}/etc/neutron/api-paste.ini",
            "notify_nova_on_port_status_changes": "false",
            "notify_nova_on_port_data_changes": "false",
            "dhcp_agent_notification": "false",
            "rpc_workers": "0",
        },
        "database": {"connection": layout.database("neutron")},
        "keystone_authtoken": _service(layout),
        "ml2": {"type_drivers": "local", "tenant_network_types": "local", "mechanism_drivers": "promise_live"},
        "oslo_concurrency": {"lock_path": str(layout.data / "neutron/lock")},
        **QUIET,
    }


def _cinder(layout: Layout) -> Sections:
    return {
        "DEFAULT": {
            **_process(layout, "cinder"),
            "host": "ctl",
            "enabled_backends": "nothing",
            "default_volume_type": "standard",
            "api_paste_config": str(layout.etc / "cinder/api-paste.ini"),
            "resource_query_filters_file": f"{layout.venv}/etc/cinder/resource_filters.json",
            "glance_api_servers": layout.url("glance"),
            "periodic_fuzzy_delay": "0",
        },
        "nothing": {"volume_driver": "promise_live_cinder.Driver", "volume_backend_name": "nothing"},
        "database": {"connection": layout.database("cinder")},
        "keystone_authtoken": _service(layout),
        "nova": _service(layout),
        "oslo_concurrency": {"lock_path": str(layout.data / "cinder/lock")},
        "oslo_messaging_notifications": {"driver": "messagingv2"},
    }


def _aodh(layout: Layout) -> Sections:
    return {
        "DEFAULT": {
            "log_file": str(layout.log / "aodh.log"),
            "transport_url": layout.broker,
            "event_alarm_cache_ttl": "0",  # by default a new alarm first fires a minute after it was made
        },
        "database": {"connection": layout.database("aodh")},
        "keystone_authtoken": _service(layout),
        "service_credentials": _service(layout),
        **QUIET,
    }


def _ceilometer(layout: Layout) -> Sections:
    return {
        "DEFAULT": {
            "log_file": str(layout.log / "ceilometer.log"),
            "transport_url": layout.broker,
            "event_pipeline_cfg_file": str(layout.etc / "ceilometer/event_pipeline.yaml"),
        },
        "notification": {"pipelines": "event", "notification_control_exchanges": "nova"},
    }


_PIPELINE = """\
sources: [{name: instances, events: ["compute.instance.*"], sinks: [alarms]}]
sinks: [{name: alarms, publishers: ["notifier://?topic=alarm.all"]}]
"""


def _process(layout: Layout, name: str) -> dict[str, str]:
    (layout.data / name / "lock").mkdir(parents=True, exist_ok=True)
    return {
        "log_file": str(layout.log / f"{name}.log"),
        "use_stderr": "false",
        "state_path": str(layout.data / name),
        "transport_url": layout.broker,
    }


def _service(layout: Layout) -> dict[str, str]:
    """Return how the services sign in: all as one user, with the roles admin and service."""
    return {
        "auth_type": "password",
        "auth_url": layout.keystone,
        "www_authenticate_uri": layout.keystone,
        "username": "svc",
        "password": PASSWORD,
        "project_name": "service",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
        "region_name": REGION,
        "service_token_roles": "service",
        "service_token_roles_required": "true",
    }


def _clouds(layout: Layout) -> str:
    lines = ["clouds:"]
    for cloud, user in (("live-admin", "admin"), ("live-tenant", "tenant")):
        lines += [
            f"  {cloud}:",
            f"    region_name: {REGION}",
            '    identity_api_version: "3"',
            "    auth:",
            f"      auth_url: {layout.keystone}",
            f"      username: {user}",
            f"      password: {PASSWORD}",
            f"      project_name: {user}",
            "      user_domain_name: Default",
            "      project_domain_name: Default",
        ]
    return "\n".join(lines) + "\n"


def _keys(layout: Layout) -> None:
    """Write the keys of Keystone's tokens and credentials, once."""
    for name in ("fernet", "credential"):
        place = layout.etc / "keystone" / name
        place.mkdir(parents=True, mode=0o700, exist_ok=True)
        for key in (place / "0", place / "1"):
            if not key.exists():
                key.write_bytes(base64.urlsafe_b64encode(os.urandom(32)))


def _file(path: Path, sections: Sections) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        line
        for name, options in sections.items()
        for line in (f"[{name}]", *(f"{key} = {value}" for key, value in options.items()), "")
    ]
    path.write_text("\n".join(lines))
