#!/bin/bash
# tests/run.sh [--all] [PRESET...]
#   Builds wgu on a Debian 12 machine and runs its tests; installs the packages that are missing when run as root. Without
#   arguments: the release build with unit and system tests (these need root and are skipped without it). PRESET: those builds
#   instead. --all: release, asan, tsan and clang builds, then every fuzz target for WGU_FUZZ_SECONDS (15).
#   The last line is `N passed, N failed, N skipped`; the exit status is 0 when nothing failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
source tests/packages.sh

presets=() with_all=false
for argument in "$@"; do
  case $argument in
  --all) with_all=true presets=(release asan tsan clang fuzz) ;;
  release | debug | asan | tsan | clang | fuzz) presets+=("$argument") ;;
  *) sed -n '2,6s/^# \?//p' "$0"; [[ $argument == --help || $argument == -h ]]; exit $((2 * $?)) ;;
  esac
done
[[ ${#presets[@]} -gt 0 ]] || presets=(release)
jobs=$(nproc)
passed=0 failed=0 skipped=0 failures=()

# Each step gets a process group of its own, so that stopping it stops all that it started; the tests clean up on TERM.
step=
run_step() {
  setsid "$@" </dev/null &
  step=$!
  wait "$step"
  local status=$?
  step=
  return "$status"
}
stop() {
  trap '' INT TERM
  if [[ -n $step ]]; then
    kill -TERM -- "-$step" 2>/dev/null
    for ((i = 0; i < 100; i++)); do kill -0 -- "-$step" 2>/dev/null || break; sleep 0.1; done
    kill -KILL -- "-$step" 2>/dev/null
  fi
  echo "interrupted" >&2
  exit 130
}
trap stop INT TERM

fail() { failed=$((failed + 1)); failures+=("$1"); echo "FAIL $1"; }

heading() { printf '\n=== %s\n' "$1"; }

build() {
  heading "$1: build"
  run_step cmake --preset "$1" --log-level=WARNING && run_step cmake --build --preset "$1" -j "$jobs" || { fail "$1: build"; return 1; }
}

# One test more than CPUs at a time: those of whole daemons mostly wait.
# ctest ARGUMENTS..., its results added to ours from the JUnit report, which knows the skipped from the passed.
run_ctest() {
  local preset=$1 report counts name ctest_status
  shift
  report=$PWD/build/$preset/junit.xml
  rm -f "$report"
  run_step ctest --test-dir "build/$preset" -j $((jobs + 1)) --timeout 300 --output-on-failure --no-tests=error --output-junit "$report" "$@" \
    >"build/$preset/ctest.log" 2>&1
  ctest_status=$?
  # Passed tests are a number; the others are worth reading.
  grep -vE ' Passed +[0-9.]+ sec$|^ +Start +[0-9]+:|^Internal ctest|^Test project' "build/$preset/ctest.log"
  counts=$(python3 - "$report" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
passed = failed = skipped = 0
names = []
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    if case.find("failure") is not None or case.get("status") == "fail":
        failed += 1
        names.append(case.get("name"))
    elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        # A test whose program is missing also counts as not run: that is a failure.
        text = "".join(case.itertext()) + "".join(e.get("message", "") for e in case.iter("skipped"))
        if "Unable to find" in text or "NOT_BUILT" in case.get("name"):
            failed += 1
            names.append(case.get("name") + " (not built)")
        else:
            skipped += 1
    else:
        passed += 1
print(passed, failed, skipped, *[name.replace(" ", "_") for name in names])
PYTHON
  ) || { fail "$preset: no test report"; return; }
  read -r -a counts <<<"$counts"
  passed=$((passed + counts[0])) failed=$((failed + counts[1])) skipped=$((skipped + counts[2]))
  for name in "${counts[@]:3}"; do failures+=("$preset: $name"); done
  [[ $ctest_status -eq 0 || ${counts[1]} -gt 0 ]] || fail "$preset: ctest exited with $ctest_status"
}

# One target for a while; its status is left beside its log, since several run at once.
fuzz_one() {
  local target=$1 name corpus found
  name=$(basename "$target") found=build/fuzz/found/$(basename "$target")
  corpus=fuzz/corpus/${name%_fuzz}
  mkdir -p "$found"
  [[ -d $corpus ]] || { echo "no corpus: $corpus" >"build/fuzz/$name.log"; return 1; }
  "$target" -max_total_time="$WGU_FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/" \
    "$found" "$corpus" >"build/fuzz/$name.log" 2>&1
}

fuzz() {
  local target name targets=()
  mapfile -t targets < <(find build/fuzz/fuzz -maxdepth 1 -type f -executable | sort)
  [[ ${#targets[@]} -gt 0 ]] || { fail "fuzz: no targets"; return; }
  export WGU_FUZZ_SECONDS=${WGU_FUZZ_SECONDS:-15}
  export -f fuzz_one
  rm -f build/fuzz/*.passed
  printf '%s\n' "${targets[@]}" >build/fuzz/targets
  run_step xargs -a build/fuzz/targets -P "$jobs" -I{} bash -c 'fuzz_one {} && touch build/fuzz/$(basename {}).passed'
  for target in "${targets[@]}"; do
    name=$(basename "$target")
    if [[ -e build/fuzz/$name.passed ]]; then
      echo "$name: $(grep -E 'number_of_executed_units' "build/fuzz/$name.log") in $WGU_FUZZ_SECONDS s"
      passed=$((passed + 1))
    else
      tail -40 "build/fuzz/$name.log"
      fail "fuzz: $name"
    fi
  done
}

packages=("${wgu_packages[@]}")
if [[ " ${presets[*]} " =~ \ (clang|fuzz)\  ]]; then packages+=("${wgu_packages_all[@]}"); fi
install_packages "${packages[@]}" || exit 1

if command -v ccache >/dev/null; then export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_SLOPPINESS=pch_defines,time_macros; fi
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

for preset in "${presets[@]}"; do
  build "$preset" || continue
  heading "$preset: tests"
  case $preset in
  fuzz) fuzz ;;
  asan | tsan) # Sanitised daemons are slow: of the system tests only those that exercise the most code.
    run_ctest "$preset" -LE system
    run_ctest "$preset" -L essential
    ;;
  clang) if $with_all; then run_ctest clang -LE system; else run_ctest clang; fi ;;
  *) run_ctest "$preset" ;;
  esac
done

heading "summary (${presets[*]})"
for name in "${failures[@]}"; do echo "failed: $name"; done
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 && $passed -gt 0 ]]
