#!/usr/bin/env bash
# Installs what `make test-browser` opens reports with: Debian's Chromium, and playwright-core of npm, which steers it and whose version is pinned
# here, into artifacts/npm/browser.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

NPM_PACKAGES=(playwright-core@1.55.1)
APT_PACKAGES=(chromium fonts-dejavu-core)

missing=()
for package in "${APT_PACKAGES[@]}"; do
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) == installed ]] || missing+=("$package")
done
if ((${#missing[@]} > 0)); then
  command -v apt-get >/dev/null || die "$EXIT_MISSING_RESOURCE" "packages are missing, and this machine has no apt-get" "install these yourself: ${missing[*]}"
  as_root=()
  ((EUID == 0)) || as_root=(sudo -n)
  mkdir -p "$LOGS"
  log=$LOGS/apt-browser.log
  say "tests: installing ${missing[*]} (log: ${log#"$ROOT"/})"
  "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update </dev/null >"$log" 2>&1 || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
    install -y --no-install-recommends "${missing[@]}" </dev/null >>"$log" 2>&1 ||
    die "$EXIT_MISSING_RESOURCE" "apt-get could not install: ${missing[*]}" "see ${log#"$ROOT"/}"
fi

command -v npm >/dev/null || die "$EXIT_MISSING_RESOURCE" "npm is not installed" "as root on Debian 12: apt-get install npm"
folder=$ARTIFACTS/npm/browser stamp=$ARTIFACTS/npm/browser.stamp key="${NPM_PACKAGES[*]}"
if ! stamp_matches "$stamp" "$key"; then
  rm -rf "$folder"
  mkdir -p "$folder" "$LOGS"
  say "tests: fetching ${NPM_PACKAGES[*]} (log: artifacts/logs/npm-browser.log)"
  printf '{"private":true,"type":"module"}\n' >"$folder/package.json"
  (cd "$folder" && npm install --save-exact --no-audit --no-fund --ignore-scripts "${NPM_PACKAGES[@]}") </dev/null >"$LOGS/npm-browser.log" 2>&1 ||
    die "$EXIT_MISSING_RESOURCE" "npm could not fetch ${NPM_PACKAGES[*]}" "see artifacts/logs/npm-browser.log"
  write_stamp "$stamp" "$key"
fi
