"""The simulator as a server: one port, every service under its path, and faults between the wire and the world."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import deque
from typing import TYPE_CHECKING, Final

import structlog
from aiohttp import web

from promise.clock import PreciseClock
from promise.vim.simulator import control
from promise.vim.simulator.api import aodh, cinder, glance, keystone, neutron, nova, placement
from promise.vim.simulator.api.exchange import Answer, Refused, Request
from promise.vim.simulator.faults import Faults, Rule
from promise.vim.simulator.notifier import Notifier
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.names import fresh
from promise.vim.simulator.world.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import StreamReader
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http import RawRequestMessage
    from aiohttp.web_protocol import RequestHandler

    from promise.vim.simulator.api.service import Service
    from promise.vim.simulator.control import Clock
    from promise.vim.simulator.options import SimulatorOptions

log = structlog.get_logger(__name__)
SERVICES: Final = (
    keystone.SERVICE, nova.SERVICE, placement.SERVICE, glance.SERVICE, neutron.SERVICE, cinder.SERVICE, aodh.SERVICE,
)  # fmt: skip
_LARGEST_BODY: Final = 64 << 20
_REMEMBERED: Final = 10000


class Simulator:
    """A simulated OpenStack. `world`, `faults` and `requests` may be looked at and changed by tests directly."""

    def __init__(self, options: SimulatorOptions, clock: Clock) -> None:
        self.options = options
        self.clock = clock
        self.world = World(options, clock.now())
        self.faults = Faults()
        self.requests: deque[dict[str, object]] = deque(maxlen=_REMEMBERED)
        self.notifier = Notifier(self.world, clock)
        self._released = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and return the URL; port 0 takes a free one. Raise OSError when the address is taken."""
        server = web.Server(self._serve, request_factory=_request)
        self._runner = web.ServerRunner(server, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self.notifier.start()
        address = self._runner.addresses[0]
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"http://{shown}:{address[1]}"

    async def stop(self) -> None:
        """Stop listening and drop every connection; requests that hang are let go."""
        self.release()
        await self.notifier.stop()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
            await asyncio.sleep(0)  # a transport closes its socket one turn of the loop after it was told to

    def release(self) -> None:
        """Let go of the requests that hang; their connections are closed without a reply."""
        self._released.set()
        self._released = asyncio.Event()

    def clouds_yaml(self, url: str) -> str:
        """Return a clouds.yaml with the cloud `simulator` and, for other people, `simulator-admin` and the like."""
        people = {
            "simulator": ("promise", "promise"),
            "simulator-member": ("member", "promise"),
            **{f"simulator-{name}": (name, name) for name in self.options.projects if name != "promise"},
        }
        lines = ["clouds:"]
        for cloud, (user, project) in people.items():
            auth = {
                "auth_url": f"{url}/identity/v3", "username": user, "password": user, "project_name": project,
                "user_domain_name": "Default", "project_domain_name": "Default",
            }  # fmt: skip
            lines += [f"  {cloud}:", "    auth:"]
            lines += [f"      {key}: {json.dumps(value)}" for key, value in auth.items()]
            lines += [f"    region_name: {json.dumps(self.options.region)}", '    identity_api_version: "3"']
        return "\n".join(lines) + "\n"

    async def _serve(self, raw: web.BaseRequest) -> web.StreamResponse:
        request = Request(
            raw.method,
            raw.rel_url.raw_path,
            raw.rel_url.raw_query_string,
            {name.lower(): value for name, value in raw.headers.items()},
            await raw.read(),
            f"http://{raw.host}",
        )
        answer = await self._answer(request)
        if answer is None:
            if raw.transport:
                raw.transport.abort()
            return web.Response(status=503)
        return web.Response(
            status=answer.status,
            body=answer.encoded(),
            headers=answer.headers,
            content_type=answer.content_type if answer.body is not None else None,
        )

    async def _answer(self, request: Request) -> Answer | None:
        """Return the answer to a request, None when the connection is to be closed without one."""
        if _below("/simulator", request.path):
            answer: Answer | None = control.answer(self, request)
            self.notifier.look()
            return answer
        service = next((each for each in SERVICES if _below(each.mount, request.path)), None)
        if service is None:
            return _index(request)
        entry: dict[str, object] = {
            "method": request.method, "path": request.path, "query": request.query, "request_id": f"req-{fresh()}",
            "status": None,
        }  # fmt: skip
        self.requests.append(entry)
        answer = await self._faulty(service, request, str(entry["request_id"]))
        entry["status"] = answer.status if answer else None
        return answer

    async def _faulty(self, service: Service, request: Request, request_id: str) -> Answer | None:
        """Let the service answer, as the rules have it."""
        rule = self.faults.strike(service.name, request.method, request.path, request.data)
        if rule is None:
            return self._effect(service, request, request_id)
        if rule.after:
            return await self._spoilt(rule, self._effect(service, request, request_id))
        spoilt = await self._spoilt(rule, Answer())
        return self._effect(service, request, request_id) if rule.action == "delay" else spoilt

    def _effect(self, service: Service, request: Request, request_id: str) -> Answer:
        """Let the service answer, at the present moment; a flaw of the simulator is a 500 in the service's words."""
        now = self.clock.now()
        self.world.advance(now)
        try:
            return service.answer(self.world, request, now, request_id)
        except Exception:
            log.exception("simulator.flaw", method=request.method, path=request.path)
            error = ApiError(500, "Unexpected API Error. The simulator does not understand this request.")
            return service.shape(Refused(error, (0, 0), request_id))
        finally:
            self.notifier.look()

    async def _spoilt(self, rule: Rule, answer: Answer) -> Answer | None:
        """Return what a rule makes of an answer."""
        log.info("simulator.fault", rule=rule.id, action=rule.action, after=rule.after)
        if rule.action == "error":
            body = rule.answer if rule.answer is not None else _words(rule)
            content_type = "text/html" if isinstance(body, str) else "application/json"
            return Answer(rule.status, body, dict(rule.headers), content_type)
        if rule.action == "delay":
            await self.clock.sleep_until(self.clock.now() + rule.seconds)
            return answer
        if rule.action == "hang":
            await self._released.wait()
        return None


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """Make a request that may be as large as an image."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_LARGEST_BODY)


def _words(rule: Rule) -> object:
    """Word an injected error in the shape of its service, where one is named."""
    error = ApiError(rule.status, "The server is currently unavailable. Please try again at a later time.")
    service = next((each for each in SERVICES if each.name == rule.service), SERVICES[1])
    return service.shape(Refused(error, (0, 0), f"req-{fresh()}")).body


def _below(mount: str, path: str) -> bool:
    return path == mount or path.startswith(f"{mount}/")


def _index(request: Request) -> Answer:
    """Answer outside of every service: the root names them, all else is not there."""
    if request.path == "/":
        return Answer(200, {each.name: request.origin + each.mount for each in SERVICES})
    log.warning("simulator.unknown-path", method=request.method, path=request.path)
    return Answer(404, {"error": {"code": 404, "title": "Not Found", "message": f"Nothing is at {request.path}."}})


async def run(options: SimulatorOptions, host: str, port: int, clouds: Path | None = None) -> None:
    """Run a simulator until SIGTERM or SIGINT; write the clouds.yaml by which it is reached, whole or not at all.

    Raise OSError when the address is taken or the file cannot be written.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    simulator = Simulator(options, PreciseClock())
    url = await simulator.start(host, port)
    try:
        if clouds:
            draft = clouds.with_name(f".{clouds.name}.{os.getpid()}")
            draft.write_text(simulator.clouds_yaml(url))
            draft.replace(clouds)
        log.info("simulator.ready", url=url, clouds=str(clouds) if clouds else None)
        await stop.wait()
    finally:
        await simulator.stop()
