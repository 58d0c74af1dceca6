"""<edit-config>, <copy-config> and <delete-config> (RFC 6241 sections 7.2 to 7.4).

An edit is all or nothing: stop-on-error has then nothing that it could leave half done. With continue-on-error each
part of it is an edit of its own.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from promise.errors import BadValue, Denied, Invalid, MissingElement, PromiseError, TooBig, UnknownElement, Unsupported
from promise.northbound.defaults import Report
from promise.northbound.editing import Operation
from promise.northbound.editxml import read_apart, read_edit
from promise.northbound.message import BASE
from promise.northbound.port import Testing
from promise.northbound.rpcs.filters import DEFAULTS, report_of
from promise.northbound.rpcs.parameters import OK, choice, datastore_of, parameters_of, path_of, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.editing import Edit
    from promise.northbound.port import Datastore, Datastores

MOST_PARTS: Final = 1000
"""Parts of an edit with continue-on-error: in running each is judged with the whole configuration."""


class Edits:
    """The operations that change a configuration."""

    def __init__(self, datastores: Datastores) -> None:
        self._datastores = datastores

    async def edit_config(self, caller: Caller, operation: _Element) -> bytes:
        """Edit a configuration."""
        names = ("target", "default-operation", "test-option", "error-option", "config", "url")
        parameters = parameters_of(operation, *names)
        path = path_of(operation)
        target = datastore_of(operation, parameters, "target")
        default = Operation(choice(parameters, "default-operation", path, "merge", "replace", "none"))
        tested = choice(parameters, "test-option", path, "test-then-set", "set", "test-only")
        options = ("stop-on-error", "continue-on-error", "rollback-on-error")
        option = choice(parameters, "error-option", path, *options)
        if "url" in parameters:
            rule = "an edit must come in <config>: :url is not advertised"
            raise UnknownElement(rule, path=path, name="url", namespace=BASE)
        if "config" not in parameters:
            raise MissingElement("<edit-config> must have a <config>", path=path, name="config")
        testing = Testing(tested) if "test-option" in parameters else Testing.SET
        if option == "continue-on-error" and default is not Operation.REPLACE:  # to replace everything is one thing
            parts = read_apart(parameters["config"], default, self._datastores.schema)
            await self._each(caller, target, [*islice(parts, MOST_PARTS + 1)], testing)
            return OK
        edit = read_edit(parameters["config"], default, self._datastores.schema)
        await self._datastores.edit(caller, target, edit, testing)
        return OK

    async def _each(
        self, caller: Caller, target: Datastore, parts: Sequence[Edit | Invalid | Unsupported], testing: Testing
    ) -> None:
        """Make all edits that can be made; raises what was wrong with the others."""
        if len(parts) > MOST_PARTS:
            raise TooBig(f"with continue-on-error an edit may have at most {MOST_PARTS} parts", name="config")
        wrong: list[PromiseError] = []
        for part in parts:
            try:
                if isinstance(part, PromiseError):
                    raise part
                await self._datastores.edit(caller, target, part, testing)
            except (Invalid, Unsupported, Denied) as fault:
                wrong.append(fault)
        if wrong:
            raise ExceptionGroup("parts of an edit", wrong)

    async def copy_config(self, caller: Caller, operation: _Element) -> bytes:
        """Replace a configuration by another one, or by one that is given."""
        parameters = parameters_of(operation, "target", "source", DEFAULTS)
        mode = report_of(parameters.get(DEFAULTS), path_of(operation)) or Report.EXPLICIT
        target = datastore_of(operation, parameters, "target")
        source = source_of(operation, parameters, self._datastores.schema)
        if source == target:
            rule = f"source and target must not both be <{target}>"
            raise BadValue(rule, path=f"{path_of(operation)}/nc:target", name="target")
        await self._datastores.copy(caller, source, target, mode)
        return OK

    async def delete_config(self, caller: Caller, operation: _Element) -> bytes:
        """Say that none of our datastores can be deleted: RFC 6241 knows it for startup and files only."""
        del caller
        parameters = parameters_of(operation, "target")
        target = datastore_of(operation, parameters, "target")
        what = f"deleting <{target}>" + ("" if target == "running" else " (<discard-changes> undoes what was edited)")
        raise Unsupported(what, path=f"{path_of(operation)}/nc:target")
