#!/usr/bin/env python3
"""The emulated kernels are emulated: their program has no instruction that names a register of AVX or AVX-512.

  registers_test.py EMULATED REAL     disassembles both programs; in the second, which has the real kernels, such instructions must be
                                      found, or the search itself is broken. Without objdump, or on another architecture: skipped.
"""

import platform
import re
import shutil
import subprocess
import sys

WIDE_REGISTER = re.compile(r"%[yz]mm\d|%k[1-7]\b")


def wide_instructions(program):
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program], capture_output=True, text=True, check=True).stdout
    lines = listing.splitlines()
    return [line.strip() for line in lines if WIDE_REGISTER.search(line)], len(lines)


def main():
    emulated, real = sys.argv[1:]
    if not shutil.which("objdump") or platform.machine() not in ("x86_64", "AMD64"):
        print("skipped: no objdump for x86-64")
        return 77
    found, lines = wide_instructions(emulated)
    control, _ = wide_instructions(real)
    print(f"{emulated}: {len(found)} of {lines} lines name a wide register; {real}: {len(control)}")
    for line in found[:10]:
        print("  " + line)
    return 0 if not found and lines > 1000 and len(control) > 1000 else 1


if __name__ == "__main__":
    sys.exit(main())
