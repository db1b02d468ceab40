#!/usr/bin/env bash
# Checks the alert rules, and runs their own tests, with promtool of every generation.
#
#   tests/peers/rules.sh PYTHON
#
# Without any promtool this is skipped with a notice; where CI=true, that is a failure.
set -euo pipefail

python=${1:?usage: rules.sh PYTHON}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# YAML files below alert-rules/ with the top-level key $1.
files_with() { grep -rlE --include='*.yml' --include='*.yaml' "^$1:" alert-rules | sort; }

if [[ ! -d alert-rules ]]; then
  echo "rules: there is no alert-rules/ yet" >&2
  exit
fi
promtools=$("$python" -m tests.peers.programs promtool)
if [[ -z $promtools ]]; then
  # shellcheck disable=SC2016
  echo 'rules: promtool is not there, so the rules were not checked: run `make peers`' >&2
  [[ ${CI:-} != true ]]
  exit
fi

# A rule file starts with groups, a test of rules names its rule_files; other YAML is not promtool's.
while IFS= read -r promtool; do
  "$promtool" --version 2>&1 | head -n 1
  files_with groups | xargs "$promtool" check rules
  if tests=$(files_with rule_files); then
    xargs "$promtool" test rules <<<"$tests"
  fi
done <<<"$promtools"
