"""Reads YAML without its surprises: no dates, no `yes` and `no`, no key given twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from scenarios.runner.words import StoryError

if TYPE_CHECKING:
    from pathlib import Path


class _Loader(yaml.SafeLoader):
    """Plain scalars are texts unless they are whole or broken numbers, true, false, or nothing."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - it is how the class is configured

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT002 - as above it
        """Return the mapping, whose keys are all different."""
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise StoryError(f"{key} is given twice{node.start_mark}")
        return super().construct_mapping(node, deep=deep)


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("int", r"-?(0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?[0-9]+\.[0-9]+", "-0123456789"),
    ("null", r"null|", ["n", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def read(path: Path) -> Any:
    """Return what the file says."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - it is a SafeLoader
    except yaml.YAMLError as error:
        raise StoryError(str(error)) from None
