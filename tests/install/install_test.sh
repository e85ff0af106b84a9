#!/bin/bash
# install_test.sh find_package|pkg_config BUILD_DIR
# Installs the build into a temporary prefix, then builds and runs small programs outside the tree against it.
set -euo pipefail

way=$1 build=$(realpath "$2")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
examples=$here/../../examples
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

programs=("$scratch/src/print_key.cc")
mkdir "$scratch/src"
cp "$here"/outside/* "$scratch/src/"
# The example that the README shows must build outside the tree as it stands.
[[ -e $examples/hello_tunnel.cc ]] && cp "$examples/hello_tunnel.cc" "$scratch/src/" && programs+=("$scratch/src/hello_tunnel.cc")

prefix=$scratch/prefix
cmake --install "$build" --prefix "$prefix" --component development >"$scratch/install.log" || { cat "$scratch/install.log"; exit 1; }
stray=$(find "$prefix/include" -type f -not -path "$prefix/include/wgu/*")
[[ -z $stray ]] || { echo "installed outside include/wgu: $stray"; exit 1; }
libdir=$(dirname "$(find "$prefix" -name 'libwgu.*' | head -1)")
export LD_LIBRARY_PATH=$libdir

mkdir "$scratch/out"
case $way in
find_package)
  cmake -S "$scratch/src" -B "$scratch/out" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" "-DPROGRAMS=$(IFS=';'; echo "${programs[*]}")"
  cmake --build "$scratch/out"
  ;;
pkg_config)
  export PKG_CONFIG_PATH=$libdir/pkgconfig
  flags=$(pkg-config --cflags --libs wgu)
  static_flags=$(pkg-config --cflags --libs --static wgu)
  for program in "${programs[@]}"; do
    # shellcheck disable=SC2086 # flags are words
    g++ -std=c++20 "$program" $flags -o "$scratch/out/$(basename "$program" .cc)"
  done
  # shellcheck disable=SC2086
  g++ -std=c++20 "${programs[0]}" $static_flags -o "$scratch/out/print_key_static"
  "$scratch/out/print_key_static" | grep -Eq '^[A-Za-z0-9+/]{43}=$'
  ;;
*) echo "usage: $0 find_package|pkg_config BUILD_DIR" >&2; exit 2 ;;
esac

key=$("$scratch/out/print_key")
[[ $key =~ ^[A-Za-z0-9+/]{43}=$ ]] || { echo "print_key printed '$key', not a key"; exit 1; }
echo "print_key: $key"
