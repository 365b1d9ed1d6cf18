#!/bin/sh
# The browser for the tests: Chromium from the system's packages, installed where it is missing
# and the user may; a sentence where not (the tests then skip, except in CI).
set -eu
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing Chromium for the browser tests"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
    echo "Chromium is missing: the browser tests will be skipped. On Debian: sudo apt-get install chromium"
fi
