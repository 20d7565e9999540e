#!/usr/bin/env bash
# Puts the real workbench (code-server) into FOLDER/workbench, and sees that there is a browser for it. A few minutes: parts
# are compiled here. Needs what install_node.sh made in FOLDER.
# Usage: install_workbench.sh FOLDER
set -euo pipefail
folder=$(cd "$1" && pwd)
export PATH="$folder/bin:$PATH" npm_config_nodedir="$folder"

missing=()
for package in libkrb5-dev libxkbfile-dev libsecret-1-dev; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
"$(dirname "$0")/find_chromium.sh" >/dev/null 2>&1 || missing+=(chromium)
if ((${#missing[@]})); then
  if ! command -v apt-get >/dev/null; then
    echo "test-vscode needs what Debian calls: ${missing[*]}. Install it, and name the browser in CHROMIUM." >&2
    exit 1
  fi
  if ((EUID != 0)); then
    echo "test-vscode needs system packages. Install them first: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "installing Debian packages: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
fi

mkdir -p "$folder/workbench"
cd "$folder/workbench"
echo '{"private": true}' >package.json
npm install --no-audit --no-fund --save-exact code-server@4.139.1
node node_modules/code-server/out/node/entry.js --config "$folder/workbench/config.yaml" --version
