"""What a story does to a simulated cloud behind our back, over its control API or as a user of our project there."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from lxml import etree
from scenarios.runner.words import StoryError

if TYPE_CHECKING:
    from lxml.etree import _Element
    from scenarios.runner.stage import Site
    from scenarios.runner.words import Words


_SERVICES: Final = {
    "compute": "compute/v2.1",
    "image": "image/v2",
    "network": "network/v2.0",
    "volume": "volume/v3",
}
"""The services whose APIs a story may use as a user of the project, and where they are."""

_NO_NAME: Final = re.compile(r"[^\w.-]")

_USER: Final = {"name": "promise", "domain": {"name": "Default"}, "password": "promise"}
_PROJECT: Final = {"name": "promise", "domain": {"name": "Default"}}


async def control(site: Site, asked: str, body: Any, words: Words) -> _Element:
    """Do what a step asks of a cloud, and return the answer as elements.

    `asked` is "stop" (nobody listens any more), "start", a request of the control API such as "PUT hosts/cmp1", or one
    that a user of our project sends to a service, such as "POST compute servers".
    """
    if asked == "stop":
        await site.simulator.stop()
        return etree.Element("stopped")
    if asked == "start":
        await site.start()
        return etree.Element("started")
    method, _, path = asked.partition(" ")
    service, _, rest = path.partition(" ")
    async with aiohttp.ClientSession() as http:
        headers = {"X-Auth-Token": await _signed_in(site, http), "X-OpenStack-Nova-API-Version": "2.69"} if rest else {}
        url = f"{site.url}/{_SERVICES[service]}/{rest}" if rest else f"{site.url}/simulator/{path}"
        async with http.request(method, url, json=_filled(body, words), headers=headers) as response:
            text = await response.text()
        answer = json.loads(text) if text else None
        if response.status >= 400:
            raise StoryError(f"{asked}: the simulator says {response.status} {answer}")
    root = etree.Element("answer")
    for element in _elements("entry", answer):
        root.extend(element if isinstance(answer, dict) else [element])
    return root


async def _signed_in(site: Site, http: aiohttp.ClientSession) -> str:
    """Return a token of our own user, who may do in the project what he likes."""
    asked = {"identity": {"methods": ["password"], "password": {"user": _USER}}, "scope": {"project": _PROJECT}}
    async with http.post(f"{site.url}/identity/v3/auth/tokens", json={"auth": asked}) as response:
        return response.headers["X-Subject-Token"]


def _filled(body: Any, words: Words) -> Any:
    """Return a body with the names of the story replaced."""
    if isinstance(body, dict):
        return {key: _filled(value, words) for key, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, words) for value in body]
    return words.text(body) if isinstance(body, str) else body


def _elements(name: str, value: Any) -> list[_Element]:
    """Return a JSON value as elements of that name; members are children, null is nothing."""
    if value is None:
        return []
    if isinstance(value, list):
        return [element for each in value for element in _elements(name, each)]
    element = etree.Element(name)
    if isinstance(value, dict):
        for key, inner in value.items():
            element.extend(_elements(_NO_NAME.sub("_", str(key)), inner))
    else:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)
    return [element]
