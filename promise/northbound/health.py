"""GET /healthz: whether the controller is ready, for load balancers and supervisors; needs no log-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp.web import Request, Response


class HealthServer:
    """Answers 200 with what `state` says while it says anything, else 503."""

    def __init__(self, state: Callable[[], Mapping[str, object] | None], host: str, port: int) -> None:
        self._state = state
        self._address = (host, port)
        self._runner: web.AppRunner | None = None

    async def start(self) -> tuple[str, int]:
        """Listen; returns host and port. Raises OSError when it cannot."""
        app = web.Application(client_max_size=1024)
        app.router.add_get("/healthz", self._healthz)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._runner = runner
        site = web.TCPSite(runner, *self._address)
        await site.start()
        host, port = runner.addresses[0][:2]
        return str(host), int(port)

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _healthz(self, request: Request) -> Response:
        del request
        state = self._state()
        if state is None:
            return web.json_response({"status": "not ready"}, status=503)
        return web.json_response({"status": "ready", **state})
