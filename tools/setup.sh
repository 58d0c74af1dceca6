#!/usr/bin/env bash
# Makes the virtual environment and installs the project into it: tools/setup.sh PYTHON DIRECTORY
# Debian and Ubuntu keep a part of Python's venv module in a package of its own; where that is missing it is installed.
set -euo pipefail

python=$1
directory=$2

# What is made anew is cleared first; behind a link it may be an environment that others are using.
if [ -L "$directory" ]; then
    echo "$directory is a link to $(readlink "$directory"): bring that up to date where it is, or remove the link" >&2
    exit 1
fi

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Promise needs Python 3.11 or later; $python is $("$python" --version)" >&2
    exit 1
}

install_venv() {
    local sudo=()
    if [ "$(id -u)" != 0 ]; then sudo=(sudo -n); fi
    command -v apt-get > /dev/null && "${sudo[@]}" apt-get update -qq &&
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv
}

if ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
    install_venv || {
        echo "Python's venv module is not complete here: install the package python3-venv, then try again" >&2
        exit 1
    }
fi

"$python" -m venv --clear "$directory"
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements.lock
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -e .
