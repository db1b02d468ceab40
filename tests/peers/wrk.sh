#!/usr/bin/env bash
# Fetches wrk, the load generator of the benchmarks, without installing it.
#
#   tests/peers/wrk.sh FOLDER
#
# FOLDER/bin/wrk finds the library of the package beside it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$1

say() { printf '%s\n' "peers: $*" >&2; }

if [[ -x $place/bin/wrk ]]; then
  say "wrk is in $place/bin"
  exit 0
fi

mkdir -p "$(dirname "$place")"
work=$(mktemp -d "$(dirname "$place")/.wrk.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$here/unpack.sh" "$work/unpacked" wrk libluajit-5.1-2 libluajit-5.1-common
mkdir "$work/bin"
cat >"$work/bin/wrk" <<'WRAPPER'
#!/bin/sh
here=$(cd "$(dirname "$0")/../unpacked/usr" && pwd)
LD_LIBRARY_PATH=$(echo "$here"/lib/*-linux-gnu*) exec "$here/bin/wrk" "$@"
WRAPPER
chmod +x "$work/bin/wrk"
version=$("$work/bin/wrk" -v 2>&1 || true) # its exit code is 1
[[ $version == "wrk "* ]] || {
  say "the package of wrk does not run on this machine"
  exit 1
}
mv -T "$work" "$place"
say "wrk is in $place/bin"
