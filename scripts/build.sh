#!/usr/bin/env bash
# build.sh cli|all: compiles the program, or every project, in Release; skipped when no input changed since the last time.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

what=${1:-all}
case $what in
  cli) project=src/Cli/GenoSeq.Cli.csproj ;;
  all) project=GenoSeq.sln ;;
  *) die 2 "unknown build '$what'" "expected: cli or all" ;;
esac
require_dotnet
cd "$ROOT"

settings=()
for path in Directory.Build.props Directory.Packages.props global.json .editorconfig NuGet.config nuget.config; do
  [[ ! -f $path ]] || settings+=("$path")
done
cli_key=$(hash_files src "${settings[@]}")
key=$cli_key
[[ $what == cli ]] || key=$(hash_files src tests bench GenoSeq.sln "${settings[@]}")
stamp=$ARTIFACTS/build-$what.stamp
if [[ -f $ARTIFACTS/bin/GenoSeq.Cli/release/genoseq.dll ]] && stamp_matches "$stamp" "$key"; then
  exit 0
fi

say "build: dotnet build $project -c Release"
start=$SECONDS
rm -f "$stamp"
# In CI the committed lock files are the law.
restore=()
if [[ ${CI:-} == true && -n $(find src tests bench -name packages.lock.json -print -quit) ]]; then
  restore=(--locked-mode)
fi
dotnet restore "$project" "${restore[@]}" -v quiet </dev/null >&2 || die 1 "dotnet restore failed" \
  "try: check the network; after a change of packages run 'dotnet restore' and commit the packages.lock.json files"
# One compiler process for all projects, which without reused build nodes is not the default, takes two thirds of the time. It ends with the build
# unless it was there before.
before=$(pgrep -f VBCSCompiler 2>/dev/null || true)
trap '[[ -n $before ]] || dotnet build-server shutdown --vbcscompiler </dev/null >/dev/null 2>&1 || true' EXIT
dotnet build "$project" -c Release --no-restore -v quiet -p:UseSharedCompilation=true </dev/null >&2 || die 1 "dotnet build $project failed"
# The keys were taken before the build, so an edit made during it is compiled next time.
write_stamp "$stamp" "$key"
write_stamp "$ARTIFACTS/build-cli.stamp" "$cli_key"
say "build: done in $((SECONDS - start)) s"
