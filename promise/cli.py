"""The commands: `promise serve`, `simulate`, `demo`, `check` and `hash-password`."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import structlog

from promise import __version__, config
from promise.errors import PromiseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from promise.vim.simulator.options import FlavorOption, SimulatorOptions

OTHER_FILES = 256
"""Open files beside those of clients: the ledger, clouds, receivers of events, listeners."""

MOST_FILES = 65_536
"""Open files at a time where the system knows no limit: some of it counts with the limit."""

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def log_to_stderr(level: str) -> None:
    """Write log lines as JSON, one each, to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Promise: a capacity and reservation controller for OpenStack clouds."""


def configured(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where the configuration is, and what overrides it."""
    for option in (
        click.option("--config", "path", type=click.Path(path_type=Path), help="promise.toml; none = all defaults"),
        click.option("--netconf", metavar="HOST:PORT", help="where NETCONF listens"),
        click.option("--restconf", metavar="HOST:PORT", help="where RESTCONF and /healthz listen"),
        click.option("--state-dir", type=click.Path(path_type=Path), help="where the ledger and host keys are kept"),
        click.option("--ledger", metavar="URL", help="the database of the ledger"),
    ):
        function = option(function)
    return function


def _read(
    path: Path | None, netconf: str | None, restconf: str | None, state_dir: Path | None, ledger: str | None
) -> config.Config:
    """Return the configuration with what the command line overrides."""
    found = config.read(path)
    if netconf:
        config.address_of(netconf)
        found = found.model_copy(update={"netconf": found.netconf.model_copy(update={"listen": netconf})})
    if restconf:
        config.address_of(restconf)
        found = found.model_copy(update={"restconf": found.restconf.model_copy(update={"listen": restconf})})
    if state_dir:
        found = found.model_copy(update={"state_dir": state_dir})
    if ledger:
        found = found.model_copy(update={"ledger": found.ledger.model_copy(update={"url": ledger})})
    return found


