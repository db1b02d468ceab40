#!/usr/bin/env bash
# Checks the alert rules and runs their tests with promtool of every generation.
#
#   tests/peers/rules.sh PYTHON
#
# Without promtool the check is skipped with a notice; with CI=true that is a failure.
set -euo pipefail

python=${1:?usage: rules.sh PYTHON}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# YAML files below alert-rules/ with the top-level key $1.
files_with() { grep -rlE --include='*.yml' --include='*.yaml' "^$1:" alert-rules | sort; }

promtools=$("$python" -m tests.peers.programs promtool)
if [[ -z $promtools ]]; then
  # shellcheck disable=SC2016
  echo 'rules: promtool is missing, so the rules were not checked: run `make peers`, which says why' >&2
  [[ ${CI:-} != true ]]
  exit
fi

# A rule file has the key groups, a test of rules has the key rule_files. Other YAML is skipped.
while IFS= read -r promtool; do
  "$promtool" --version 2>&1 | head -n 1
  files_with groups | xargs "$promtool" check rules
  if tests=$(files_with rule_files); then
    xargs "$promtool" test rules <<<"$tests"
  fi
done <<<"$promtools"
