"""<edit-config>, <copy-config> and <delete-config> (RFC 6241 sections 7.2 to 7.4).

An edit is all or nothing, whatever its error-option: stop-on-error has then nothing that it could leave half done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.errors import BadValue, MissingElement, UnknownElement, Unsupported
from promise.northbound.defaults import Report
from promise.northbound.editing import Operation
from promise.northbound.editxml import read_edit
from promise.northbound.message import BASE
from promise.northbound.port import Testing
from promise.northbound.rpcs.filters import DEFAULTS, report_of
from promise.northbound.rpcs.parameters import OK, choice, datastore_of, parameters_of, path_of, source_of

if TYPE_CHECKING:
    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.port import Datastores


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
        if choice(parameters, "error-option", path, *options) == "continue-on-error":
            what = "error-option continue-on-error (an edit is all or nothing)"
            raise Unsupported(what, path=f"{path}/nc:error-option")
        if "url" in parameters:
            rule = "an edit must come in <config>: :url is not advertised"
            raise UnknownElement(rule, path=path, name="url", namespace=BASE)
        if "config" not in parameters:
            raise MissingElement("<edit-config> must have a <config>", path=path, name="config")
        edit = read_edit(parameters["config"], default, self._datastores.schema)
        testing = Testing(tested) if "test-option" in parameters else Testing.SET
        await self._datastores.edit(caller, target, edit, testing)
        return OK

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
