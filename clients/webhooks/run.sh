#!/usr/bin/env bash
# Starts a sandbox and lets two libraries that nobody here wrote verify its webhooks: standardwebhooks of npm and of PyPI.
# Needs node 20, python 3.11 with venv, cargo. Installs the libraries beside this script.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../begin.sh"

npm_install standardwebhooks
pip_install standardwebhooks
build
serve
.venv/bin/python verify.py "$site"
