#!/usr/bin/env python3
"""run_test.py WGU-BENCH WGU-TUNNEL: small runs of `wgu-bench tunnel`, their files, and their end by signals; exits 77 where there can be none."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROW = "tcp/streams:1/forward"
SMALL = ["--rounds", "1", "--seconds", "0.2", "--warm-up", "0.1", "--rows", f"^{ROW}$"]


def processes_with(mark):
    """Of the whole machine, whichever namespace they are in: by their environment."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if mark in (process / "environ").read_bytes():
                    found.append(int(process.name))
            except OSError:
                pass  # it is gone, or not ours
    return found


def eventually(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def start(bench, tunnel, mark, *options, **keywords):
    environment = dict(os.environ, WGU_RUN_TEST=mark)
    return subprocess.Popen([bench, "tunnel", "--wgu-tunnel", tunnel, *options], env=environment, text=True, **keywords)


def check_small_run(bench, tunnel, folder):
    out = folder / "small.json"
    process = start(bench, tunnel, "small", *SMALL, "--peer", "broken=echo it cannot; exit 1;", "--out", str(out),
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    table, errors = process.communicate(timeout=120)
    if "namespaces" in errors and process.returncode != 0:
        print(f"SKIP: {errors}", file=sys.stderr)
        sys.exit(77)
    assert process.returncode == 0, errors
    results = json.loads(out.read_text())
    rows = {(row["name"], row["subject"], row["metric"]): row for row in results["rows"]}
    for subject in ("veth", "wgu"):
        row = rows[ROW, subject, "throughput"]
        assert len(row["samples"]) == 1 and row["samples"][0] > 1e6, row
        assert row["limit"] != "unknown", row
    assert rows[ROW, "wgu", "cpu_seconds_per_gb"]["samples"][0] > 0, rows
    assert not any(subject == "broken" for _, subject, _ in rows), rows
    reasons = [entry["reason"] for entry in results["left_out"] if entry["name"].startswith("broken")]
    assert reasons and "it cannot" in reasons[0], results["left_out"]
    assert results["configuration"]["rounds"] == "1", results["configuration"]
    assert ROW in table and "of wire" in table and "it cannot" in table, table
    assert "generator alone" in table, table
    assert "bytes" in "".join(key for key in results["environment"] if key.startswith("note/self_test/")), results["environment"]
    page = (folder / "small.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and "streams 1" in page, page[:200]
    assert str(out) in table and str(folder / "small.html") in table, table


def check_ipv6_run(bench, tunnel, folder):
    """Every kind of row that is quick, over IPv6; its files get names of their own."""
    rows = f"^({ROW}|latency/(idle|tcp)|udp/bytes:64/forward|iperf3/.*|memory/.*)$"
    process = start(bench, tunnel, "ipv6", "--ip", "6", *SMALL[:-1], rows, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    found = sorted(folder.glob("wgu-bench-tunnel-*Z.*"))
    assert [path.suffix for path in found] == [".html", ".json"], found
    results = json.loads(found[1].read_text())
    assert results["configuration"]["ip"] == "6", results["configuration"]
    measured = {row["name"] for row in results["rows"] if row["subject"] == "wgu"}
    assert {ROW, "latency/idle", "latency/tcp", "udp/bytes:64/forward", "memory/peers:100", "memory/after_load"} <= measured, (measured, results["left_out"])
    for row in results["rows"]:
        assert row["limit"] != "unknown", row
    sizes = [row["limit"] for row in results["rows"] if row["name"].startswith("memory/") and row["metric"] == "resident"]
    assert sizes and set(sizes) == {"nothing"}, sizes


def check_rows_with_many_peers(bench, tunnel, folder):
    """The hub's spokes speak with everyone who speaks WireGuard; two ways to run a daemon are two subjects."""
    out = folder / "peers.json"
    process = start(bench, tunnel, "peers", "--full", "--rounds", "1", "--seconds", "0.1", "--warm-up", "0.1", "--rows", "^(hub/|tcp/peers)",
                    "--peer", f"1 worker='{tunnel}' -f --workers 1", "--out", str(out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    results = json.loads(out.read_text())
    rows = {(row["name"], row["subject"], row["metric"]): row["samples"][0] for row in results["rows"]}
    for subject in ("wgu", "1 worker"):
        assert rows["hub/peers:16", subject, "throughput"] > 1e6, rows
        assert 0 < rows["hub/peers:16", subject, "fairness"] <= 1, rows
        assert rows["hub/peers:16", subject, "cores_per_gbps"] > 0, rows
        assert rows["tcp/peers:10000", subject, "throughput"] > 1e6 and rows["tcp/peers:10000", subject, "data_kept"] > 0, rows
    assert rows["hub/peers:16", "1 worker", "busiest_thread_share"] > 0.9, rows
    assert not any(name.startswith("hub/") and subject in ("veth", "null cipher") for name, subject, _ in rows), rows
    reasons = {entry["name"]: entry["reason"] for entry in results["left_out"]}
    assert not any("wgu" in name or "1 worker" in name for name in reasons), reasons


def check_refusals(bench, tunnel, folder):
    for options, message in [(["--out", str(folder / "absent" / "a.json")], "No such file"), (["--ip", "5"], "--ip"),
                             (["--ip", "6", "--mtu", "1279"], "IPv6 takes at least 1280"), (["--out", "/run/a.json"], "survives the run")]:
        process = start(bench, tunnel, "refused", *options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder)
        output, errors = process.communicate(timeout=30)
        assert process.returncode == 2 and message in output + errors, (options, process.returncode, output, errors)


def check_end_by(number, bench, tunnel, folder, row=ROW, processes=6):
    out = folder / f"ended-{number}.json"
    mark = f"ended-by-{number}-{os.getpid()}"
    process = start(bench, tunnel, mark, "--full", "--rounds", "100", "--rows", f"^{row}$", "--out", str(out),
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    marked = mark.encode()
    # wgu-bench, its keeper, the first process, two or more daemons, generator and sink
    assert eventually(lambda: len(processes_with(marked)) >= processes), "the run does not get going"
    process.send_signal(number)
    process.wait(timeout=20)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number), process.returncode
    assert eventually(lambda: not processes_with(marked)), f"left behind: {processes_with(marked)}"
    assert not list(folder.glob(f"ended-{number}*")), "half a file is left behind"


def check_dead_daemon(bench, tunnel, folder):
    """A peer that comes up and then dies costs its own rows and nobody else's."""
    out = folder / "dying.json"
    dying = f"sh -c '\"{tunnel}\" -f \"$0\" & sleep 1; kill -9 $!; wait' {{}}"
    process = start(bench, tunnel, "dying", "--rounds", "3", "--seconds", "0.5", "--rows", f"^{ROW}$",
                    "--peer", f"dying={dying}", "--out", str(out), stdout=subprocess.DEVNULL)
    assert process.wait(timeout=180) == 0
    results = json.loads(out.read_text())
    ours = [row for row in results["rows"] if row["subject"] == "wgu" and row["metric"] == "throughput"]
    assert len(ours) == 1 and len(ours[0]["samples"]) == 3, ours
    assert any("dying" in entry["name"] for entry in results["left_out"]), results["left_out"]


def main():
    bench, tunnel = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        check_small_run(bench, tunnel, folder)
        check_refusals(bench, tunnel, folder)
        check_ipv6_run(bench, tunnel, folder)
        check_rows_with_many_peers(bench, tunnel, folder)
        check_dead_daemon(bench, tunnel, folder)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            check_end_by(number, bench, tunnel, folder)
        # ... and in the midst of a round with daemons of its own, the null cipher's two and their like beside them
        check_end_by(signal.SIGINT, bench, tunnel, folder, "hub/peers:16", 10)


main()
