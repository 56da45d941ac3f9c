#!/usr/bin/env bash
# server.sh NAME: installs a server that the tests talk to into an environment of its own, .venv-NAME: once, and again
# when its list of packages, requirements/NAME.txt, changed.
set -eu
NAME=$1
VENV=".venv-$NAME"
READY="$VENV/.ready"
LIST="requirements/$NAME.txt"
if [ -e "$READY" ] && [ ! "$LIST" -nt "$READY" ]; then exit 0; fi
echo "Installing $NAME for the tests (about a minute) …"
if "${PYTHON:-python3}" -m venv "$VENV" \
  && "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$LIST"; then
  touch "$READY"
  exit 0
fi
echo "No $NAME: the tests against a real server of that name will be skipped. What pip said is above." >&2
