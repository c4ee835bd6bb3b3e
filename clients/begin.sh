# How the script of every client begins: it sources this. Its folder, a temporary one that goes with everything it has
# started, what it installs beside itself, and a sandbox. Needs node 20 with npm, curl, cargo.
# It has no folder, because each folder here is a client.
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[1]}")"

work=$(mktemp -d)
pids=()
finish() {
  [[ ${#pids[@]} -eq 0 ]] || kill "${pids[@]}" 2>/dev/null || true
  rm -rf -- "$work"
}
trap finish EXIT

# What package-lock.json names, unless this package is there.
npm_install() { [[ -d node_modules/$1 ]] || npm ci --no-audit --no-fund; }

# What requirements.txt names, unless these modules are there.
pip_install() {
  [[ -x .venv/bin/python ]] || python3 -m venv .venv
  .venv/bin/python -c "import $1" 2>/dev/null || .venv/bin/pip install --quiet -r requirements.txt
}

# The program, in $target/debug.
build() {
  cargo build --quiet --locked -p roborent
  target=$(cargo metadata --no-deps --format-version 1 | node -pe 'JSON.parse(require("fs").readFileSync(0)).target_directory')
}

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }

# Starts a sandbox and waits until it is ready: $site is its address, $work/data its folder, $work/server.log what it says.
serve() {
  local port
  port=$(free_port)
  site=http://127.0.0.1:$port
  "$target/debug/roborent" serve --data-dir "$work/data" --listen "127.0.0.1:$port" --internal-listen 127.0.0.1:0 \
    --devnet-listen 127.0.0.1:0 >"$work/server.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 200); do
    curl -sf -o /dev/null "$site/readyz" && return 0
    kill -0 $! 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/server.log"
  return 1
}
