#!/usr/bin/env python3
"""command_test.py WGU_BENCH: `compare`, `sweep` and `micro --out`, briefly: files, exit statuses, refusals, and what an interrupt leaves."""

import copy
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCH = sys.argv[1]
FILTER = "--benchmark_filter=replay/(in_order|duplicate)|aead/seal/(portable|libsodium)/bytes:64/batch:1$"
BRIEF = [FILTER, "--benchmark_min_time=0.001", "--benchmark_min_warmup_time=0.001"]


def bench(*arguments, **options):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True, timeout=200, **options)


def expect(condition, *what):
    if not condition:
        print(*what)
        sys.exit(1)


def expect_exit(done, status, *messages):
    text = done.stdout + done.stderr
    expect(done.returncode == status, done.args, "ends with", done.returncode, "not", status, text)
    for message in messages:
        expect(message in text, done.args, "does not say", repr(message), text)


def micro_writes_rounds(folder):
    path = folder / "micro.json"
    done = bench("micro", *BRIEF, "--benchmark_repetitions=3", "--out", str(path))
    expect_exit(done, 0, "replay/in_order")
    results = json.loads(path.read_text())
    rows = {(row["name"], row["subject"]): row for row in results["rows"]}
    expect(set(rows) == {("aead/seal/bytes:64/batch:1", "portable"), ("aead/seal/bytes:64/batch:1", "libsodium"),
                         ("replay/in_order", "wgu"), ("replay/duplicate", "wgu")}, rows.keys())
    for row in rows.values():
        expect(len(row["samples"]) == 3 and min(row["samples"]) > 0, row)
    expect(results["configuration"]["rounds"] == "3" and "libsodium" in results["references"], results)
    expect(results["host_after"]["context_switches"] >= results["host_before"]["context_switches"], results["host_after"])
    for flag in ("--benchmark_out=x", "--benchmark_format=json"):
        expect_exit(bench("micro", *BRIEF, flag, "--out", str(path)), 2, "does not go with --out")
    expect_exit(bench("micro", *BRIEF, "--benchmark_repetitions=0", "--out", str(path)), 2, "from 1 to 1000 rounds")
    return path


def stretched(results, factor):
    """The same run with 12 samples a row that lie close together, ours times `factor`."""
    run = copy.deepcopy(results)
    for row in run["rows"]:
        of_ours = factor if row["subject"] not in run["references"] else 1
        row["samples"] = [of_ours * (1 + (7 * i % 12) / 2000) for i in range(12)]
    return run


def compares(folder, results):
    def written(name, run):
        (folder / name).write_text(json.dumps(run))
        return str(folder / name)

    base = written("base.json", stretched(results, 1))
    worse = written("worse.json", stretched(results, 1.5))
    better = written("better.json", stretched(results, 0.5))
    expect_exit(bench("compare", base, base), 0, "no significant difference")
    expect_exit(bench("compare", base, worse), 1, "WORSE", "3 rows worse")
    expect_exit(bench("compare", base, better), 0, "3 better")
    few = copy.deepcopy(stretched(results, 1))
    for row in few["rows"]:
        row["samples"] = row["samples"][:9]
    expect_exit(bench("compare", base, written("few.json", few)), 2, "9 samples; at least 10 are needed", "no row could be judged")
    other = stretched(results, 1)
    other["environment"]["os"] = "another"
    other["configuration"]["rounds"] = "12"
    other = written("other.json", other)
    expect_exit(bench("compare", base, other), 2, "os: ", "\"another\"", "rounds: \"3\" and \"12\"")
    expect_exit(bench("compare", base, other, "--varies", "os"), 2, "rounds: ")
    expect_exit(bench("compare", base, str(folder / "absent.json")), 2, "No such file")
    expect_exit(bench("compare", base, written("broken.json", {"version": 1})), 2, "command: is not there")

    history = folder / "history"
    for i in range(10):
        run = stretched(results, 1 if i < 5 else 1.5)
        run["begun"] = f"2026-01-{i + 10}T00:00:00Z"
        done = bench("compare", base, written("next.json", run), "--history", str(history), "--record")
        expect_exit(done, 0 if i < 5 else 1, "history: ")
    expect(len(history.read_text().splitlines()) == 10, history.read_text())
    expect("since 2026-01-15" in done.stdout, "no warning of a change:", done.stdout)


