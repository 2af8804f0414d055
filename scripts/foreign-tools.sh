#!/usr/bin/env bash
# Installs the foreign readers that `make test-foreign` gives our outputs to: bcftools, NumPy and h5py of Debian's Python with HDF5's library,
# and hyparquet, zarrita and DuckDB's client of npm, whose versions are pinned here, into artifacts/npm/foreign.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

NPM_PACKAGES=(hyparquet@1.33.0 hyparquet-compressors@1.1.2 zarrita@0.7.5 @duckdb/node-api@1.5.6-r.1)
APT_PACKAGES=(python3-numpy python3-h5py libhdf5-103-1 bcftools)

install_test_packages foreign