@main.command()
@configured
def serve(**options: Any) -> None:
    """Run the controller until SIGTERM or SIGINT."""
    try:
        settings = _read(**options)
        log_to_stderr(settings.log_level)
        _allow_many_sessions(settings)
        asyncio.run(_serve(settings))
    except (config.ConfigError, PromiseError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _allow_many_sessions(settings: config.Config) -> None:
    """Let as many files be open as the limits of the configuration may need, each session and connection being one.

    Where the system does not permit that many, it is said: beyond them, connections are not accepted.
    """
    needed = settings.netconf.max_sessions + settings.netconf.max_unauthenticated + settings.restconf.max_connections
    needed += OTHER_FILES
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    permitted = most if most != resource.RLIM_INFINITY else max(needed, MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (permitted, most))
    if permitted < needed:
        rule = "raise the limit (ulimit -Hn, LimitNOFILE), or lower netconf.max_sessions and restconf.max_connections"
        structlog.get_logger(__name__).warning("few-open-files", permitted=permitted, needed=needed, rule=rule)


async def _serve(settings: config.Config) -> None:
    from promise.app import build  # noqa: PLC0415 - only this command needs all of it

    app = await build(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        await app.start()
        failed = asyncio.ensure_future(app.failed())
        stopped = asyncio.ensure_future(stop.wait())
        done, _ = await asyncio.wait({failed, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if failed in done:
            failed.result()
        failed.cancel()
    finally:
        await app.stop()


@main.command()
@configured
def check(**options: Any) -> None:
    """Load the configuration and the YANG, verify that every operation has its handler, and say so."""
    from promise.northbound.operations import verify  # noqa: PLC0415 - as above

    try:
        settings = _read(**options)
        implemented, later = verify()
    except (config.ConfigError, PromiseError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"configuration: {len(settings.user)} user(s), NETCONF on {settings.netconf.listen}")
    click.echo(f"operations: {implemented} implemented, {later} answer operation-not-supported")


@main.command("hash-password")
@click.password_option(help="the password; asked for when it is not given")
def hash_password(password: str) -> None:
    """Print what `password_hash` of a user in the configuration wants."""
    from promise.northbound import users  # noqa: PLC0415 - as above

    click.echo(users.hash_password(password))


@main.command()
@click.option("--listen", default="127.0.0.1:5000", show_default=True, metavar="HOST:PORT", help="where it is reached")
@click.option("--clouds", type=click.Path(path_type=Path), help="write the clouds.yaml to reach it to this file")
@click.option("--hosts", default=4, show_default=True, help="compute hosts, put into the zones in turn")
@click.option("--zone", "zones", multiple=True, default=("az1", "az2"), show_default=True, help="availability zones")
@click.option("--vcpus", default=32, show_default=True, help="of each host")
@click.option("--ram", default=131072, show_default=True, help="of each host, in MB")
@click.option("--disk", default=1000, show_default=True, help="of each host, in GB")
@click.option("--flavor", "flavors", multiple=True, metavar="NAME:VCPUS:RAM:DISK", help="instead of the usual five")
@click.option("--quota", "quotas", multiple=True, metavar="NAME=AMOUNT", help="of every project, by its OpenStack name")
@click.option("--build-seconds", default=1.0, show_default=True, help="from BUILD to ACTIVE")
@click.option("--delete-seconds", default=0.5, show_default=True, help="until a deleted server is gone")
@click.option("--member", is_flag=True, help="the user promise is no admin, and may not read Placement")
def simulate(listen: str, clouds: Path | None, **wanted: Any) -> None:
    """Run an OpenStack that is not there: the real HTTP APIs, without hypervisors."""
    from promise.vim.simulator.simulator import run  # noqa: PLC0415 - as above

    log_to_stderr("info")
    try:
        host, port = config.address_of(listen)
        asyncio.run(run(_simulated(**wanted), host, port, clouds))
    except (config.ConfigError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _simulated(
    *,
    flavors: tuple[str, ...],
    quotas: tuple[str, ...],
    member: bool,
    **sizes: Any,
) -> SimulatorOptions:
    """Return what the options of `simulate` describe.

    Raises:
        ValueError: a flavor or quota has another form, or the cloud could not exist.
    """
    from promise.vim.simulator.options import FLAVORS, SimulatorOptions  # noqa: PLC0415 - as above

    return SimulatorOptions(
        flavors=tuple(_flavor(text) for text in flavors) or FLAVORS,
        quotas=dict(_quota(text) for text in quotas),
        promise_admin=not member,
        **sizes,
    )


def _flavor(text: str) -> FlavorOption:
    from promise.vim.simulator.options import FlavorOption  # noqa: PLC0415 - as above

    match text.split(":"):
        case [name, vcpus, ram, disk] if name and vcpus.isdigit() and ram.isdigit() and disk.isdigit():
            return FlavorOption(name, int(vcpus), int(ram), int(disk))
    raise ValueError(f"a flavor has the form NAME:VCPUS:RAM:DISK, not {text!r}")


def _quota(text: str) -> tuple[str, int]:
    name, equals, amount = text.partition("=")
    if not name or not equals or not amount.removeprefix("-").isdigit():
        raise ValueError(f"a quota has the form NAME=AMOUNT, not {text!r}")
    return name, int(amount)


@main.command()
@click.option("--cloud", metavar="NAME", help="play on this cloud of your clouds.yaml; none = on a simulated one")
@click.option("--image", metavar="NAME|ID", help="the image of the instances; none = the newest")
@click.option("--network", metavar="NAME|ID", help="the network of the instances; none = the first")
@click.option("--flavor", metavar="NAME|ID", help="the flavor of the instances; none = the smallest")
def demo(cloud: str | None, image: str | None, network: str | None, flavor: str | None) -> None:
    """Play an orchestrator's whole story over NETCONF, told for people; every number is checked."""
    from promise.demo.stage import play  # noqa: PLC0415 - as above
    from promise.demo.telling import Teller, Wrong  # noqa: PLC0415 - as above

    log_to_stderr("error")
    tell = Teller()
    try:
        asyncio.run(play(tell, cloud, image, network, flavor))
    except (Wrong, PromiseError, ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo()
    click.secho(f"The story is over: {tell.chapters} chapters, {tell.checks} checks, all of them right.", bold=True)
