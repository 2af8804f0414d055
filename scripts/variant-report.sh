#!/usr/bin/env bash
# variant-report.sh CHECKPOINT [OPTIONS OF genoseq score ...]: scores the ClinVar and MPRA sets of a folder with a model, and prints AUROC and Spearman beside
# simple baselines. VARIANTS=DIR: the folder with clinvar_chr1_1Mb and mpra_satmut (../shared/data/variants). OUT=DIR: where scores go (a temporary folder).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

(($# >= 1)) || die 2 "no checkpoint given" "usage: scripts/variant-report.sh CHECKPOINT [OPTIONS]"
checkpoint=$1
shift
variants=${VARIANTS:-$ROOT/../shared/data/variants}
[[ -d $variants ]] || die 3 "there is no folder $variants" "expected: clinvar_chr1_1Mb and mpra_satmut in it; try VARIANTS=DIR"
out=${OUT:-$(mktemp -d)}
mkdir -p "$out"

printf '== ClinVar, first million bases of chromosome 1: pathogenic against benign\n'
"$ROOT/genoseq" score --quiet --checkpoint "$checkpoint" --genome "$variants/clinvar_chr1_1Mb/chr1_1Mb_grch37.fa.gz" \
  --vcf "$variants/clinvar_chr1_1Mb/clinvar_chr1_1Mb.vcf" --label-column LABEL --positive P --negative B --strand average \
  -o "$out/clinvar.tsv" --force "$@"
printf '\n== MPRA, saturation mutagenesis of regulatory elements: measured effect\n'
"$ROOT/genoseq" score --quiet --checkpoint "$checkpoint" --genome "$variants/mpra_satmut/references.fa.gz" --placed \
  --table "$variants/mpra_satmut/variants.tsv.gz" --label-column Coefficient --strand average --baseline "$variants/clinvar_chr1_1Mb/chr1_1Mb_grch37.fa.gz" \
  -o "$out/mpra.tsv" --force "$@"
printf '\nscores: %s\n' "$out"
