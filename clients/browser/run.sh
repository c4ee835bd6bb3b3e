#!/usr/bin/env bash
# Starts a sandbox and plays the market in a browser: people on a wide and on a narrow screen, with and without scripts.
# Then strangers write what has run somewhere into every field, and every page that shows it is opened.
# Every page is looked at by axe and kept as a picture in the folder that SHOTS names (target/shots when it is not set).
# Needs node 20, cargo, and Debian's chromium; installs the rest beside this script.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../begin.sh"

[[ -x /usr/bin/chromium ]] || { apt-get update -qq && apt-get install -y -qq chromium; }
npm_install playwright-core
build
export SHOTS=${SHOTS:-$target/shots}
mkdir -p "$SHOTS"
limits="register=10000/h sign_in=10000/min sign_in_failure=1000/h read=100000/min publish=10000/h accept=10000/h submit=10000/h review=10000/h withdraw=1000/h"
for limit in $limits; do export "ROBORENT__LIMITS__$(tr '[:lower:]' '[:upper:]' <<<"${limit%=*}")=${limit#*=}"; done
ROBORENT__AUTH__API_KEYS_MAX=1000 serve
admin=$(sed -n 's/^ *admin *\([^ ]*\) \/ \([^ ]*\).*/\1 \2/p' "$work/server.log")
read -r ADMIN_EMAIL ADMIN_PASSWORD <<<"$admin"
export ADMIN_EMAIL ADMIN_PASSWORD
failed=0
node market.mjs "$site" || failed=1
node strangers.mjs "$site" || failed=1
[[ $failed -eq 0 ]] || tail -n 40 "$work/server.log"
"$target/debug/roborent" audit --data-dir "$work/data"
exit $failed
