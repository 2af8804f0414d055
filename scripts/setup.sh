#!/usr/bin/env bash
# Installs what the build needs and a machine may lack: a C++ compiler, CMake, libtorch (unless LIBTORCH points to one)
# and DuckDB's library; and libdeflate, which only makes compressed files faster. Finished work is recognised by content, so a second run costs a fraction of a second.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

DUCKDB_PACKAGE=@duckdb/node-bindings-linux-x64
DUCKDB_VERSION=1.5.6-r.1
DUCKDB_SHA512=IXcrZJE6kEqM0Z4wwdVnGBHX/frOS33VPNAwDXQ/Q+Fs84b058Qe94chrCCIcNJlG8Y3UHIUU4eBeCQxW5mN1Q==

is_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true) == installed ]]
}

missing_packages() {
  command -v g++ >/dev/null || echo g++
  command -v cmake >/dev/null || echo cmake
  command -v make >/dev/null || echo make
  if [[ -z ${LIBTORCH:-} ]]; then
    local package
    for package in libtorch-dev libgloo-dev libopenblas0-pthread; do
      is_installed "$package" || echo "$package"
    done
  fi
}

how_to_go_on() {
  printf '%s\n' \
    "install these yourself: $*" \
    "as root on Debian 12: apt-get update && apt-get install --no-install-recommends $*" \
    "or use a libtorch of your own (then only g++, cmake and make are needed): LIBTORCH=/path/to/libtorch make ..."
}

install_packages() {
  local as_root=() hint log=$LOGS/apt.log
  mapfile -t hint < <(how_to_go_on "$@")
  command -v apt-get >/dev/null ||
    die "$EXIT_MISSING_RESOURCE" "packages are missing, and this machine has no apt-get" "${hint[@]}"
  if ((EUID != 0)); then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo -n)
    else
      die "$EXIT_MISSING_RESOURCE" "packages are missing, and installing them needs root" "${hint[@]}"
    fi
  fi
  mkdir -p "$LOGS"
  say "setup: installing $* (log: ${log#"$ROOT"/})"
  # An old package list may still do, so only the install decides.
  "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update </dev/null >"$log" 2>&1 || true
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
    install -y --no-install-recommends "$@" </dev/null >>"$log" 2>&1; then
    say "$(grep -E '^(E|Err|W):?' "$log" | head -n 5 || true)"
    die "$EXIT_MISSING_RESOURCE" \
      "apt-get could not install: $* (is the network up and Debian's package mirror reachable?)" "${hint[@]}"
  fi
}

# Reading and writing BGZF is twice as fast with libdeflate, and works without.
install_libdeflate() {
  local as_root=() log=$LOGS/libdeflate.log
  is_installed libdeflate0 && return
  ldconfig -p 2>/dev/null | grep -q 'libdeflate\.so\.0' && return
  if command -v apt-get >/dev/null; then
    ((EUID == 0)) || as_root=(sudo -n)
    mkdir -p "$LOGS"
    if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
      install -y --no-install-recommends libdeflate0 </dev/null >"$log" 2>&1; then
      return
    fi
    # The package list may be missing or old.
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update </dev/null >>"$log" 2>&1 || true
    if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
      install -y --no-install-recommends libdeflate0 </dev/null >>"$log" 2>&1; then
      return
    fi
  fi
  say "warning: libdeflate could not be installed (log: ${log#"$ROOT"/})"
  say "  everything works without it; only BGZF files are slower"
}

check_libtorch() {
  [[ -n ${LIBTORCH:-} ]] || return 0
  [[ -f $LIBTORCH/include/ATen/ATen.h && -f $LIBTORCH/lib/libtorch.so ]] ||
    die "$EXIT_MISSING_RESOURCE" "LIBTORCH=$LIBTORCH is not a libtorch" \
      "expected: a folder with include/ATen/ATen.h and lib/libtorch.so" \
      "try: the unpacked libtorch archive, or the 'torch' folder of a Python install's site-packages"
}

warn_no_duckdb() {
  say "warning: no DuckDB library: $1"
  say "  only Parquet needs it; everything else works"
  say "  try: install npm, then 'make setup'; or put libduckdb.so into artifacts/native/ yourself"
}

install_duckdb() {
  local target=$NATIVE_OUT/libduckdb.so stamp=$ARTIFACTS/npm/duckdb.stamp key="$DUCKDB_VERSION $DUCKDB_SHA512"
  local unpacked=$ARTIFACTS/npm/duckdb archive digest
  if [[ -f $target ]] && { [[ ! -f $stamp ]] || stamp_matches "$stamp" "$key"; }; then
    return
  fi
  [[ $(uname -sm) == "Linux x86_64" ]] || { warn_no_duckdb "the pinned package is for Linux x86_64 only"; return; }
  command -v npm >/dev/null || { warn_no_duckdb "npm is not installed"; return; }
  rm -rf "$unpacked"
  mkdir -p "$unpacked" "$NATIVE_OUT" "$LOGS"
  say "setup: fetching DuckDB $DUCKDB_VERSION (log: artifacts/logs/npm.log)"
  if ! archive=$(cd "$unpacked" && npm pack --silent "$DUCKDB_PACKAGE@$DUCKDB_VERSION" </dev/null 2>"$LOGS/npm.log"); then
    warn_no_duckdb "npm could not fetch $DUCKDB_PACKAGE@$DUCKDB_VERSION (is the network up?)"
    return
  fi
  archive=$unpacked/$(tail -n 1 <<<"$archive")
  digest=$(sha512sum "$archive" | cut -d' ' -f1 | hex_to_base64)
  if [[ $digest != "$DUCKDB_SHA512" ]]; then
    rm -rf "$unpacked"
    warn_no_duckdb "the fetched archive of $DUCKDB_PACKAGE@$DUCKDB_VERSION does not have the pinned digest"
    return
  fi
  if ! tar -xzf "$archive" -C "$unpacked" package/libduckdb.so; then
    warn_no_duckdb "the fetched archive holds no package/libduckdb.so"
    return
  fi
  rm -f "$archive"
  # A second name for the same file; a copy where the file system has no hard links.
  ln -f "$unpacked/package/libduckdb.so" "$target" 2>/dev/null || cp -f "$unpacked/package/libduckdb.so" "$target"
  write_stamp "$stamp" "$key"
}

# Hexadecimal digits on standard input to base64 on standard output, with nothing but bash and coreutils.
hex_to_base64() {
  local hex
  read -r hex
  # shellcheck disable=SC2001
  printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")" | base64 -w0
}

require_dotnet
check_libtorch
mapfile -t missing < <(missing_packages)
((${#missing[@]} == 0)) || install_packages "${missing[@]}"
install_libdeflate
install_duckdb
