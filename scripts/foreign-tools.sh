#!/usr/bin/env bash
# Installs the foreign readers that `make test-foreign` gives our outputs to: bcftools, NumPy and h5py of Debian's Python with HDF5's library,
# and hyparquet, zarrita and DuckDB's client of npm, whose versions are pinned here, into artifacts/npm/foreign.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

NPM_PACKAGES=(hyparquet@1.33.0 hyparquet-compressors@1.1.2 zarrita@0.7.5 @duckdb/node-api@1.5.6-r.1)
APT_PACKAGES=(python3-numpy python3-h5py libhdf5-103-1 bcftools)

missing=()
for package in "${APT_PACKAGES[@]}"; do
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) == installed ]] || missing+=("$package")
done
if ((${#missing[@]} > 0)); then
  command -v apt-get >/dev/null || die "$EXIT_MISSING_RESOURCE" "packages are missing, and this machine has no apt-get" "install these yourself: ${missing[*]}"
  as_root=()
  ((EUID == 0)) || as_root=(sudo -n)
  mkdir -p "$LOGS"
  log=$LOGS/apt-foreign.log
  say "tests: installing ${missing[*]} (log: ${log#"$ROOT"/})"
  "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update </dev/null >"$log" 2>&1 || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
    install -y --no-install-recommends "${missing[@]}" </dev/null >>"$log" 2>&1 ||
    die "$EXIT_MISSING_RESOURCE" "apt-get could not install: ${missing[*]}" "see ${log#"$ROOT"/}"
fi

command -v npm >/dev/null || die "$EXIT_MISSING_RESOURCE" "npm is not installed" "as root on Debian 12: apt-get install npm"
folder=$ARTIFACTS/npm/foreign stamp=$ARTIFACTS/npm/foreign.stamp key="${NPM_PACKAGES[*]}"
if ! stamp_matches "$stamp" "$key"; then
  rm -rf "$folder"
  mkdir -p "$folder" "$LOGS"
  say "tests: fetching ${NPM_PACKAGES[*]} (log: artifacts/logs/npm-foreign.log)"
  printf '{"private":true,"type":"module"}\n' >"$folder/package.json"
  (cd "$folder" && npm install --save-exact --no-audit --no-fund --ignore-scripts "${NPM_PACKAGES[@]}") </dev/null >"$LOGS/npm-foreign.log" 2>&1 ||
    die "$EXIT_MISSING_RESOURCE" "npm could not fetch ${NPM_PACKAGES[*]}" "see artifacts/logs/npm-foreign.log"
  write_stamp "$stamp" "$key"
fi
