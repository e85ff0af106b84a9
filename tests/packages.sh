# The Debian packages that building, testing and the demonstration need: the one list. Sourced, not run.

wgu_packages=(
  # to build
  g++ cmake ninja-build pkgconf libsodium-dev liburing-dev libboost-dev libcli11-dev libfmt-dev nlohmann-json3-dev libmicrohttpd-dev
  # to test and to measure
  libgtest-dev libbenchmark-dev python3 iproute2 iputils-ping iperf3 procps wireguard-tools wireguard-go nftables ethtool valgrind libsimde-dev curl
  python3-cryptography-vectors tshark prometheus systemtap-sdt-dev binutils
)
# What `wgu-bench micro` is compared with, where it is to be measured; all builds work without them.
wgu_packages_comparators=(libssl-dev libipsec-mb-dev android-libboringssl-dev)
# What `tests/run.sh --all` needs besides: the second compiler, and the run-time of its sanitizers and fuzzer. With bpftrace installed
# the scripts of examples/bpftrace/ are run too; its libraries are too large to be fetched for that each time.
wgu_packages_all=(clang-14 libclang-rt-14-dev)

# Installs those of the named packages that are missing; without root says which they are and fails.
install_packages() {
  local missing=() package
  if ! command -v dpkg-query >/dev/null; then
    echo "not a Debian system: assuming that the equivalents of these are there: $*" >&2
    return 0
  fi
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  [[ ${#missing[@]} -eq 0 ]] && return 0
  if [[ $EUID -ne 0 ]]; then
    printf 'these packages are missing; as root:\n  apt-get install --no-install-recommends %s\n' "${missing[*]}" >&2
    return 1
  fi
  echo "installing ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update && apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}
