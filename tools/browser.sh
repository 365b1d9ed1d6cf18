#!/bin/sh
# The browser for the tests: Chromium from the system's packages, and the one library that what
# drives it needs beside. Installed where missing and the user may; a sentence where not (the
# browser tests are then skipped, except in CI).
set -eu
missing=
found=
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && found=yes
done
[ "$found" ] || missing=chromium
if command -v ldconfig >/dev/null && ! ldconfig -p | grep -q 'libatomic\.so\.1'; then
    missing="$missing libatomic1"
fi
[ "$missing" ] || exit 0

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing for the browser tests:" $missing
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "Without these the browser tests cannot run. On Debian: sudo apt-get install" $missing
fi
