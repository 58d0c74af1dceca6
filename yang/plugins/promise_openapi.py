"""pyang output format `promise-openapi`: an OpenAPI 3.1 document of the module's operations and data over RESTCONF.

pyang --strict --plugindir yang/plugins -p yang:yang/ietf -f promise-openapi -o FILE yang/opnfv-promise.yang
"""

from __future__ import annotations

from typing import Any, TextIO

from apigen.document import openapi  # type: ignore[import-not-found]  # on the path that pyang makes
from pyang import plugin


def pyang_plugin_init() -> None:
    """Register the format; pyang calls this."""
    plugin.register_plugin(PromiseOpenapi())


class PromiseOpenapi(plugin.PyangPlugin):  # type: ignore[misc]
    """The output format."""

    def add_output_format(self, fmts: dict[str, Any]) -> None:
        """Make the format known by its name."""
        fmts["promise-openapi"] = self

    def setup_fmt(self, ctx: Any) -> None:
        """Take modules as they are written."""
        ctx.implicit_errors = False

    def emit(self, ctx: Any, modules: list[Any], fd: TextIO) -> None:
        """Write the document of the one module of the command line."""
        loaded = {module.arg: module for module in ctx.modules.values() if module.keyword == "module"}
        fd.write(openapi(loaded, modules[0]))
