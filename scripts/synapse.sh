#!/usr/bin/env bash
# Installs Synapse, against which the tests of Matrix run, into an environment of its own: once, and again when its
# list of packages changed.
set -eu
VENV=.venv-synapse
READY="$VENV/.ready"
LIST=requirements/synapse.txt
if [ -e "$READY" ] && [ ! "$LIST" -nt "$READY" ]; then exit 0; fi
echo "Installing Synapse for the tests of Matrix (about a minute) …"
if "${PYTHON:-python3}" -m venv "$VENV" \
  && "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$LIST"; then
  touch "$READY"
  exit 0
fi
echo "No Synapse: the tests against a real Matrix server will be skipped. What pip said is above." >&2
