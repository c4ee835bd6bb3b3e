#!/usr/bin/env bash
# Starts a sandbox and uses it over MCP with what nobody here wrote: the official TypeScript and Python clients, and the
# official conformance suite. Needs node 20 with npm, python 3.11 with venv, cargo. Installs the clients beside this script.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../begin.sh"

npm_install @modelcontextprotocol/conformance
pip_install mcp
# The suite needs a newer node than most systems have.
node=node_modules/.bin/node

build
ROBORENT__LIMITS__REGISTER=1000/h ROBORENT__LIMITS__READ=10000/min ROBORENT__LIMITS__MCP=10000/min serve

passed=0
failed=0
check() {
  local name=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    passed=$((passed + 1))
    [[ $name == suite* ]] || cat "$work/out"
    printf 'ok      %s\n' "$name"
  else
    failed=$((failed + 1))
    cat "$work/out"
    printf 'FAILED  %s\n' "$name"
  fi
}

check "TypeScript client" "$node" use_typescript_sdk.mjs "$site"
check "Python client" .venv/bin/python use_python_sdk.py "$site"

# What needs no tools of the suite's own is asked of the product itself.
suite() { "$node" node_modules/@modelcontextprotocol/conformance/dist/index.js server -o "$work/results" "$@"; }
for scenario in server-initialize ping tools-list dns-rebinding-protection resources-list prompts-list; do
  check "suite, product, 2025-11-25 $scenario" suite --url "$site/api/v1/mcp" --scenario "$scenario" --spec-version 2025-11-25
done
# Without a tool that needs something of its client, four checks have nothing to look at.
check "suite, product, 2026-07-28 server-stateless" suite --url "$site/api/v1/mcp" --scenario server-stateless \
  --spec-version 2026-07-28 --expected-failures product.yml
for scenario in tools-list dns-rebinding-protection server-sse-multiple-streams sep-2164-resource-not-found \
  input-required-result-unsupported-methods input-required-result-missing-input-response input-required-result-ignore-extra-params \
  input-required-result-validate-input http-header-validation resources-list prompts-list caching; do
  check "suite, product, 2026-07-28 $scenario" suite --url "$site/api/v1/mcp" --scenario "$scenario" --spec-version 2026-07-28
done

# The two whole sets, on what the suite wants to find, behind the router of the product.
cargo build --quiet --locked -p roborent --example mcp_fixtures
"$target/debug/examples/mcp_fixtures" >"$work/fixtures.url" 2>"$work/fixtures.log" &
pids+=($!)
for _ in $(seq 200); do
  [[ -s $work/fixtures.url ]] && break
  sleep 0.1
done
fixtures=$(head -n 1 "$work/fixtures.url")
[[ -n $fixtures ]] || { cat "$work/fixtures.log"; exit 1; }
check "suite, all of 2026-07-28" suite --url "$fixtures" --requirements 2026-07-28
check "suite, all of 2025-11-25" suite --url "$fixtures" --requirements 2025-11-25 --expected-failures stateless.yml

printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]
