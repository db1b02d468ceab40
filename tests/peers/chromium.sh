#!/usr/bin/env bash
# Installs Debian's Chromium, for the tests of pages.
#
#   tests/peers/chromium.sh
#
# A browser needs dozens of libraries of the system, so that it cannot be unpacked into a cache.
set -euo pipefail

if command -v chromium >/dev/null; then
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends chromium fonts-dejavu-core fonts-noto-color-emoji
