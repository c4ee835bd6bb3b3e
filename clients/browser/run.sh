#!/usr/bin/env bash
# Starts a sandbox and plays the market in a browser: people on a wide and on a narrow screen, with and without scripts.
# Then strangers write what has run somewhere into every field, and every page that shows it is opened.
# Every page is looked at by axe and kept as a picture in the folder that SHOTS names (target/shots when it is not set).
# Needs node 20, cargo, and Debian's chromium; installs the rest beside this script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
server=""
finish() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  rm -rf -- "$work"
}
trap finish EXIT

[[ -x /usr/bin/chromium ]] || { apt-get update -qq && apt-get install -y -qq chromium; }
[[ -d node_modules/playwright-core ]] || npm ci --no-audit --no-fund

cargo build --quiet --locked -p roborent
target=$(cargo metadata --no-deps --format-version 1 | node -pe 'JSON.parse(require("fs").readFileSync(0)).target_directory')
export SHOTS=${SHOTS:-$target/shots}
mkdir -p "$SHOTS"
port=$((20000 + RANDOM % 20000))
url=http://127.0.0.1:$port
limits="register=10000/h sign_in=10000/min sign_in_failure=1000/h read=100000/min publish=10000/h accept=10000/h submit=10000/h review=10000/h withdraw=1000/h"
for limit in $limits; do export "ROBORENT__LIMITS__$(tr '[:lower:]' '[:upper:]' <<<"${limit%=*}")=${limit#*=}"; done
ROBORENT__AUTH__API_KEYS_MAX=1000 ROBORENT__DEVNET__LISTEN=127.0.0.1:0 \
  "$target/debug/roborent" serve --data-dir "$work" --listen "127.0.0.1:$port" --internal-listen 127.0.0.1:0 >"$work/out" 2>&1 &
server=$!
for _ in $(seq 100); do
  curl -sf "$url/readyz" >/dev/null && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
curl -sf "$url/readyz" >/dev/null || { cat "$work/out"; exit 1; }
admin=$(sed -n 's/^ *admin *\([^ ]*\) \/ \([^ ]*\).*/\1 \2/p' "$work/out")
read -r ADMIN_EMAIL ADMIN_PASSWORD <<<"$admin"
export ADMIN_EMAIL ADMIN_PASSWORD
failed=0
node market.mjs "$url" || failed=1
node strangers.mjs "$url" || failed=1
[[ $failed -eq 0 ]] || tail -n 40 "$work/out"
"$target/debug/roborent" audit --data-dir "$work"
exit $failed
