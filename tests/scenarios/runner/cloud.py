"""What a story does to a simulated cloud behind our back, over the cloud's own control API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
from lxml import etree
from scenarios.runner.words import StoryError

if TYPE_CHECKING:
    from lxml.etree import _Element
    from scenarios.runner.stage import Site
    from scenarios.runner.words import Words


async def control(site: Site, asked: str, body: Any, words: Words) -> _Element:
    """Do what a step asks of a cloud, and return the answer as elements.

    `asked` is "stop" (nobody listens any more), "start", or a request of the control API such as "PUT hosts/cmp1".
    """
    if asked == "stop":
        await site.simulator.stop()
        return etree.Element("stopped")
    if asked == "start":
        await site.start()
        return etree.Element("started")
    method, _, path = asked.partition(" ")
    url = f"{site.url}/simulator/{path}"
    async with aiohttp.ClientSession() as http, http.request(method, url, json=_filled(body, words)) as response:
        answer = await response.json() if response.status != 204 else None
        if response.status >= 400:
            raise StoryError(f"{asked}: the simulator says {response.status} {answer}")
    root = etree.Element("answer")
    for element in _elements("entry", answer):
        root.extend(element if isinstance(answer, dict) else [element])
    return root


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
            element.extend(_elements(str(key).replace("/", "_"), inner))
    else:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)
    return [element]
