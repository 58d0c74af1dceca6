"""pyang output format `promise-bindings`: the Python of northbound.bindings from the YANG modules.

    pyang --strict --plugindir yang/plugins -p yang:yang/ietf -f promise-bindings --bindings-dir DIR yang/*.yang

Without --bindings-dir all files go to the output, one after the other. The output depends on nothing but the
modules, so that a second run changes no byte. A statement that the bindings cannot express stops the build.
"""

from __future__ import annotations

import optparse
from pathlib import Path
from typing import Any, TextIO

from bindgen.render import rendered  # type: ignore[import-not-found]  # on the path that pyang makes
from bindgen.schema import Reader  # type: ignore[import-not-found]
from pyang import plugin

_YANG = Path(__file__).resolve().parent.parent


def pyang_plugin_init() -> None:
    """Register the format; pyang calls this."""
    plugin.register_plugin(PromiseBindings())


class PromiseBindings(plugin.PyangPlugin):  # type: ignore[misc]
    """The output format."""

    def add_output_format(self, fmts: dict[str, Any]) -> None:
        """Make the format known by its name."""
        self.multiple_modules = True
        fmts["promise-bindings"] = self

    def add_opts(self, optparser: optparse.OptionParser) -> None:
        """Add where the files go."""
        option = optparse.make_option(
            "--bindings-dir", dest="bindings_dir", help="directory for the files of the format promise-bindings"
        )
        optparser.add_option_group("Promise bindings options").add_option(option)

    def setup_fmt(self, ctx: Any) -> None:
        """Take modules as they are written: submodules of a module belong to it."""
        ctx.implicit_errors = False

    def emit(self, ctx: Any, modules: list[Any], fd: TextIO) -> None:
        """Write the files; the modules of the command line are implemented, what they import is only imported."""
        loaded = {module.arg: module for module in ctx.modules.values() if module.keyword == "module"}
        files = rendered(Reader(loaded, _YANG).schema(modules))
        for name, text in files.items():
            if ctx.opts.bindings_dir is None:
                fd.write(text)
            else:
                Path(ctx.opts.bindings_dir, name).write_text(text, encoding="utf-8")
