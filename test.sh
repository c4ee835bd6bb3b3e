#!/usr/bin/env bash
# Everything that has to hold before a change goes in: format, lints, banned crates, all tests.
# Written for bash 3.2 and newer, so that macOS's own bash runs it too.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: ./test.sh [arguments for cargo test]

Without arguments: format check, clippy, a look for banned crates in Cargo.lock, all tests, and then the clients that
nobody here wrote: every clients/*/run.sh. They install what they need with npm and pip beside themselves.
With arguments:    no format check and no clippy; the arguments go to cargo test:
    ./test.sh some_test_name
    ./test.sh -p store
    ./test.sh -p store -- --nocapture

What is missing of the PostgreSQL server, a C compiler, curl, node, npm, python and chromium is installed with apt-get
where that exists (as root or through sudo); elsewhere one line says what to install. Rust comes from rustup.rs.

The tests get a PostgreSQL of their own: a new cluster in a temporary folder, on 127.0.0.1 and a free
port, stopped and removed at the end, also after Ctrl-C. A PostgreSQL that already runs here is not touched.

What the tests find in their environment:
    ROBORENT_TEST_POSTGRES_URL    where the cluster listens; its superuser, no password
    ROBORENT_TEST_POSTGRES_DATA   its data folder
    ROBORENT_TEST_POSTGRES_BIN    the folder of initdb, postgres and pg_ctl
    ROBORENT_REQUIRE_POSTGRES=1   a test that needs PostgreSQL fails without it, instead of being skipped

When CI is set and CARGO_TARGET_DIR is not, cargo builds in ${XDG_CACHE_HOME:-~/.cache}/roborent-target.

The last line is "N passed, N failed". The exit status is 0 only when every step succeeded.
TEXT
}

case "${1:-}" in
  -h | --help)
    usage
    exit 0
    ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '%s\n' "$*"; }
die() {
  printf 'test.sh: %s\n' "$*" >&2
  exit 1
}

# ---------------------------------------------------------------- stopping, whatever happens

work=""       # our temporary folder
pg_user=""    # whom PostgreSQL runs as; empty: as ourselves
pg_bin=""     # folder of initdb, postgres, pg_ctl
pg_pid=""     # the postgres we started; its process group has the same number
child=""      # the step that runs now; its process group has the same number

# Runs a command as the user PostgreSQL runs as.
as_pg() {
  if [[ -z $pg_user ]]; then
    "$@"
  elif [[ $pg_via == setpriv ]]; then
    setpriv --reuid="$(id -u "$pg_user")" --regid="$(id -g "$pg_user")" --init-groups -- "$@"
  elif [[ $pg_via == runuser ]]; then
    runuser -u "$pg_user" -- "$@"
  else
    su -s /bin/sh "$pg_user" -c "$(printf '%q ' "$@")"
  fi
}

# Runs a command in a process group of its own and waits for it. A signal to this script thus takes effect at
# once (bash would finish a foreground command first), and the command can be ended with all its children.
run() {
  local status=0
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  wait "$child" || status=$?
  child=""
  return "$status"
}

group_alive() { kill -0 -- "-$1" 2>/dev/null; }

end_group() { # PID SIGNAL: that signal first, SIGKILL after five seconds
  local i
  kill "-$2" -- "-$1" 2>/dev/null
  for ((i = 0; i < 50; i++)); do
    group_alive "$1" || return 0
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null
}

cleanup() {
  local status=$?
  trap '' INT TERM HUP PIPE
  trap - EXIT
  set +e
  [[ -n $child ]] && end_group "$child" TERM
  if [[ -n $work ]]; then
    # By its data folder, not by its process id: a crash test may have killed and restarted it.
    if [[ -e $work/pg/data/postmaster.pid ]]; then
      as_pg "$pg_bin/pg_ctl" -D "$work/pg/data" -m immediate -w -t 10 stop >/dev/null 2>&1
    fi
    [[ -n $pg_pid ]] && group_alive "$pg_pid" && end_group "$pg_pid" QUIT
    rm -rf -- "$work"
  fi
  exit "$status"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

# ---------------------------------------------------------------- what the tests need

# Prints the folder that holds the PostgreSQL server programs: PATH first, then the newest of the usual places.
find_postgres() {
  local dir program
  for program in initdb postgres; do
    program=$(command -v "$program") || continue
    program=$(readlink -f "$program" 2>/dev/null || printf '%s' "$program")
    dir=$(dirname "$program")
    if has_postgres "$dir"; then printf '%s' "$dir" && return 0; fi
  done
  while IFS= read -r dir; do
    if has_postgres "$dir"; then printf '%s' "$dir" && return 0; fi
  done < <(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin \
    /usr/local/opt/postgresql@*/bin /Library/PostgreSQL/*/bin | sort -rV)
  return 1
}
has_postgres() { [[ -x $1/initdb && -x $1/postgres && -x $1/pg_ctl ]]; }

install_missing() {
  local packages=() names=() sudo=()
  if ! find_postgres >/dev/null; then
    packages+=(postgresql)
    names+=("the PostgreSQL server programs")
  fi
  if ! command -v cc >/dev/null; then
    packages+=(gcc libc6-dev)
    names+=("a C compiler")
  fi
  if ! command -v curl >/dev/null; then
    packages+=(curl)
    names+=("curl")
  fi
  if [[ $1 == clients ]]; then
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
      packages+=(nodejs npm)
      names+=("node and npm")
    fi
    if ! command -v python3 >/dev/null || ! python3 -c 'import ensurepip' 2>/dev/null; then
      packages+=(python3 python3-venv)
      names+=("python with venv")
    fi
    if ! [[ -x /usr/bin/chromium ]]; then
      packages+=(chromium)
      names+=("chromium")
    fi
  fi
  [[ ${#packages[@]} -gt 0 ]] || return 0

  local missing
  missing=$(printf '%s, ' "${names[@]}")
  missing=${missing%, }
  if ! command -v apt-get >/dev/null; then
    die "missing: $missing. Install: brew install postgresql@16 (macOS; cc: xcode-select --install)," \
      "dnf install postgresql-server gcc curl (Fedora, RHEL), or your system's packages of that kind."
  fi
  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || die "missing: $missing. As root: apt-get install --no-install-recommends ${packages[*]}"
    sudo=(sudo)
    if [[ ! -t 0 ]]; then
      sudo -n true 2>/dev/null || die "missing: $missing. As root: apt-get install --no-install-recommends ${packages[*]}"
      sudo=(sudo -n)
    fi
  fi
  say "Missing: $missing. Installing with apt-get: ${packages[*]}"
  # A list that cannot be refreshed is no reason to stop: what is needed may be known already.
  ${sudo[@]+"${sudo[@]}"} apt-get update -q || say "apt-get update failed; going on with the package lists at hand"
  ${sudo[@]+"${sudo[@]}"} env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 "${packages[@]}" </dev/null ||
    die "apt-get could not install: ${packages[*]}"
  hash -r
}

# ---------------------------------------------------------------- the throw-away PostgreSQL

# PostgreSQL refuses to run as root: find a user for it, and a way to become that user.
choose_pg_user() {
  [[ $EUID -eq 0 ]] || return 0
  local user
  for user in postgres nobody daemon; do
    id -u "$user" >/dev/null 2>&1 || continue
    pg_user=$user
    for pg_via in setpriv runuser su; do
      if command -v "$pg_via" >/dev/null && as_pg true >/dev/null 2>&1; then return 0; fi
    done
  done
  die "PostgreSQL does not run as root, and none of setpriv, runuser and su can become postgres or nobody"
}

make_work_folder() {
  local parent
  for parent in "${TMPDIR:-/tmp}" /tmp; do
    work=$(mktemp -d "${parent%/}/roborent-test.XXXXXX")
    mkdir "$work/pg"
    if [[ -n $pg_user ]]; then
      chmod 711 "$work"
      chown "$(id -u "$pg_user"):$(id -g "$pg_user")" "$work/pg"
    fi
    chmod 700 "$work/pg"
    # The server's user must get there, and a unix socket's path has to stay short.
    if [[ ${#work} -le 75 ]] && (cd / && as_pg test -w "$work/pg"); then return 0; fi
    rm -rf -- "$work"
    work=""
  done
  die "no temporary folder that PostgreSQL can use: neither ${TMPDIR:-/tmp} nor /tmp"
}

# A port nobody listens on, below the range from which outgoing connections take theirs:
# a crash test that restarts the server finds it still free.
free_port() {
  local port i
  for ((i = 0; i < 100; i++)); do
    port=$((15000 + RANDOM % 15000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      printf '%s' "$port"
      return 0
    fi
  done
  return 1
}

init_cluster() {
  cd "$work/pg" || return # the server's user may not be allowed to stand in the clone
  as_pg env LC_ALL=C "$pg_bin/initdb" -D "$work/pg/data" -U postgres -A trust -E UTF8 --locale=C >"$work/initdb.log" 2>&1
}

# In the file and not on the command line: a server restarted by a crash test keeps its settings.
configure_cluster() {
  as_pg sh -c 'cat >>"$1"' sh "$work/pg/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $1
unix_socket_directories = '${work//\'/\'\'}/pg'
max_connections = 300
shared_buffers = 128MB
fsync = on
logging_collector = off
log_destination = 'stderr'
CONF
}

serve_cluster() {
  cd "$work/pg" || return
  as_pg env LC_ALL=C "$pg_bin/postgres" -D "$work/pg/data"
}

fail_with_log() { # MESSAGE FILE
  say "---- $2"
  tail -n 60 "$2" || true
  die "$1"
}

# The server itself notes in the eighth line of postmaster.pid when it takes connections.
cluster_ready() { [[ $(sed -n 8p "$work/pg/data/postmaster.pid" 2>/dev/null) == ready* ]]; }

start_cluster() {
  local attempt port deadline
  make_work_folder
  run init_cluster || fail_with_log "initdb failed" "$work/initdb.log"
  deadline=$((SECONDS + 30))
  for attempt in 1 2 3 4 5; do
    port=$(free_port) || die "no free port found on 127.0.0.1"
    configure_cluster "$port"
    : >"$work/postgres.log"
    set -m
    serve_cluster </dev/null >>"$work/postgres.log" 2>&1 &
    pg_pid=$!
    set +m
    while ! cluster_ready; do
      if ! kill -0 "$pg_pid" 2>/dev/null; then
        pg_pid=""
        # Somebody took the port in between: another one.
        grep -q 'Address already in use' "$work/postgres.log" && [[ $attempt -lt 5 ]] && continue 2
        fail_with_log "PostgreSQL did not start" "$work/postgres.log"
      fi
      [[ $SECONDS -lt $deadline ]] || fail_with_log "PostgreSQL was not ready after 30 seconds" "$work/postgres.log"
      sleep 0.1
    done
    break
  done
  # Not a job of this shell any more: no remark about it when it ends.
  disown "$pg_pid" 2>/dev/null || true
  export ROBORENT_TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
  export ROBORENT_TEST_POSTGRES_DATA="$work/pg/data"
  export ROBORENT_TEST_POSTGRES_BIN="$pg_bin"
  export ROBORENT_REQUIRE_POSTGRES=1
}

# ---------------------------------------------------------------- the steps

steps=0
failed_steps=()
failed_logs=()

# Outside of a terminal the end of a step that failed is said again at the end of everything.
step() { # HEADING COMMAND...
  local heading=$1 started=$SECONDS outcome=ok
  shift
  steps=$((steps + 1))
  printf '\n==> %s\n' "$heading"
  if [[ -t 1 ]]; then
    run "$@" || outcome="FAILED"
  else
    run kept "$work/said.$steps" "$@" || outcome="FAILED"
  fi
  [[ $outcome == ok ]] || {
    failed_steps+=("$heading")
    failed_logs+=("$work/said.$steps")
  }
  printf '<== %s: %s, %d s\n' "$heading" "$outcome" "$((SECONDS - started))"
}

kept() { # FILE COMMAND...
  local file=$1
  shift
  (set -o pipefail; "$@" 2>&1 | tee "$file")
}

check_lock() {
  local found
  found=$(grep -nE '^name = "(aws-lc-rs|aws-lc-sys|openssl|openssl-sys|native-tls)"$' Cargo.lock) || {
    [[ -r Cargo.lock ]] && return 0
    return 1
  }
  printf 'Cargo.lock holds crates this project does without:\n%s\n' "$found"
  return 1
}

# Its standard output is shown and kept, for the totals.
cargo_test() {
  local scope=(--workspace) argument
  # cargo lets --workspace win over -p: leave it out where packages are named.
  for argument in "$@"; do
    case $argument in
      --) break ;;
      -p | -p?* | --package | --package=*) scope=() ;;
    esac
  done
  # All test programs run, also after one that failed: the totals are of all of them.
  if [[ -t 2 ]]; then
    cargo test ${scope[@]+"${scope[@]}"} --locked --no-fail-fast "$@" | tee "$work/test.out"
  else
    cargo test ${scope[@]+"${scope[@]}"} --locked --no-fail-fast "$@" 2>&1 | tee "$work/test.out"
  fi
}

# What others wrote, against the program of this build. Its standard output is kept, too.
client() {
  (set -o pipefail; "$1/run.sh" 2>&1 | tee -a "$work/test.out")
}

totals() {
  [[ -r $work/test.out ]] || : >"$work/test.out"
  awk '
    /test result: / && match($0, /[0-9]+ passed; [0-9]+ failed/) {
      split(substr($0, RSTART, RLENGTH), words, " ")
      passed += words[1]; failed += words[3]
    }
    /^[0-9]+ passed, [0-9]+ failed/ { passed += $1; failed += $3 }
    END { printf "%d passed, %d failed\n", passed, failed }
  ' "$work/test.out"
}

# ---------------------------------------------------------------- go

HOME=${HOME:-$(cd ~ && pwd)}
export HOME
if ! command -v cargo >/dev/null && [[ -x ${CARGO_HOME:-$HOME/.cargo}/bin/cargo ]]; then
  export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
fi
command -v cargo >/dev/null || die "missing: cargo. Install Rust from https://rustup.rs"
if [[ $# -eq 0 ]]; then
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 ||
    die "missing: rustfmt or clippy. Install: rustup component add rustfmt clippy"
fi
if [[ -n ${CI:-} && -z ${CARGO_TARGET_DIR:-} ]]; then
  export CARGO_TARGET_DIR="${XDG_CACHE_HOME:-$HOME/.cache}/roborent-target"
fi
# What is set for another server must not reach ours.
unset PGDATA PGHOST PGHOSTADDR PGPORT PGUSER PGPASSWORD PGDATABASE PGOPTIONS PGSERVICE PGSSLMODE PGTZ

if [[ $# -eq 0 ]]; then
  say "Going to: start a throw-away PostgreSQL, check the format, run clippy, look for banned crates, run all tests and all clients."
else
  say "Going to: start a throw-away PostgreSQL, look for banned crates, run cargo test with: $*"
fi
if [[ $# -eq 0 ]]; then install_missing clients; else install_missing tests; fi
pg_bin=$(find_postgres) || die "the PostgreSQL server programs are still missing: no folder with initdb, postgres and pg_ctl"
choose_pg_user
started=$SECONDS
start_cluster
say "PostgreSQL: $("$pg_bin/postgres" --version) as ${pg_user:-$(id -un)}, $ROBORENT_TEST_POSTGRES_URL, $((SECONDS - started)) s"
say "Build folder: ${CARGO_TARGET_DIR:-the default of cargo}"

if [[ $# -eq 0 ]]; then
  step "cargo fmt" cargo fmt --all -- --check
  step "cargo clippy" cargo clippy --workspace --all-targets --locked -- -D warnings
fi
step "banned crates" check_lock
step "cargo test" cargo_test "$@"
if [[ $# -eq 0 ]]; then
  for folder in clients/*/; do
    step "${folder%/}" client "${folder%/}"
  done
fi

printf '\n'
status=0
for ((n = 0; n < ${#failed_steps[@]}; n++)); do
  status=1
  if [[ -r ${failed_logs[n]} ]]; then
    printf '\n--- how %s ended\n' "${failed_steps[n]}"
    tail -n 40 "${failed_logs[n]}"
  fi
done
if [[ $status -ne 0 ]]; then
  printf '\n'
  printf 'Failed: %s\n' "${failed_steps[@]}"
fi
say "$SECONDS s in all"
totals
exit "$status"
