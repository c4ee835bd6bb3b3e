#!/usr/bin/env bash
# Starts a sandbox and signs up, in and out with a client that nobody here wrote: @supabase/supabase-js (npm).
# Needs node 20, cargo. Installs the client beside this script. NEWEST=1 takes the newest release instead of the pinned one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
server=""
finish() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  rm -rf -- "$work"
}
trap finish EXIT

if [[ ${NEWEST:-} ]]; then
  npm install --no-save --no-audit --no-fund @supabase/supabase-js@latest
else
  [[ -d node_modules/@supabase/supabase-js ]] || npm ci --no-audit --no-fund
fi

cargo build --quiet --locked -p roborent
target=$(cargo metadata --no-deps --format-version 1 | node -pe 'JSON.parse(require("fs").readFileSync(0)).target_directory')
port=$((20000 + RANDOM % 20000))
url=http://127.0.0.1:$port
ROBORENT__LIMITS__REGISTER=1000/h ROBORENT__LIMITS__SIGN_IN=1000/min ROBORENT__DEVNET__LISTEN=127.0.0.1:0 \
  "$target/debug/roborent" serve --data-dir "$work" --listen "127.0.0.1:$port" --internal-listen 127.0.0.1:0 >"$work/out" 2>&1 &
server=$!
for _ in $(seq 100); do
  curl -sf "$url/readyz" >/dev/null && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
curl -sf "$url/readyz" >/dev/null || { cat "$work/out"; exit 1; }
node sign_in.mjs "$url"
