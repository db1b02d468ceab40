#!/usr/bin/env bash
# Fetches borg from Debian, and borgmatic and healthchecks-decorator from PyPI, without installing them.
#
#   tests/peers/backup.sh FOLDER
#
# $PYTHON makes the virtual environment FOLDER/venv. FOLDER/bin has the programs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$1

say() { printf '%s\n' "peers: $*" >&2; }

if [[ -x $place/bin/borgmatic ]]; then
  say "borg and borgmatic are in $place/bin"
  exit 0
fi

mkdir -p "$(dirname "$place")"
work=$(mktemp -d "$(dirname "$place")/.backup.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$here/unpack.sh" --with-dependencies "$work/unpacked" borgbackup
mkdir "$work/bin"
# The packages are made for Debian's own Python.
cat >"$work/bin/borg" <<'WRAPPER'
#!/bin/sh
root=$(cd "$(dirname "$0")/../unpacked" && pwd)
python=$root/usr/bin/python3
[ -x "$python" ] || python=/usr/bin/python3
export LD_LIBRARY_PATH="$(echo "$root"/usr/lib/*-linux-gnu*):$(echo "$root"/lib/*-linux-gnu*)"
export PYTHONPATH="$root/usr/lib/python3/dist-packages"
if [ "$python" != /usr/bin/python3 ]; then export PYTHONHOME="$root/usr"; fi
exec "$python" "$root/usr/bin/borg" "$@"
WRAPPER
chmod +x "$work/bin/borg"
"$work/bin/borg" --version >/dev/null || {
  say "the package of borg does not run on this machine"
  exit 1
}
# The versions with which the tests were written; a virtual environment cannot be moved.
rm -rf "$place"
mv -T "$work" "$place"
trap 'rm -rf "$place"' ERR
"$PYTHON" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  'borgmatic>=2.1,<3' 'healthchecks-decorator>=0.5,<0.6'
printf '#!/bin/sh\nexec "%s" "$@"\n' "$place/venv/bin/python" >"$place/bin/python-with-decorator"
chmod +x "$place/bin/python-with-decorator"
ln -s ../venv/bin/borgmatic "$place/bin/borgmatic"
say "borg and borgmatic are in $place/bin"
