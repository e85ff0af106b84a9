#!/bin/bash
# absence_test.sh BUILD_DIR NULL_DAEMON
# What is installed has no trace of the null cipher, in names or in contents; and the daemon that has it says so.
set -euo pipefail

build=$1 null_daemon=$2
traces='NOT SECURE|null[ _-]?cipher|kNullKernel|wgu-tunnel-null'
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# All traces are found where they are: this test can fail.
for trace in 'NOT SECURE' kNullKernel; do
  grep -aq "$trace" "$null_daemon" || { echo "$null_daemon: no '$trace'"; exit 1; }
done
said=$("$null_daemon" --version 2>&1)
[[ $said == *"null cipher: NOT SECURE, for measurements only"* ]] || { echo "--version does not say what it is: $said"; exit 1; }
# Nothing of the kernels that WGU_AEAD chooses from is in there.
! grep -aqE 'WGU_AEAD|kAvx2Kernel|kPortableKernel' "$null_daemon" || { echo "$null_daemon: a real kernel is linked"; exit 1; }

cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/install.log" || { cat "$scratch/install.log"; exit 1; }
find "$scratch/prefix" -name 'libwgu.*' | grep -q . || { echo "no library installed"; exit 1; }
found=$(find "$scratch/prefix" | sed "s|$scratch/prefix||" | grep -iE "$traces|null" || true)
found+=$(grep -raliE "$traces" "$scratch/prefix" || true)
[[ -z $found ]] || { echo "installed, with a trace of the null cipher: $found"; exit 1; }
echo "no trace in $(find "$scratch/prefix" -type f | wc -l) installed files"
