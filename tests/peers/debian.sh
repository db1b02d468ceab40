#!/usr/bin/env bash
# Fetches Debian's generation of peers without installing them.
#
#   tests/peers/debian.sh
#
# Packages are downloaded and unpacked into the cache, a folder outside the checkout. No root is
# needed and no service is started. tests/peers/programs.py finds the programs in that cache.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
programs=(prometheus promtool prometheus-alertmanager amtool prometheus-pushgateway)
packages=(prometheus prometheus-alertmanager prometheus-pushgateway)

say() { printf '%s\n' "peers: $*" >&2; }

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
"$here/unpack.sh" "$work/unpacked" "${packages[@]}"

# Debian's Alertmanager reads its templates from /usr/share, which only root may write. A relative
# path of the same length is patched into the program, and a wrapper sets the working directory.
# Therefore file names on the command line must be absolute.
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
say "Debian's programs are in $place/usr/bin"
