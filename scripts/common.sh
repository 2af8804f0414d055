# shellcheck shell=bash
# Shared by the scripts beside it: where things are, how to speak, how to stamp finished work.

# Used by the scripts that source this file.
# shellcheck disable=SC2034
{
  ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
  ARTIFACTS=$ROOT/artifacts
  NATIVE_OUT=$ARTIFACTS/native
  LOGS=$ARTIFACTS/logs
  EXIT_MISSING_RESOURCE=4
}

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
if [[ ${CI:-} == true ]]; then
  # A build node that outlives the build would keep CI's output pipe open.
  export MSBUILDDISABLENODEREUSE=1
fi

say() { printf '%s\n' "$*" >&2; }

# die EXIT_CODE MESSAGE...: one message per line, then out.
die() {
  local code=$1
  shift
  printf 'error: %s\n' "$1" >&2
  shift
  (($# == 0)) || printf '  %s\n' "$@" >&2
  exit "$code"
}

# stamp_matches FILE KEY: true when FILE holds exactly KEY.
stamp_matches() { [[ -f $1 && $(<"$1") == "$2" ]]; }

# write_stamp FILE KEY: never leaves half a stamp.
write_stamp() {
  mkdir -p "$(dirname "$1")"
  printf '%s\n' "$2" >"$1.$$.tmp"
  mv -f "$1.$$.tmp" "$1"
}

# hash_files PATH...: one digest over the names and contents of all files at and under the paths.
hash_files() {
  find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}

# require_dotnet: the one thing that no script here installs.
require_dotnet() {
  command -v dotnet >/dev/null || die "$EXIT_MISSING_RESOURCE" "the .NET 10 SDK is not on PATH" \
    "expected: the command 'dotnet', SDK 10.0.100 or newer" \
    "try: install it from https://dotnet.microsoft.com/download/dotnet/10.0 and open a new shell"
}

# install_test_packages NAME: what a share of the tests needs besides the program: Debian's packages in APT_PACKAGES, where they are missing, and
# npm's in NPM_PACKAGES, with their versions, into artifacts/npm/NAME.
install_test_packages() {
  local name=$1 package missing=() as_root=() log=$LOGS/apt-$1.log
  for package in "${APT_PACKAGES[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) == installed ]] || missing+=("$package")
  done
  if ((${#missing[@]} > 0)); then
    command -v apt-get >/dev/null || die "$EXIT_MISSING_RESOURCE" "packages are missing, and this machine has no apt-get" "install these yourself: ${missing[*]}"
    ((EUID == 0)) || as_root=(sudo -n)
    mkdir -p "$LOGS"
    say "tests: installing ${missing[*]} (log: ${log#"$ROOT"/})"
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update </dev/null >"$log" 2>&1 || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
      install -y --no-install-recommends "${missing[@]}" </dev/null >>"$log" 2>&1 ||
      die "$EXIT_MISSING_RESOURCE" "apt-get could not install: ${missing[*]}" "see ${log#"$ROOT"/}"
  fi

  command -v npm >/dev/null || die "$EXIT_MISSING_RESOURCE" "npm is not installed" "as root on Debian 12: apt-get install npm"
  local folder=$ARTIFACTS/npm/$name stamp=$ARTIFACTS/npm/$name.stamp key="${NPM_PACKAGES[*]}"
  stamp_matches "$stamp" "$key" && return
  rm -rf "$folder"
  mkdir -p "$folder" "$LOGS"
  say "tests: fetching $key (log: artifacts/logs/npm-$name.log)"
  printf '{"private":true,"type":"module"}\n' >"$folder/package.json"
  (cd "$folder" && npm install --save-exact --no-audit --no-fund --ignore-scripts "${NPM_PACKAGES[@]}") </dev/null >"$LOGS/npm-$name.log" 2>&1 ||
    die "$EXIT_MISSING_RESOURCE" "npm could not fetch $key" "see artifacts/logs/npm-$name.log"
  write_stamp "$stamp" "$key"
}