def sweeps(folder):
    prefix = str(folder / "sweep")
    done = bench("sweep", "--vary", "ENV:WGU_AEAD=portable,avx2", "--rounds", "2", "--out", prefix, "--", "micro", *BRIEF,
                 "--benchmark_repetitions=1")
    expect_exit(done, 0, "base portable, new avx2", "2 samples; at least 10 are needed")
    for value in ("portable", "avx2"):
        results = json.loads(Path(f"{prefix}-WGU_AEAD={value}.json").read_text())
        expect(results["configuration"]["ENV:WGU_AEAD"] == value, results["configuration"])
        expect(all(len(row["samples"]) == 2 for row in results["rows"]), results["rows"])
    expect_exit(bench("sweep", "--vary", "x=1,2", "--rounds", "1", "--out", prefix, "--", "compare", "a", "b"), 1, "no results")
    expect_exit(bench("sweep", "--vary", "x=1", "--out", prefix, "--", "micro"), 2, "at least two values")


def refuses_what_is_no_command_line():
    """2, so that 1 stays what it is for CI: worse, or failed."""
    for arguments, message in [
        ([], "A subcommand is required"),
        (["fly"], "A subcommand is required"),
        (["compare"], "BASE is required"),
        (["compare", "a", "b", "--alpha", "x"], "--alpha"),
        (["tunnel", "--rounds", "0"], "--rounds"),
        (["tunnel", "--rows", "("], "not a regular expression: ("),
        (["tunnel", "--peer", "alone"], "--peer alone: expected NAME=COMMAND"),
        (["ndr", "--sizes", "huge"], '"huge" is neither imix, nor max, nor bytes'),
        (["report"], "files is required"),
        (["micro", "--no-such-flag"], "--no-such-flag"),
        (["sweep", "--", "micro"], "--vary is required"),
    ]:
        expect_exit(bench(*arguments), 2, message)
    expect_exit(bench("--help"), 0, "compare")
    expect_exit(bench("tunnel", "--help"), 0, "--peer")


def is_running(marker):
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (process / "cmdline").read_bytes().decode(errors="replace"):
                return True
        except OSError:
            continue
    return False


def interrupted(folder):
    marker = f"replay/in_order|{os.getpid()}"
    commands = [["micro", f"--benchmark_filter={marker}", "--benchmark_min_time=1", "--out", str(folder / "never.json")],
                ["sweep", "--vary", "benchmark_min_warmup_time=0.1,0.2", "--out", str(folder / "never"), "--", "micro",
                 f"--benchmark_filter={marker}", "--benchmark_min_time=1", "--benchmark_repetitions=1"]]
    for command in commands:
        before = sorted(folder.iterdir())
        for send in (lambda process: os.killpg(process.pid, signal.SIGINT), lambda process: process.terminate(), lambda process: process.kill()):
            process = subprocess.Popen([BENCH, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            time.sleep(1)
            send(process)
            process.wait(timeout=10)
            deadline = time.monotonic() + 10
            while is_running(marker) and time.monotonic() < deadline:
                time.sleep(0.1)
            expect(not is_running(marker), command, "left a process")
            expect(sorted(folder.iterdir()) == before, command, "left a file")


with tempfile.TemporaryDirectory() as scratch:
    place = Path(scratch)
    refuses_what_is_no_command_line()
    measured = json.loads(micro_writes_rounds(place).read_text())
    compares(place, measured)
    sweeps(place)
    interrupted(place)
