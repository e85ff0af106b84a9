#!/usr/bin/env python3
"""The static probes: the list in the header, the notes in a program, and what the bpftrace scripts ask for, agree.

  probes_test.py notes SOURCES PROGRAM     PROGRAM hits every probe: its notes are the list; the scripts use no other, no further argument
  probes_test.py daemon SOURCES PROGRAM    of the daemon: no note that is not in the list; every script finds its probes
  probes_test.py trace SOURCES PROGRAM     bpftrace runs each script on PROGRAM, which says what is known

Exit status 77: skipped (no systemtap-sdt-dev at build, no bpftrace, not root, a kernel that refuses).
"""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SKIPPED = 77
# What every_probe.cc says; buf() shows bytes that are no text as \x...
ALICE, BOB = r"\\xa1\\x1c\\xe0\\x00\\x00\\x00", r"\\xb0\\xb0\\x00\\x00\\x00\\x00"
EXPECTED = {
    "packet_size.bt": [
        r"@inner_bytes\[0\]: \d+",
        r"@inner_bytes\[1408\]: \d+",  # 64000 / 45
        r"@outer_bytes\[1408\]: \d+",
        r"@datagrams_a_receive:\s*\n\[8, 16\) +\d+",
        r"\[32, 64\) +\d+",
    ],
    "latency.bt": [
        r"@read_to_sealed_us\[3\]:\s*\n\[16, 32\) +\d+",
        r"@received_to_opened_us\[3\]:\s*\n\[2K, 4K\) +\d+",
        r"@handshake_us:\s*\n\[512, 1K\) +\d+",
    ],
    "peer_cpu.bt": [rf"@nanoseconds\[{BOB}, 0\]: \d+", rf"@nanoseconds\[{ALICE}, 0\]: \d+", rf"@packets\[{ALICE}, 0\]: \d+"],
    "events.bt": [
        rf"3 +handshake with {ALICE} begun, cause 1\n",
        rf"3 +handshake with {ALICE} completed after 700 us\n",
        r"3 +handshake failed, reason 7\n",
        rf"3 +session of {ALICE} erased\n",
        rf"3 +{BOB} has another endpoint\n",
        r"@dropped\[7\]: \d+",
    ],
}


def listed_probes(sources):
    """{name: number of arguments} as the header has them: X(name) /* argument, argument: ... */"""
    header = (sources / "lib/values/probes.h").read_text()
    return {name: arguments.split(": ")[0].count(",") + 1
            for name, arguments in re.findall(r"X\((\w+)\)\s+/\* (.*?) \*/", header)}


def noted_probes(program):
    """{name: numbers of arguments} of provider wgu in the ELF notes; and those without a semaphore."""
    text = subprocess.run(["readelf", "-W", "--notes", program], capture_output=True, text=True, check=True).stdout
    probes, bare = {}, set()
    for name, semaphore, arguments in re.findall(
            r"Provider: wgu\s+Name: (\w+)\s+Location: \S+ Base: \S+ Semaphore: (0x[0-9a-f]+)\s+Arguments:(.*)", text):
        probes.setdefault(name, set()).add(len(arguments.split()))
        if int(semaphore, 16) == 0:
            bare.add(name)
    return probes, bare


def used_probes(script):
    """{name: highest argument that its action reads, or -1}"""
    used = {}
    for heads, action in re.findall(r"((?:usdt:\S+[\s,]*)+)(?:/.*?/\s*)?\{(.*?)\n?\}", script.read_text(), re.DOTALL):
        for name in re.findall(r"usdt:\*:wgu:(\w+)", heads):
            used[name] = max([used.get(name, -1), *map(int, re.findall(r"\barg(\d+)", action))])
    return used


def scripts_of(sources):
    return sorted((sources / "examples/bpftrace").glob("*.bt"))


def check_notes(sources, program):
    listed = listed_probes(sources)
    noted, bare = noted_probes(program)
    if not noted:
        return SKIPPED, ["no note: built without <sys/sdt.h>"]
    found = [f"{name}: listed with {count} arguments, noted with {noted.get(name)}" for name, count in listed.items() if noted.get(name) != {count}]
    found += [f"{name}: noted, and not in the list" for name in noted.keys() - listed.keys()]
    found += [f"{name}: no semaphore, so its arguments are always computed" for name in bare]
    for script in scripts_of(sources):
        used = used_probes(script)
        if not used:
            found.append(f"{script.name}: uses no probe")
        for name, argument in used.items():
            if name not in listed:
                found.append(f"{script.name}: there is no probe {name}")
            elif argument >= listed[name]:
                found.append(f"{script.name}: {name} has no arg{argument}")
    return 1 if found else 0, found


def check_daemon(sources, program):
    listed = listed_probes(sources)
    noted, bare = noted_probes(program)
    if not noted:
        return SKIPPED, ["no note: built without <sys/sdt.h>, or no probe stands in the code"]
    found = [f"{name}: arguments {counts}, the list has {listed.get(name)}" for name, counts in noted.items() if counts != {listed.get(name)}]
    found += [f"{name}: no semaphore" for name in bare]
    for script in scripts_of(sources):
        found += [f"{script.name}: {program} has no probe {name}" for name in used_probes(script) if name not in noted]
    return 1 if found else 0, found


def trace(script, program, seconds):
    """What the script printed, `seconds` after it began to attach."""
    with tempfile.NamedTemporaryFile("w") as output, subprocess.Popen([program, "120"]) as target:
        tracer = subprocess.Popen(["bpftrace", "-p", str(target.pid), script], stdout=output, stderr=subprocess.STDOUT)
        try:
            give_up = time.monotonic() + 60
            while "Attaching" not in (text := Path(output.name).read_text()) and tracer.poll() is None and time.monotonic() < give_up:
                time.sleep(0.1)
            time.sleep(seconds if "Attaching" in text else 0)
            tracer.send_signal(signal.SIGINT)
            tracer.wait(timeout=60)
        finally:
            tracer.kill()
            target.kill()
        return Path(output.name).read_text()


def check_trace(sources, program):
    if shutil.which("bpftrace") is None:
        return SKIPPED, ["no bpftrace"]
    works = subprocess.run(["bpftrace", "-e", "BEGIN { exit(); }"], capture_output=True, text=True, check=False, timeout=60)
    if works.returncode != 0:
        return SKIPPED, [f"bpftrace cannot run here: {works.stderr.strip()[:200]}"]
    if not noted_probes(program)[0]:
        return SKIPPED, ["no note: built without <sys/sdt.h>"]
    found = []
    for script in scripts_of(sources):
        missing = text = None
        for seconds in (3, 15):  # a busy machine takes its time to attach
            text = trace(script, program, seconds)
            if "Attaching" not in text:
                return SKIPPED, [f"the kernel lets nobody attach: {text.strip()[:200]}"]
            missing = [wanted for wanted in EXPECTED[script.name] if not re.search(wanted, text)]
            if not missing:
                break
        found += [f"{script.name}: no {wanted!r} in\n{text}" for wanted in missing]
    return 1 if found else 0, found


def main(arguments):
    checks = {"notes": check_notes, "daemon": check_daemon, "trace": check_trace}
    if len(arguments) != 3 or arguments[0] not in checks:
        print(__doc__)
        return 2
    status, found = checks[arguments[0]](Path(arguments[1]), arguments[2])
    print("\n".join(found))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
