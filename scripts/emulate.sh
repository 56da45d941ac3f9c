#!/usr/bin/env bash
# Installs an emulator of Slack, and the Node it needs, into a folder of their own: once. The tests run it as a program.
set -eu
HERE=.node-slack
if [ -e "$HERE/.ready" ]; then exit 0; fi
if command -v npm >/dev/null; then
  echo "Installing an emulator of Slack for the tests (some seconds) …"
  mkdir -p "$HERE"
  if npm install --prefix "$HERE" --no-audit --no-fund --silent node@24.21.0 emulate@0.12.2; then
    touch "$HERE/.ready"
    exit 0
  fi
fi
echo "No emulator of Slack: the tests against it will be skipped. They need npm." >&2
