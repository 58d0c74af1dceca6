"""/openapi.json: it is valid, it is true, and it says all that the modules say."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from restconf_house import JSON, house

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METHODS = {"get", "head", "put", "post", "patch", "delete"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(json.loads(files("promise.northbound.bindings").joinpath("openapi.json").read_bytes()))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


def test_it_is_valid(document: dict[str, Any]) -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_names_of_operations_are_unique(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)


async def test_it_is_served_to_anybody_and_only_once(document: dict[str, Any], tmp_path: Path) -> None:
    async with house(tmp_path / "state") as found:
        first = await found.ask("GET", "/openapi.json", user=None)
        assert (first.status, first.headers["Content-Type"], first.body) == (200, "application/json", document)
        again = await found.ask("GET", "/openapi.json", user=None, If_None_Match=first.headers["ETag"])
        assert (again.status, again.content) == (304, b"")
        other = await found.ask("GET", "/openapi.json", user=None, Accept="application/vnd.oai.openapi+json")
        assert other.headers["Content-Type"] == "application/vnd.oai.openapi+json"
        assert (await found.ask("GET", "/openapi.json", user=None, Accept="text/html")).status == 406
        assert (await found.ask("GET", "/openapi.json?a=b", user=None)).status == 400
        refused = await found.ask("DELETE", "/openapi.json", user=None)
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_its_examples_are_understood(document: dict[str, Any], tmp_path: Path) -> None:
    asked = {
        path: operation["requestBody"]["content"][JSON]["example"]
        for path, _, operation in operations(document)
        if "example" in operation.get("requestBody", {}).get("content", {}).get(JSON, {})
    }
    assert len(asked) >= 10
    async with house(tmp_path / "state") as found:
        for path, body in asked.items():
            if not path.endswith("add-provider"):  # it would ask a cloud of that name
                answer = await found.ask("POST", path, body)
                assert answer.status == 200, (path, answer.body)


async def test_it_has_every_operation_that_the_server_has(document: dict[str, Any], tmp_path: Path) -> None:
    async with house(tmp_path / "state") as found:
        listed = (await found.ask("GET", "/restconf/operations")).body["ietf-restconf:operations"]
    assert {f"/restconf/operations/{name}" for name in listed} <= document["paths"].keys()


KEYS = ("cores", "00000000-0000-0000-0000-000000000000", "1")


def with_keys(path: str, parameters: list[dict[str, Any]]) -> str:
    """Return a path with a key for each parameter that its schema takes."""
    for parameter in parameters:
        schema = {**parameter["schema"], **(parameter["schema"].get("allOf") or [{}])[0]}
        if "example" in parameter:
            key = parameter["example"]
        elif schema.get("type") == "integer":
            key = "1"
        else:
            key = next(key for key in schema.get("enum", KEYS) if re.search(schema.get("pattern", ""), key))
        path = path.replace(f"{{{parameter['name']}}}", key)
    return path


async def test_each_path_has_the_methods_that_it_says(document: dict[str, Any], tmp_path: Path) -> None:
    """Those of access control too, which schemathesis leaves alone."""
    said, allowed = {}, {}
    async with house(tmp_path / "state") as found:
        for path, item in document["paths"].items():
            said[path] = {method.upper() for method in METHODS & item.keys()} | {"OPTIONS"}
            answer = await found.ask("OPTIONS", with_keys(path, item.get("parameters", [])))
            assert answer.status == 200, (path, answer.body)
            allowed[path] = set(answer.headers["Allow"].split(", "))
    assert said == allowed
    assert len(said) > 150
