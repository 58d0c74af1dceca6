"""A receiver of callbacks: keeps what is posted, checks what it says of itself, and fails as it is told to."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any, Self

from aiohttp import web


class Receiver:
    """An HTTP server; `answers` are the statuses of the next answers, then it is 204."""

    def __init__(self, key: str | None = None) -> None:
        self.posts: list[dict[str, Any]] = []
        self.tried: list[str] = []
        self.answers: list[int] = []
        self.key = key
        self.uri = ""
        self._came = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.uri = f"http://{host}:{port}/told"
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert request.method == "POST"
        assert request.path == "/told"
        assert request.content_type == "application/yang-data+json"
        if self.key is not None:
            moment, signed = (part.partition("=")[2] for part in request.headers["Promise-Signature"].split(","))
            said = moment.encode() + b"." + body
            assert signed == hmac.new(self.key.encode(), said, hashlib.sha256).hexdigest()
        else:
            assert "Promise-Signature" not in request.headers
        outer = json.loads(body)["ietf-restconf:notification"]
        (name,) = (name for name in outer if name != "eventTime")
        event = {"name": name.partition(":")[2], **outer[name]}
        assert event["event-id"] == request.headers["Promise-Event"]
        assert event["sequence"] == request.headers["Promise-Sequence"]
        assert event["subscription-id"] == [request.headers["Promise-Subscription"]]
        self.tried.append(event["event-id"])
        status = self.answers.pop(0) if self.answers else 204
        headers = {"Location": self.uri} if 300 <= status < 400 else {}
        if status < 300:
            self.posts.append(event)
        self._came.set()
        return web.Response(status=status, headers=headers)

    async def take(self, count: int) -> list[dict[str, Any]]:
        """Return the first so many that were taken, once there are."""
        async with asyncio.timeout(20):
            while len(self.posts) < count:
                self._came.clear()
                await self._came.wait()
        found, self.posts = self.posts[:count], self.posts[count:]
        return found

    async def until_tried(self, count: int) -> None:
        """Wait until so many posts have come, taken or not."""
        async with asyncio.timeout(20):
            while len(self.tried) < count:
                self._came.clear()
                await self._came.wait()
