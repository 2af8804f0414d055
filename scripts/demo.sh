#!/usr/bin/env bash
# demo.sh RECIPE [OVERRIDE...]: trains the recipe on the small genomes in data/.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

recipe=${1:?usage: demo.sh RECIPE [OVERRIDE...]}
shift
cd "$ROOT"
[[ -f $recipe ]] || die "$EXIT_MISSING_RESOURCE" "$recipe is missing" "expected: a complete checkout" \
  "try: git checkout -- $recipe"
exec ./genoseq pretrain -c "$recipe" "$@"
