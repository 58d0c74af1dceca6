"""Serve one OpenStack API: wsgi.py PORT MODULE [ARGUMENTS FOR THE MODULE]. Runs in OpenStack's environment."""

from __future__ import annotations

import importlib
import sys

import waitress  # type: ignore[import-not-found, import-untyped, unused-ignore]

if __name__ == "__main__":
    port, module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]  # some of them read their configuration files from here
    waitress.serve(importlib.import_module(module).application, host="127.0.0.1", port=int(port), threads=8, ident=None)
