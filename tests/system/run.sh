#!/bin/bash
# tests/system/run.sh [--list | CASE...]
#   Runs the named cases (all without a name; a name may be a pattern like 'traffic/*'), one after the other, each in a process
#   of its own. WGU_TUNNEL: the daemon under test (default: build/release/examples/wgu-tunnel; wgu-top lies beside it). WGU_LONG=1: the
#   slow ones too.
#   A single case exits with 0, 1 or 77 (skipped), as ctest expects it.
set -euo pipefail
system_tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
wgu=${WGU_TUNNEL:-$system_tests/../../build/release/examples/wgu-tunnel}
wgu_top=${WGU_TOP:-$(dirname "$wgu")/wgu-top}
wireguard_go=wireguard-go

# define_case NAME FUNCTION ARGUMENT...; `essential` before it marks what sanitizer builds run as well.
case_names=() essential_names=()
declare -A case_command
define_case() { case_names+=("$1"); case_command[$1]="${*:2}"; }
essential() { "$@"; essential_names+=("$2"); }

source "$system_tests/topology.sh"
for file in "$system_tests"/cases/*.sh; do source "$file"; done

if [[ ${1:-} == --list ]]; then printf '%s\n' "${case_names[@]}"; exit; fi
if [[ ${1:-} == --list-essential ]]; then printf '%s\n' "${essential_names[@]}"; exit; fi

if [[ $# -eq 1 && -n ${case_command[$1]:-} ]]; then
  command -v "$wgu" >/dev/null || fail "WGU_TUNNEL: there is no program $wgu"
  set -E
  set_up
  ${case_command[$1]}
  finish
  exit 0
fi

passed=0 failed=0 skipped=0 child=
trap 'trap "" INT TERM; kill -TERM "$child" 2>/dev/null; wait "$child"; exit 130' INT TERM
for name in "${case_names[@]}"; do
  selected=$([[ $# -gt 0 ]] || echo yes)
  # shellcheck disable=SC2053 # patterns are wanted
  for pattern in "$@"; do [[ $name != $pattern ]] || selected=yes; done
  [[ -n $selected ]] || continue
  begin=$SECONDS status=0 log=$(mktemp)
  "${BASH_SOURCE[0]}" "$name" >"$log" 2>&1 &
  child=$!
  wait "$child" || status=$?
  case $status in
  0) passed=$((passed + 1)); echo "PASS $name ($((SECONDS - begin)) s)" ;;
  77) skipped=$((skipped + 1)); echo "SKIP $name: $(sed -n 's/^SKIP: //p' "$log")" ;;
  *) failed=$((failed + 1)); echo "FAIL $name ($((SECONDS - begin)) s)"; sed 's/^/    /' "$log" ;;
  esac
  rm -f "$log"
done
[[ $((passed + failed + skipped)) -gt 0 ]] || { echo "no such case: $*"; exit 2; }
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]
