#!/usr/bin/env bash
# Installs what `make test-browser` opens reports with: Debian's Chromium, and playwright-core of npm, which steers it and whose version is pinned
# here, into artifacts/npm/browser.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

NPM_PACKAGES=(playwright-core@1.55.1)
APT_PACKAGES=(chromium fonts-dejavu-core)

install_test_packages browser
