"""<edit-config> (RFC 6241 section 7.2). An edit is all or nothing, whatever its error-option."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.errors import MissingElement, UnknownElement, Unsupported
from promise.northbound.editing import Operation
from promise.northbound.editxml import read_edit
from promise.northbound.message import BASE
from promise.northbound.port import Datastore
from promise.northbound.rpcs.parameters import OK, choice, expect_running, parameters_of, path_of

if TYPE_CHECKING:
    from lxml.etree import _Element

    from promise.northbound.access import Caller
    from promise.northbound.port import Datastores


class Edits:
    """The operations that change a configuration."""

    def __init__(self, datastores: Datastores) -> None:
        self._datastores = datastores

    async def edit_config(self, caller: Caller, operation: _Element) -> bytes:
        """Edit the running datastore."""
        names = ("target", "default-operation", "test-option", "error-option", "config", "url")
        parameters = parameters_of(operation, *names)
        path = path_of(operation)
        expect_running(operation, parameters, "target")
        default = Operation(choice(parameters, "default-operation", path, "merge", "replace", "none"))
        tested = choice(parameters, "test-option", path, "set", "test-then-set", "test-only")
        if tested != "set":
            raise Unsupported(f"test-option {tested} (:validate is not advertised)", path=f"{path}/nc:test-option")
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
        await self._datastores.edit(caller, Datastore.RUNNING, edit)
        return OK
