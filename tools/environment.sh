#!/bin/sh
# Create the virtual environment: sh tools/environment.sh PYTHON FOLDER
# Debian ships Python without the part that makes environments; fetch it where one may.
set -eu
python=$1 folder=$2

"$python" - <<'END' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make book PYTHON=python3.12")
END

if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    else
        echo "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
"$python" -m venv "$folder"
