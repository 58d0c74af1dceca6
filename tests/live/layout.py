"""Where everything of the test cloud lies: directories, ports, passwords. Standard library only, like all of this."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"
PORTS = ("rabbit", "epmd", "dist", "mariadb", "keystone", "placement", "glance", "nova", "neutron", "cinder", "aodh")
DATABASES = ("keystone", "placement", "nova_api", "nova_cell0", "nova", "glance", "neutron", "cinder", "aodh")
PASSWORD = "promise"
REGION = "RegionOne"


@dataclass(frozen=True)
class Layout:
    """The test cloud of one user; PROMISE_LIVE_HOME, PROMISE_LIVE_VENV and PROMISE_LIVE_PORT move it elsewhere."""

    home: Path = field(default_factory=lambda: _path("PROMISE_LIVE_HOME", "stack"))
    venv: Path = field(default_factory=lambda: _path("PROMISE_LIVE_VENV", "venv"))
    first_port: int = field(default_factory=lambda: int(os.environ.get("PROMISE_LIVE_PORT", "28500")))
    hosts: tuple[str, ...] = ("cmp1", "cmp2")

    @property
    def etc(self) -> Path:
        return self.home / "etc"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def clouds(self) -> Path:
        return self.home / "clouds.yaml"

    def program(self, name: str) -> str:
        """Return the path of a program of the virtual environment."""
        return str(self.venv / "bin" / name)

    def port(self, name: str) -> int:
        return self.first_port + PORTS.index(name)

    def url(self, name: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port(name)}{path}"

    def database(self, name: str) -> str:
        return f"mysql+pymysql://promise:{PASSWORD}@127.0.0.1:{self.port('mariadb')}/{name}?charset=utf8"

    @property
    def keystone(self) -> str:
        return self.url("keystone", "/v3")

    @property
    def broker(self) -> str:
        return f"rabbit://guest:guest@127.0.0.1:{self.port('rabbit')}/"

    def environment(self) -> dict[str, str]:
        """Return what every process of the cloud finds: its configuration, its plug-ins, and a home of its own."""
        directories = {
            f"OS_{name.upper()}_CONFIG_DIR": str(self.etc / name)
            for name in ("keystone", "placement", "glance", "nova", "neutron")
        }
        return {
            **os.environ,
            **directories,
            "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
            "OS_NOVA_DISABLE_EVENTLET_PATCHING": "1",
            "OS_CINDER_DISABLE_EVENTLET_PATCHING": "1",
            "HOME": str(self.home),  # aodh's API looks for its configuration nowhere else
            "PATH": f"{self.venv}/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(INSIDE / "plugins"),
            "PYTHONWARNINGS": "ignore",
        }


def _path(variable: str, name: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / ".cache" / "promise-live" / name)
