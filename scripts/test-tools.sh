#!/usr/bin/env bash
# Installs the independent judges that some tests compare with: seqkit, samtools and bgzip. Without them those tests are
# skipped and say so, so nothing here is a reason to stop.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

declare -A package_of=([seqkit]=seqkit [samtools]=samtools [bgzip]=tabix)
missing=()
for tool in "${!package_of[@]}"; do
  command -v "$tool" >/dev/null || missing+=("${package_of[$tool]}")
done
((${#missing[@]} > 0)) || exit 0

as_root=()
if ((EUID != 0)); then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root=(sudo -n); else missing_root=1; fi
fi
log=$LOGS/apt-test-tools.log
mkdir -p "$LOGS"
if [[ -z ${missing_root:-} ]] && command -v apt-get >/dev/null; then
  say "tests: installing ${missing[*]} (log: ${log#"$ROOT"/})"
  "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update </dev/null >"$log" 2>&1 || true
  if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
    install -y --no-install-recommends "${missing[@]}" </dev/null >>"$log" 2>&1; then
    exit 0
  fi
fi
say "warning: ${missing[*]} could not be installed; the tests that compare with them are skipped"
