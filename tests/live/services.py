"""What runs in the test cloud, and how it is started."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from live import processes
from live.layout import DATABASES, INSIDE, PASSWORD, REGION

if TYPE_CHECKING:
    from live.layout import Layout

RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server"
MARIADB = "/usr/sbin/mariadbd"


def start_broker(layout: Layout) -> None:
    """Start RabbitMQ with a name, ports and files of its own, beside whatever the machine runs."""
    place = layout.data / "rabbit"
    place.mkdir(exist_ok=True)
    (place / "rabbitmq.conf").write_text("disk_free_limit.absolute = 100MB\nvm_memory_high_watermark.absolute = 1GB\n")
    (place / "enabled_plugins").write_text("[].")
    (place / "environment").write_text("")
    epmd = str(layout.port("epmd"))
    processes.start(layout, "epmd", ["epmd", "-port", epmd, "-address", "127.0.0.1"])
    processes.listening(layout, "epmd")
    names = {
        "HOME": str(place),  # where the cookie is
        "ERL_EPMD_PORT": epmd,
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": "promise-live@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(layout.port("rabbit")),
        "RABBITMQ_DIST_PORT": str(layout.port("dist")),
        "RABBITMQ_CONF_ENV_FILE": str(place / "environment"),
        "RABBITMQ_CONFIG_FILE": str(place / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(place / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(place / "mnesia"),
        "RABBITMQ_LOG_BASE": str(layout.log),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
    }
    processes.start(layout, "rabbit", [RABBIT], names)


def start_database(layout: Layout) -> None:
    """Start MariaDB; it loses the last second when the machine stops, which a test cloud may."""
    place = layout.data / "mariadb"
    if not (place / "mysql").is_dir():
        made = ["mariadb-install-db", "--no-defaults", f"--datadir={place}", "--skip-test-db", "--user=root"]
        processes.run(layout, "mariadb-install", [*made, "--auth-root-authentication-method=normal"])
    options = [
        f"--datadir={place}", f"--socket={layout.run}/mariadb.sock", f"--port={layout.port('mariadb')}",
        f"--pid-file={layout.run}/mariadb.own", "--user=root", "--bind-address=127.0.0.1", "--skip-name-resolve",
        "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--performance-schema=0",
        "--innodb-buffer-pool-size=256M", "--max-connections=1000", "--character-set-server=utf8mb3",
    ]  # fmt: skip
    processes.start(layout, "mariadb", [MARIADB, "--no-defaults", *options])


def make_schemas(layout: Layout) -> None:
    """Create the databases and bring them to the newest schema, several at a time."""
    sql = "".join(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb3;" for name in DATABASES)
    sql += f"CREATE USER IF NOT EXISTS promise@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';"
    sql += "GRANT ALL ON *.* TO promise@'127.0.0.1';"
    client = ["mariadb", "--no-defaults", "-S", f"{layout.run}/mariadb.sock", "-u", "root", "-e", sql]
    processes.run(layout, "databases", client)

    def in_turn(project: str, *commands: list[str]) -> None:
        for number, command in enumerate(commands, 1):
            processes.once(layout, f"schema-{project}-{number}", [layout.program(command[0]), *command[1:]])

    nova, keystone = ["nova-manage", *_file(layout, "nova")], ["keystone-manage", *_file(layout, "keystone")]
    cell0 = ["cell_v2", "map_cell0", "--database_connection", layout.database("nova_cell0")]
    urls = [text for kind in ("public", "internal", "admin") for text in (f"--bootstrap-{kind}-url", layout.keystone)]
    bootstrap = ["bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-region-id", REGION, *urls]
    cell1 = ["cell_v2", "create_cell", "--name", "cell1"]
    work = {
        "nova": ([*nova, "api_db", "sync"], [*nova, *cell0], [*nova, *cell1], [*nova, "db", "sync"]),
        "keystone": ([*keystone, "db_sync"], [*keystone, *bootstrap]),
        "neutron": (["neutron-db-manage", *_file(layout, "neutron"), "upgrade", "heads"],),
        "placement": (["placement-manage", *_file(layout, "placement"), "db", "sync"],),
        "glance": (["glance-manage", *_file(layout, "glance", "glance-api.conf"), "db_sync"],),
        "cinder": (["cinder-manage", *_file(layout, "cinder"), "db", "sync"],),
        "aodh": (["aodh-dbsync", *_file(layout, "aodh")],),
    }
    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(in_turn, project, *commands) for project, commands in work.items()]:
            future.result()


def start_keystone(layout: Layout) -> None:
    """Start Keystone alone: the other services give up for good when their user is unknown."""
    _api(layout, "keystone", "keystone.wsgi.api")
    processes.listening(layout, "keystone")


def start_others(layout: Layout) -> None:
    """Start everything else; nova-compute after the conductor, which it would wait for in steps of ten seconds."""
    _api(layout, "placement", "placement.wsgi.api")
    _api(layout, "glance", "glance.wsgi.api")
    _api(layout, "neutron", "neutron.wsgi.api")
    _api(layout, "nova", "nova.wsgi.osapi_compute")
    _api(layout, "cinder", "cinder.wsgi.api", *_file(layout, "cinder"))
    _api(layout, "aodh", "aodh.wsgi.api")
    processes.listening(layout, "placement")
    log = ["--log-file", str(layout.log / "nova-conductor.log")]
    for name, project, more in (
        ("nova-conductor", "nova", log), ("nova-scheduler", "nova", []), ("cinder-scheduler", "cinder", []),
        ("cinder-volume", "cinder", []), ("aodh-listener", "aodh", []), ("aodh-notifier", "aodh", []),
        ("ceilometer-agent-notification", "ceilometer", []),
    ):  # fmt: skip
        processes.start(layout, name, [layout.program(name), *_file(layout, project), *more])
    conductor = layout.log / "nova-conductor.log"
    processes.until(lambda: conductor.exists() and "conductor node (" in conductor.read_text(), "nova-conductor")
    for host in layout.hosts:
        command = [layout.program("python"), str(INSIDE / "compute.py"), *_file(layout, "nova", f"{host}.conf")]
        processes.start(layout, f"nova-compute-{host}", command)
    processes.listening(layout, "glance", "neutron", "nova", "cinder", "aodh")


def seed(layout: Layout, what: str) -> None:
    """Fill the cloud: `identity` before the services start, `rest` when they run."""
    urls = ",".join(
        f"{name}={layout.url(name)}" for name in ("nova", "placement", "glance", "neutron", "cinder", "aodh")
    )
    command = [layout.program("python"), str(INSIDE / "seed.py"), what, layout.keystone, PASSWORD, REGION, urls]
    processes.run(layout, f"seed-{what}", [*command, *layout.hosts])


def _api(layout: Layout, name: str, module: str, *arguments: str) -> None:
    command = [layout.program("python"), str(INSIDE / "wsgi.py"), str(layout.port(name)), module, *arguments]
    processes.start(layout, name, command)


def _file(layout: Layout, project: str, name: str | None = None) -> list[str]:
    return ["--config-file", str(layout.etc / project / (name or f"{project}.conf"))]
