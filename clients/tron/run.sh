#!/usr/bin/env bash
# Two clients that nobody here wrote, tronweb (npm) and tronpy (PyPI), pay on a devnet of their own, and pay a market and
# are paid by it. Needs node 20, python 3.11 with venv, cargo. Installs the clients beside this script.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../begin.sh"

npm_install tronweb
pip_install 'tronpy, google.protobuf'
build

# Starts roborent in the background and waits until a line of its output begins with WORD and http.
start() { # NAME WORD ARGUMENTS...
  local name=$1 word=$2
  shift 2
  "$target/debug/roborent" "$@" --data-dir "$work/$name" --devnet-listen 127.0.0.1:0 >"$work/$name.out" 2>&1 &
  pids+=($!)
  for _ in $(seq 100); do
    if grep -q "^ *$word  *http" "$work/$name.out"; then return 0; fi
    kill -0 "${pids[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/$name.out"
  return 1
}
url_of() { sed -n "s/^ *$2  *\(http[^ ]*\).*/\1/p" "$work/$1.out"; }

start node devnet devnet --block-ms 500
start market devnet serve --listen 127.0.0.1:0 --internal-listen 127.0.0.1:0
node_url=$(url_of node devnet)
site=$(url_of market site)
chain=$(url_of market devnet)
read -r email password < <(sed -n 's|^ *admin  *\([^ ]*\) / \([^ ]*\).*|\1 \2|p' "$work/market.out")

passed=0
failed=0
for client in "node pay_with_tronweb.mjs $node_url" ".venv/bin/python pay_with_tronpy.py $node_url" \
  "node deposit_with_tronweb.mjs $site $chain" ".venv/bin/python withdraw_to_tronpy.py $site $chain $email $password"; do
  if $client; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]
