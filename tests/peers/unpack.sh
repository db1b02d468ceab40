#!/usr/bin/env bash
# Downloads Debian packages and unpacks them into a folder, without installing them.
#
#   tests/peers/unpack.sh FOLDER PACKAGE...
#   tests/peers/unpack.sh --with-dependencies FOLDER PACKAGE...
#
# With dependencies: those that this machine lacks, too. No root is needed.
set -euo pipefail

say() { printf '%s\n' "peers: $*" >&2; }

with_dependencies=false
if [[ $1 == --with-dependencies ]]; then
  with_dependencies=true
  shift
fi
folder=$1
shift

if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
  say "apt-get and dpkg are missing"
  exit 1
fi

mkdir -p "$folder"
work=$(mktemp -d "$(dirname "$folder")/.unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
packages=$work/archives
mkdir -p "$packages/partial"
# APT::Sandbox::User: otherwise apt, run by root, writes as a user without access. Only root may
# lock the machine's package lists, which are only read here.
options=(-q -y -o APT::Sandbox::User=root -o Debug::NoLocking=true
  -o "Dir::Cache=$work/cache" -o "Dir::Cache::archives=$packages")

download() {
  mkdir -p "$work/cache"
  if $with_dependencies; then
    apt-get "${options[@]}" install --download-only --no-install-recommends "$@"
  else
    (cd "$packages" && apt-get "${options[@]}" download "$@")
  fi
}

# The package lists of the machine may be missing or old, and only root may renew them. In that
# case a private copy of the lists is fetched into the work folder.
if ! download "$@" >"$work/log" 2>&1; then
  say "the machine's package lists are missing or old: fetching a private copy"
  mkdir -p "$work/state/lists/partial"
  options+=(-o "Dir::State=$work/state" -o "Dir::State::lists=$work/state/lists"
    -o "Dir::State::status=/var/lib/dpkg/status")
  if ! { apt-get "${options[@]}" update && download "$@"; } >"$work/log" 2>&1; then
    cat "$work/log" >&2
    say "apt-get could not download $*"
    exit 1
  fi
fi

for package in "$packages"/*.deb; do
  dpkg -x "$package" "$folder"
done
say "unpacked $(cd "$packages" && echo *.deb)"
