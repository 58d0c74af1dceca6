"""Writes the reference pages that follow from the sources, or with --check tells which are out of date."""

from __future__ import annotations

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

import limits as attacks
import standards as rfcs
from click import Context, Group
from pydantic import BaseModel

from promise import cli, config
from promise.northbound import bindings, faults
from promise.northbound.operations import LATER

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference"
GENERATED = "<!-- written by tools/reference.py from the sources; `make docs` writes it again -->\n"


def yang_tree() -> str:
    """Return the contract as a tree (RFC 8340)."""
    command = [str(Path(sys.executable).with_name("pyang")), "-p", "yang:yang/ietf", "-f", "tree"]
    done = subprocess.run([*command, "yang/opnfv-promise.yang"], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def errors() -> str:
    """Return the table of faults: what stops a request, and how it is told."""
    lines = [
        GENERATED,
        "# Errors",
        "",
        "What the schema, access control, overload or our own fault stops is an `rpc-error`. What is understood and",
        "decided is an output with `result` ok, conflict or error; its `reason` is one of [reasons.md](reasons.md).",
        "",
        "| what | error-tag | error-app-tag | HTTP status |",
        "| --- | --- | --- | --- |",
    ]
    for kind, row in faults.TABLE.items():
        if kind is BaseException:
            meaning = "a bug of ours; the log has the traceback"
        else:
            meaning = (inspect.getdoc(kind) or "").splitlines()[0].rstrip(".")
        lines.append(f"| {meaning} | {row.tag} | {row.app_tag} | {row.status} |")
    return "\n".join(lines) + "\n"


def reasons() -> str:
    """Return every reason with what the YANG says of it."""
    lines = [
        GENERATED,
        "# Reasons",
        "",
        "The identities derived from `reason` in opnfv-promise.yang; stable, never reused.",
        "",
        "| reason | meaning |",
        "| --- | --- |",
    ]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in _identities()]
    return "\n".join(lines) + "\n"


def _identities() -> Iterator[tuple[str, str]]:
    """Yield (name, description) of each identity of the module that has the base reason."""
    module = _module("opnfv-promise")
    for identity in module.search("identity"):
        if any(base.arg == "reason" for base in identity.search("base")):
            yield identity.arg, _text(identity)


def operations() -> str:
    """Return every RPC with what the YANG says of it, and whether it is implemented."""
    lines = [
        GENERATED,
        "# Operations",
        "",
        "Inputs and outputs are in [yang-tree.txt](yang-tree.txt); the modules describe every node.",
        "",
        "| RPC | |",
        "| --- | --- |",
    ]
    described = {rpc.arg: _text(rpc) for rpc in _module("opnfv-promise").search("rpc")}
    for name in bindings.RPCS:
        later = " *Answers operation-not-supported in this version.*" if name in LATER else ""
        lines.append(f"| `{name}` | {described[name]}{later} |")
    return "\n".join(lines) + "\n"


def events() -> str:
    """Return every notification with what the YANG says of it and of the events that it tells."""
    lines = [GENERATED, "# Notifications", "", "Bodies are in [yang-tree.txt](yang-tree.txt).", ""]
    for notification in _module("opnfv-promise").search("notification"):
        lines += [f"## {notification.arg}", "", _text(notification), "", "| event | meaning |", "| --- | --- |"]
        lines += [f"| `{name}` | {meaning} |" for name, meaning in _told(notification)]
        lines.append("")
    return "\n".join(lines)


def _told(notification: Any) -> Iterator[tuple[str, str]]:
    """Yield the values of the leaf that says what happened: `event`, or `cause` of a change of capacity."""
    for leaf in notification.search("leaf"):
        if leaf.arg in ("event", "cause"):
            for value in leaf.search_one("type").search("enum"):
                yield value.arg, _text(value)


def policy() -> str:
    """Return every leaf of the policy: what `edit-config` may set, and `[policy]` of the file seeds."""
    lines = [
        GENERATED,
        "# Policy",
        "",
        "`/promise/policy/reservation`: changed by `edit-config`; `[policy]` of the file seeds it at the first start.",
        "",
        "| leaf | units | meaning |",
        "| --- | --- | --- |",
    ]
    promise = next(node for node in _module("opnfv-promise").search("container") if node.arg == "promise")
    rules = _child(_child(promise, "policy"), "reservation")
    for leaf in rules.search("leaf"):
        units = leaf.search_one("units")
        lines.append(f"| `{leaf.arg}` | {units.arg if units else ''} | {_text(leaf)} |")
    return "\n".join(lines) + "\n"


def _child(node: Any, name: str) -> Any:
    return next(each for each in node.search("container") if each.arg == name)


