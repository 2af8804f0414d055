#!/usr/bin/env bash
# Compiles src/Torch/native against libtorch into artifacts/native/libgenoseq_torch.so, when and only when its sources,
# the libtorch it is compiled against, or the compiler changed. LIBTORCH: the libtorch to use; empty: the system's.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

SOURCE=${GENOSEQ_NATIVE_SOURCE:-$ROOT/src/Torch/native}
BUILD=$ARTIFACTS/native-build
TARGET=$NATIVE_OUT/libgenoseq_torch.so
STAMP=$NATIVE_OUT/libgenoseq_torch.stamp
LOG=$LOGS/native.log

[[ -f $SOURCE/CMakeLists.txt ]] || die "$EXIT_MISSING_RESOURCE" "${SOURCE#"$ROOT"/}/CMakeLists.txt is missing" \
  "expected: a complete checkout" "try: git status, then git checkout -- src/Torch/native"

libtorch=
if [[ -n ${LIBTORCH:-} ]]; then
  libtorch=$(cd "$LIBTORCH" 2>/dev/null && pwd -P) ||
    die "$EXIT_MISSING_RESOURCE" "LIBTORCH=$LIBTORCH is not a folder" "try: the folder that holds include/ and lib/"
fi

libtorch_version() {
  if [[ -z $libtorch ]]; then
    dpkg-query -W -f '${Version}' libtorch-dev 2>/dev/null || echo unknown
  else
    cat "$libtorch/build-version" "$libtorch/version.py" 2>/dev/null || echo unknown
  fi
}

key="source $(hash_files "$SOURCE")
libtorch ${libtorch:-system} $(libtorch_version | tr '\n' ' ')
compiler $(${CXX:-g++} -dumpfullversion 2>/dev/null || echo unknown) ${CXX:-g++} ${CXXFLAGS:-}
source folder $SOURCE"

if [[ -f $TARGET ]] && stamp_matches "$STAMP" "$key"; then
  exit 0
fi

mkdir -p "$NATIVE_OUT" "$LOGS"
# CMake remembers the libtorch that it found; another one needs a clean slate.
if ! stamp_matches "$BUILD/libtorch.stamp" "${libtorch:-system} $SOURCE"; then
  rm -rf "$BUILD"
  write_stamp "$BUILD/libtorch.stamp" "${libtorch:-system} $SOURCE"
fi
say "native: compiling libgenoseq_torch.so against libtorch ${libtorch:-of the system} (log: ${LOG#"$ROOT"/})"
start=$SECONDS
if ! {
  cmake -S "$SOURCE" -B "$BUILD" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" \
    -DLIBTORCH="$libtorch" &&
    cmake --build "$BUILD" --parallel "$(nproc)"
} </dev/null >"$LOG" 2>&1; then
  grep -E -m 20 'error|Error' "$LOG" >&2 || tail -n 20 "$LOG" >&2
  die 1 "libgenoseq_torch.so did not compile" "the whole log: ${LOG#"$ROOT"/}" \
    "try: a libtorch of version 1.13 or newer in LIBTORCH, and g++ 12 or newer"
fi
built=$(find "$BUILD" -name libgenoseq_torch.so -type f -print -quit)
[[ -n $built ]] || die 1 "the native build made no libgenoseq_torch.so" "the whole log: ${LOG#"$ROOT"/}"
# A rename, so that a running program keeps the file that it has mapped.
rm -f "$STAMP"
cp "$built" "$TARGET.$$.tmp"
mv -f "$TARGET.$$.tmp" "$TARGET"
write_stamp "$STAMP" "$key"
say "native: done in $((SECONDS - start)) s"
