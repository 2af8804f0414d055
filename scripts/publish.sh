#!/usr/bin/env bash
# publish.sh: a self-contained, trimmed copy of the program for machines without .NET, as artifacts/publish/genoseq-linux-x64.tar.xz.
# The native library is not in it: it is compiled where it runs, against the libtorch there (src/Torch/native travels along).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
require_dotnet
cd "$ROOT"

out=$ARTIFACTS/publish
# What lies beside the archive, such as recorded outputs (golden/), stays.
rm -rf "$out/genoseq" "$out/genoseq-linux-x64.tar.xz"
mkdir -p "$out/genoseq"
# The copy below is no checkout, so the commit that reports show is told.
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || true)
[[ -z $commit || -z $(git status --porcelain --untracked-files=no 2>/dev/null) ]] || commit+=-changed
# A copy of the sources, so that the runtime's package does not enter the projects' lock files.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r src Directory.Build.props Directory.Packages.props global.json .editorconfig GenoSeq.sln "$work"
find "$work" -name packages.lock.json -delete
for project in src/Cli/GenoSeq.Cli.csproj tests/GenoSeq.Torch.Worker/GenoSeq.Torch.Worker.csproj; do
  [[ -f $project ]] || continue
  mkdir -p "$work/$(dirname "$project")"
  cp -r "$(dirname "$project")/." "$work/$(dirname "$project")"
  rm -f "$work/$(dirname "$project")/packages.lock.json"
  # Compiled ahead of time by the publication, which brings the compiler itself.
  sed -i '/<PackageDownload Include="Microsoft.NETCore.App.Crossgen2/d' "$work/$project"
  name=$(basename "$project" .csproj)
  dotnet publish "$work/$project" -c Release -r linux-x64 --self-contained -p:PublishTrimmed=true -p:PublishReadyToRun=true \
    -p:RestorePackagesWithLockFile=false -p:SourceRevisionId="$commit" -o "$out/genoseq/$name" >"$out/publish.log" 2>&1 ||
    { tail -20 "$out/publish.log" >&2; die 1 "$name could not be published"; }
done
cp -r src/Torch/native "$out/genoseq/native"
tar -C "$out" -cJf "$out/genoseq-linux-x64.tar.xz" genoseq
rm -rf "$out/genoseq"
ls -l "$out/genoseq-linux-x64.tar.xz"
