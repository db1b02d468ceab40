#!/usr/bin/env bash
# Fetches the generation of peers that Debian ships, without installing anything.
#
#   tests/peers/debian.sh
#
# Packages are downloaded and unpacked into a folder outside the checkout: this needs no root and
# starts no service. tests/peers/programs.py looks for the programs there.
set -euo pipefail

programs=(prometheus promtool prometheus-alertmanager amtool prometheus-pushgateway)
packages=(prometheus prometheus-alertmanager prometheus-pushgateway)

say() { printf '%s\n' "peers: $*" >&2; }

if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
  say "this machine has no apt-get, so nothing comes from Debian; programs on PATH are used"
  exit 0
fi

# shellcheck source=/dev/null
codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-unknown}")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/yuptime-exporter/peers/debian
place=$cache/$codename

all_there() {
  local program
  for program in "${programs[@]}"; do
    [[ -x $place/usr/bin/$program ]] || return 1
  done
}

if all_there; then
  say "Debian's programs are in $place/usr/bin"
  exit 0
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/.$codename.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/packages" "$work/unpacked"
options=(-q -o APT::Sandbox::User=root) # as root, too, apt writes into our folder

download() {
  (cd "$work/packages" && apt-get "${options[@]}" download "${packages[@]}")
}

# The machine's package lists may be missing or old, and renewing them takes root: then ours are
# used, kept in the work folder for this one time.
if ! download >"$work/log" 2>&1; then
  say "the machine's package lists do not serve: fetching our own"
  mkdir -p "$work/state/lists/partial" "$work/archives/partial"
  options+=(-o "Dir::State=$work/state" -o "Dir::State::lists=$work/state/lists"
    -o "Dir::State::status=/var/lib/dpkg/status"
    -o "Dir::Cache=$work/archives")
  if ! { apt-get "${options[@]}" update && download; } >"$work/log" 2>&1; then
    cat "$work/log" >&2
    say "apt-get could not download ${packages[*]}"
    exit 1
  fi
fi

for package in "$work"/packages/*.deb; do
  dpkg -x "$package" "$work/unpacked"
done

# Debian's Alertmanager reads its templates from /usr/share, where we may not write. A path of the
# same length makes it look below the directory it runs in, and a wrapper runs it in the right one;
# so the files named on its command line must be absolute.
alertmanager=$work/unpacked/usr/bin/prometheus-alertmanager
LC_ALL=C sed 's|/usr/share/prometheus/alertmanager|usr//share/prometheus/alertmanager|g' \
  "$alertmanager" >"$alertmanager.relocated"
cat >"$alertmanager" <<'WRAPPER'
#!/bin/sh
cd "$(dirname "$0")/../.." && exec ./usr/bin/prometheus-alertmanager.relocated "$@"
WRAPPER
chmod +x "$alertmanager" "$alertmanager.relocated"

rm -rf "$place"
mv -T "$work/unpacked" "$place"
all_there || {
  say "the packages ${packages[*]} lack some of ${programs[*]}"
  exit 1
}
say "unpacked $(cd "$work/packages" && echo *.deb) into $place"
