#!/usr/bin/env bash
# Fetches buildah, which builds images without a daemon, and makes the bases of the exporter's image.
#
#   tests/peers/images.sh FOLDER BASE...
#
# buildah and debootstrap are Debian packages, unpacked into FOLDER without installing them. A BASE is
# the full name of an image, such as docker.io/library/python:3.13-slim. In the place of each, one
# small Debian with its own Python and a C compiler is stored: no registry is needed. Therefore a build
# shows that the steps work and which files the image has, but not that this version of Python runs
# the exporter.
#
# FOLDER/bin/buildah finds the bases. Root is needed, since both programs change the root directory.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=$1
bases=("${@:2}")

say() { printf '%s\n' "peers: $*" >&2; }

if [[ -x $place/bin/buildah ]]; then
  say "buildah is in $place/bin"
  exit 0
fi

mkdir -p "$(dirname "$place")"
work=$(mktemp -d "$(dirname "$place")/.images.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
unpacked=$work/unpacked

"$here/unpack.sh" --with-dependencies "$unpacked" buildah debootstrap patchelf

# buildah starts itself again from a copy in memory and with another environment, so that only an
# absolute path inside the program leads to its libraries.
libraries=$(cd "$unpacked/usr/lib" && echo *-linux-gnu*)
PATH=$unpacked/usr/bin:$PATH patchelf --set-rpath "$place/unpacked/usr/lib/$libraries" \
  "$unpacked/usr/bin/buildah"

# Any image may be used: the only images are the base and the builds on it.
mkdir -p "$work/home/.config/containers"
cp "$unpacked/etc/containers/policy.json" "$work/home/.config/containers/"
# The machine's own mirror, so that its configuration of apt is enough.
# shellcheck source=/dev/null
codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' |
  awk -v codename="$codename" '$1 == codename { print $2; exit }')
say "installing Debian $codename with Python into a folder"
# In its own namespace of mounts, so that no mount outlives this script.
DEBOOTSTRAP_DIR=$unpacked/usr/share/debootstrap PATH=$PATH:/usr/sbin:/sbin \
  unshare --mount "$unpacked/usr/sbin/debootstrap" --variant=minbase \
  --include=python3,python3-venv,python3-dev,gcc,ca-certificates "$codename" "$work/root" "$mirror"
ln -sf python3 "$work/root/usr/bin/python"
rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* \
  "$work"/root/usr/share/{doc,locale,man}

say "storing the base as ${bases[*]}"
tar -C "$work/root" -cf "$work/root.tar" .
rm -rf "$work/root"
mkdir -p "$work/run" "$work/tmp"
rm -rf "$place"
mv -T "$work" "$place" # the path in buildah is that of the final place
trap 'rm -rf --one-file-system "$place"' EXIT
build() {
  TMPDIR=$place/tmp "$place/unpacked/usr/bin/buildah" --storage-driver vfs --root "$place/base" \
    --runroot "$place/run" "$@"
}
export HOME=$place/home
container=$(build from scratch)
build add --quiet "$container" "$place/root.tar" /
build config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
build commit --quiet --rm "$container" "${bases[0]}"
build tag "${bases[@]}"
rm -rf "$place/root.tar" "$place/tmp" "$place/run"
mkdir "$place/bin"
cat >"$place/bin/.buildah" <<WRAPPER
#!/bin/sh
export HOME=$place/home BUILDAH_ISOLATION=chroot
export CONTAINERS_CONF=$place/unpacked/usr/share/containers/containers.conf
export CONTAINERS_REGISTRIES_CONF=$place/unpacked/etc/containers/registries.conf
exec $place/unpacked/usr/bin/buildah --storage-driver vfs \\
  --storage-opt vfs.imagestore=$place/base "\$@"
WRAPPER
chmod +x "$place/bin/.buildah"
mv "$place/bin/.buildah" "$place/bin/buildah" # the sign that all is there
trap - EXIT
say "stored the base in $place/base"
