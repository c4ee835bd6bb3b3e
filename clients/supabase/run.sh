#!/usr/bin/env bash
# Starts a sandbox and signs up, in and out with a client that nobody here wrote: @supabase/supabase-js (npm).
# Needs node 20, cargo. Installs the client beside this script. NEWEST=1 takes the newest release instead of the pinned one.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../begin.sh"

if [[ ${NEWEST:-} ]]; then
  npm install --no-save --no-audit --no-fund @supabase/supabase-js@latest
else
  npm_install @supabase/supabase-js
fi
build
ROBORENT__LIMITS__REGISTER=1000/h ROBORENT__LIMITS__SIGN_IN=1000/min serve
node sign_in.mjs "$site"
