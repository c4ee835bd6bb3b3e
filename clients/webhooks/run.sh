#!/usr/bin/env bash
# Starts a sandbox and lets two libraries that nobody here wrote verify its webhooks: standardwebhooks of npm and of PyPI.
# Needs node 20, python 3.11 with venv, cargo. Installs the libraries beside this script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
server=""
finish() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  rm -rf -- "$work"
}
trap finish EXIT

[[ -d node_modules/standardwebhooks ]] || npm ci --no-audit --no-fund
[[ -x .venv/bin/python ]] || python3 -m venv .venv
.venv/bin/python -c 'import standardwebhooks' 2>/dev/null || .venv/bin/pip install --quiet -r requirements.txt

cargo build --quiet --locked -p roborent
target=$(cargo metadata --no-deps --format-version 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
site="127.0.0.1:$(port)"
"$target/debug/roborent" serve --data-dir "$work" --listen "$site" --internal-listen "127.0.0.1:$(port)" \
  --devnet-listen "127.0.0.1:$(port)" >"$work/out" 2>&1 &
server=$!
for _ in $(seq 100); do
  python3 -c "import urllib.request; urllib.request.urlopen('http://$site/readyz')" 2>/dev/null && break
  kill -0 "$server" 2>/dev/null || { cat "$work/out"; exit 1; }
  sleep 0.1
done

.venv/bin/python verify.py "http://$site"
