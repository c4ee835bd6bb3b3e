#!/usr/bin/env bash
# Starts a devnet and pays on it with two clients that nobody here wrote: tronweb (npm) and tronpy (PyPI).
# Needs node 20, python 3.11 with venv, cargo. Installs the clients beside this script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
devnet=""
finish() {
  [[ -z $devnet ]] || kill "$devnet" 2>/dev/null || true
  rm -rf -- "$work"
}
trap finish EXIT

[[ -d node_modules/tronweb ]] || npm ci --no-audit --no-fund
[[ -x .venv/bin/python ]] || python3 -m venv .venv
.venv/bin/python -c 'import tronpy, google.protobuf' 2>/dev/null || .venv/bin/pip install --quiet -r requirements.txt

cargo build --quiet --locked -p roborent
target=$(cargo metadata --no-deps --format-version 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
"$target/debug/roborent" devnet --data-dir "$work" --devnet-listen 127.0.0.1:0 --block-ms 500 >"$work/out" 2>&1 &
devnet=$!
for _ in $(seq 100); do
  grep -q '^devnet http' "$work/out" && break
  kill -0 "$devnet" 2>/dev/null || break
  sleep 0.1
done
url=$(sed -n 's/^devnet \([^ ]*\) .*/\1/p' "$work/out")
[[ -n $url ]] || { cat "$work/out"; exit 1; }

passed=0
failed=0
for client in "node pay_with_tronweb.mjs" ".venv/bin/python pay_with_tronpy.py"; do
  if $client "$url"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]
