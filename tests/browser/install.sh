#!/bin/sh
# What the tests of the report's page need besides Python: Chromium with its driver, and axe-core. Installed where that
# can be done without asking; elsewhere this says loudly what is missing, and those tests are skipped. Never in CI.
set -eu
cd "$(dirname "$0")/../.."
AXE=4.14.1
CACHE=.cache/browser

missing() {
  if [ "${CI:-}" = true ]; then echo "MISSING in CI: $1" >&2; exit 1; fi
  echo "NOT INSTALLED: $1. The tests of the report's page that need it will be SKIPPED." >&2
}

if ! command -v chromedriver >/dev/null 2>&1; then
  if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "Installing chromium and chromium-driver ..." >&2
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver >/dev/null || true
  fi
  command -v chromedriver >/dev/null 2>&1 || missing "chromedriver with Chromium (Debian: chromium chromium-driver)"
fi

if [ "$(cat "$CACHE/axe.version" 2>/dev/null)" != "$AXE" ]; then
  if ! command -v npm >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "Installing npm ..." >&2
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq npm >/dev/null || true
  fi
  if command -v npm >/dev/null 2>&1; then
    mkdir -p "$CACHE"
    npm install --prefix "$CACHE" --no-save --no-audit --no-fund --loglevel=error "axe-core@$AXE" >/dev/null \
      && echo "$AXE" > "$CACHE/axe.version" || missing "axe-core $AXE from npm"
  else
    missing "npm, for axe-core $AXE"
  fi
fi
