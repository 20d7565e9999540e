#!/usr/bin/env bash
# Prints the path of a Chromium or Chrome: CHROMIUM, or one on PATH.
set -euo pipefail
for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
  if [[ -n $name ]] && command -v "$name"; then exit 0; fi
done
echo "there is no Chromium: install one, or name it in CHROMIUM" >&2
exit 1
