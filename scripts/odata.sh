#!/usr/bin/env bash
# Installs an OData server into a folder of its own: once, in the versions of the lock. The tests run it as a program.
set -eu
HERE=.node-odata
LOCK=tests/crm/dataverse/odata
if [ -e "$HERE/.ready" ] && cmp -s "$LOCK/package-lock.json" "$HERE/package-lock.json"; then exit 0; fi
if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
  echo "Installing an OData server for the tests (some seconds) …"
  mkdir -p "$HERE"
  rm -f "$HERE/.ready"
  cp "$LOCK/package.json" "$LOCK/package-lock.json" "$HERE/"
  # Nothing of it is compiled: its database is WebAssembly.
  if npm ci --prefix "$HERE" --ignore-scripts --no-audit --no-fund --silent; then
    touch "$HERE/.ready"
    exit 0
  fi
fi
echo "No OData server: the tests against it will be skipped. They need npm and Node 20 or newer." >&2