def _module(name: str) -> Any:
    from pyang import context, repository  # noqa: PLC0415 - only for the pages about the YANG

    folder = ROOT / "yang"
    found = context.Context(repository.FileRepository(f"{folder}:{folder / 'ietf'}"))
    module = found.add_module(f"{name}.yang", (folder / f"{name}.yang").read_text())
    found.validate()
    return module


def _text(statement: Any) -> str:
    described = statement.search_one("description")
    return " ".join(described.arg.split()).replace("|", "\\|") if described else ""


def configuration() -> str:
    """Return every key of promise.toml."""
    lines = [
        GENERATED,
        "# Configuration",
        "",
        "`promise serve --config promise.toml`. Every key has a default; an unknown key is an error. Without a file",
        f"the environment variable `{config.ADMIN_PASSWORD}` makes the user `admin`.",
        "",
    ]
    for title, model in _sections():
        lines += [f"## {title}", "", "| key | default | meaning |", "| --- | --- | --- |"]
        for name, field in model.model_fields.items():
            if _is_section(field.annotation):
                continue
            default = "required" if field.is_required() else f"`{_toml(field.default)}`"
            lines.append(f"| `{name}` | {default} | {field.description or ''} |")
        lines.append("")
    return "\n".join(lines)


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    yield "At the top", config.Config
    yield "`[[user]]`", config.UserConfig
    for name, field in config.Config.model_fields.items():
        if inspect.isclass(field.annotation) and issubclass(field.annotation, BaseModel):
            yield f"`[{name}]`", field.annotation
            yield from _sections_in(name, field.annotation)


def _sections_in(path: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the tables inside a table, with their paths."""
    for name, field in model.model_fields.items():
        for inside in get_args(field.annotation):
            if inspect.isclass(inside) and issubclass(inside, BaseModel):
                array = get_origin(field.annotation) is list
                yield f"`[[{path}.{name}]]`" if array else f"`[{path}.{name}]`", inside
                yield from _sections_in(f"{path}.{name}", inside)


def _is_section(annotation: object) -> bool:
    return "Config" in str(annotation)


def _toml(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | list | dict) else f'"{value}"'


def commands() -> str:
    """Return the help of every command."""
    lines = [GENERATED, "# Commands", ""]
    group: Group = cli.main
    for name, command in sorted(group.commands.items()):
        context = Context(command, info_name=f"promise {name}", terminal_width=100, max_content_width=100)
        lines += [f"## promise {name}", "", "```", command.get_help(context), "```", ""]
    return "\n".join(lines)


def rules() -> str:
    """Return every rule with the stories that show it, and the reasons of every RPC."""
    folder = ROOT / "tests" / "scenarios"
    lines = [
        GENERATED,
        "# Rules",
        "",
        "What holds, and the stories that show it: each is played against a running controller by `make test`.",
        "",
    ]
    for section, said in tomllib.loads((folder / "rules.toml").read_text()).items():
        lines += [f"## {section}", ""]
        for says, stories in said.items():
            lines += [f"* {says}", *(f"  * [{_sentence(name)}](../../tests/scenarios/{name}.yaml)" for name in stories)]
        lines.append("")
    lines += ["## Which reasons an RPC gives", "", "| RPC | reasons |", "| --- | --- |"]
    for rpc, reasons_of in tomllib.loads((folder / "reasons.toml").read_text()).items():
        lines.append(f"| `{rpc}` | {', '.join(f'`{name}`' for name in reasons_of)} |")
    return "\n".join(lines) + "\n"


def standards() -> str:
    """Return the clauses of the standards that are claimed, each with the test that shows it."""
    return rfcs.page(GENERATED)


def limits() -> str:
    """Return what might be done to the controller, and what stops it."""
    return attacks.page(GENERATED)


def _sentence(story: str) -> str:
    """Return a story's name as the words that it is made of."""
    return story.rpartition("/")[2].replace("-", " ")


WRITERS = {
    "rules.md": rules,
    "yang-tree.txt": yang_tree,
    "errors.md": errors,
    "reasons.md": reasons,
    "operations.md": operations,
    "events.md": events,
    "policy.md": policy,
    "configuration.md": configuration,
    "commands.md": commands,
    "standards.md": standards,
    "limits.md": limits,
}


def main() -> int:
    """Write the pages; with --check write nothing and say which differ."""
    stale = []
    for name, write in WRITERS.items():
        page, text = PAGES / name, write()
        if "--check" in sys.argv:
            if not page.exists() or page.read_text() != text:
                stale.append(name)
        else:
            page.write_text(text)
    if stale:
        print(f"out of date in docs/reference: {', '.join(stale)}; `make docs` writes them")  # noqa: T201
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
