#!/usr/bin/env python3
"""command_test.py WGU_BENCH: `wgu-bench memory`, briefly: its file, its table, its errors, and what an interrupt leaves behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCH = sys.argv[1]
BRIEF = ["--rounds", "2", "--seconds", "0.1", "--warm-up", "0.05"]


def memory(*arguments, **options):
    return subprocess.run([BENCH, "memory", *arguments], capture_output=True, text=True, timeout=120, **options)


def expect(condition, *what):
    if not condition:
        print(*what)
        sys.exit(1)


def measures(folder):
    path = Path(folder) / "results.json"
    done = memory(*BRIEF, "--sizes", "64,imix", "--workers", "1,2", "--flows", "2", "--aead", "portable,null,relay", "--out", str(path))
    expect(done.returncode == 0, "exit", done.returncode, done.stdout, done.stderr)
    results = json.loads(path.read_text())
    names = {f"memory/bytes:{size}/flows:2/workers:{workers}" for size in ("64", "imix") for workers in (1, 2)}
    expect({row["name"] for row in results["rows"]} == names, results["rows"])
    for name in names:
        expect(name in done.stdout, name, "is not in the table:", done.stdout)
        for subject in ("portable", "null cipher", "relay"):
            rows = {row["metric"]: row for row in results["rows"] if row["name"] == name and row["subject"] == subject}
            expect(rows["packet_rate"]["samples"] and min(rows["packet_rate"]["samples"]) > 0, rows)
            expect(rows["loss"]["samples"] == [0, 0], "a closed loop lost packets:", rows["loss"])
            expect(rows["reordered_share"]["samples"] == [0, 0], rows["reordered_share"])
            expect(rows["corrupted"]["samples"] == [0, 0], rows["corrupted"])
    expect(results["references"] == ["relay"], "nothing tells what the machine did:", results["references"])
    expect("of relay" in done.stdout, done.stdout)
    expect(results["command"] == "memory" and results["configuration"]["window"] == "128", results["configuration"])
    return path


def refuses():
    for arguments, message in [
        (["--sizes", "39"], '"39" is neither imix nor bytes in 40..9000'),
        (["--sizes", "big"], '"big" is neither imix nor bytes'),
        (["--aead", "rot13"], 'there is no "rot13"'),
        (["--window", "0"], "--window"),
        (["--io", "dpdk"], "--io"),
        (["--sender-cpus", "x"], "--sender-cpus"),
    ]:
        done = memory(*BRIEF, *arguments)
        expect(done.returncode == 2 and message in done.stderr + done.stdout, arguments, "gives", done.returncode, done.stdout, done.stderr)


def is_running(marker):
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (process / "cmdline").read_bytes():
                return process.name
        except OSError:
            pass
    return None


def ends_without_a_trace(folder):
    """Only wgu-bench is told to end; its round, known by an odd number of flows, ends with it."""
    path = Path(folder) / "never.json"
    running = subprocess.Popen([BENCH, "memory", "--seconds", "60", "--sizes", "64", "--flows", "907", "--out", str(path)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    marker = b'"flows":907,'
    deadline = time.monotonic() + 30
    while not is_running(marker):
        expect(time.monotonic() < deadline, "no round was started")
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    expect(running.wait(30) == -signal.SIGINT, "ended with", running.returncode)
    deadline = time.monotonic() + 30
    while is_running(marker):
        expect(time.monotonic() < deadline, "a round was left behind: process", is_running(marker))
        time.sleep(0.05)
    expect(os.listdir(folder) == [], "files left behind:", os.listdir(folder))


with tempfile.TemporaryDirectory() as scratch:
    measures(scratch).unlink()
    refuses()
    ends_without_a_trace(scratch)
