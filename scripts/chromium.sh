#!/usr/bin/env bash
# Finds a Chromium for the browser tests, or fetches Debian's when this may.
set -eu
for name in "${FLOATCARD_CHROMIUM:-}" chromium chromium-browser google-chrome; do
  if [ -n "$name" ] && command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Fetching Chromium for the browser tests …"
  export DEBIAN_FRONTEND=noninteractive
  if apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; then exit 0; fi
fi
echo "No Chromium: the browser tests will be skipped. On Debian: apt install chromium fonts-noto-cjk" >&2
