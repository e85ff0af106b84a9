#!/usr/bin/env python3
"""The rules of the layout, checked on the text of the sources.

  layering_test.py REPOSITORY     checks; prints every violation and exits 1 if there is one
  layering_test.py --self-test    plants each violation in a small tree and expects it to be found

Rules: includes go only downwards; public headers include only public headers; crypto, noise and tunnel call no clock, socket,
thread or lock; every source has a test of its stem or stands in NO_TEST_OF_ITS_OWN with the reason; no file has more than 500 lines; every
public header is installed.
"""

import re
import sys
import tempfile
from pathlib import Path

# What each layer may include besides itself and the public headers.
BELOW = {
    "values": [],
    "crypto": [],
    "noise": ["values", "crypto"],
    "tunnel": ["values", "crypto", "noise"],
    "io": ["values"],
    "telemetry": ["values"],
    "capture": ["values"],
    "engine": ["values", "crypto", "noise", "tunnel", "io", "telemetry", "capture"],
    "control": ["values", "crypto", "noise", "tunnel", "io", "telemetry", "capture", "engine"],
    "c_api": ["values", "crypto", "noise", "tunnel", "io", "telemetry", "capture", "engine", "control"],
}

# Public headers that only some layers may see; all others are values, open to everyone.
PUBLIC_OF = {"tunnel.h": "tunnel", "histogram.h": "telemetry", "host_metrics.h": "telemetry", "telemetry.h": "telemetry",
             "engine.h": "engine", "wgu_c.h": "c_api"}

SANS_IO = ["crypto", "noise", "tunnel"]
SANS_IO_FORBIDDEN_CALLS = re.compile(
    r"""\b(?:steady_clock|system_clock|high_resolution_clock|utc_clock|clock_gettime|gettimeofday|timespec_get
        |std::(?:jthread|thread|async|mutex|shared_mutex|recursive_mutex|timed_mutex|condition_variable\w*|lock_guard|unique_lock
               |scoped_lock|counting_semaphore|binary_semaphore|latch|barrier|this_thread|random_device|[io]?fstream|call_once)
        |pthread_\w+)\b
      |(?<![\w.>:])(?:::)?(?:socket|socketpair|open|openat|pipe2?|eventfd|timerfd_create|epoll_create1?|accept4|connect|bind|sendmsg
        |sendto|recvmsg|recvfrom|ioctl|fopen|popen|system|time|clock|nanosleep|usleep|sleep|fork|clone|getrandom|getenv)\s*\(""",
    re.VERBOSE)
SANS_IO_FORBIDDEN_HEADERS = re.compile(
    r"^(?:thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|fstream|iostream|filesystem"
    r"|pthread\.h|fcntl\.h|time\.h|ctime|liburing.*|sys/(?!mman\.h|types\.h)[\w/]+\.h|net/.*|netinet/.*|arpa/.*|linux/.*)$")
# `open` is also the field's verb for decrypting: a definition or a call on spans is not open(2), whose first argument is a path.
SANS_IO_OWN_VERBS = re.compile(r"\bopen\s*\((?!\s*(?:\"|path|AT_FDCWD))")

# Sources without a test of their stem: the path below lib/, and where they are tested instead.
NO_TEST_OF_ITS_OWN = {
    "noise/limits.h": "constants; the timers, replay and keypair tests write them out again",
    "noise/messages.h": "the wire layout; the handshake test checks every offset",
    "values/handshake_secrets.h": "borrowed keys; the key log's test reads them",
    "tunnel/peer_id.h": "one integer with a type",
    "io/system_error.h": "words around errno; the io tests read them",
    "io/file_descriptor.h": "owns a number; every test of io/ closes through it",
}
# The stem under which several sources of one subject are tested together.
TESTED_AS = {
    "crypto/kernels": "crypto/aead",
    "crypto/aead_kernels.h": "crypto/aead",
    "io/ring": "io/loop",
    "io/poller": "io/loop",
    "io/buffer_ring": "io/loop",
    "io/ring_completions": "io/loop",
    "io/message": "io/loop",
    "io/wake_signal.h": "io/loop_wait",
    "crypto/sodium_ready.h": "crypto/aead",
    "tunnel/node_pool.h": "tunnel/allowed_ips",
    "tunnel/handover.h": "tunnel/shard",
    "tunnel/shard_context.h": "tunnel/shard",
    "tunnel/outbound": "tunnel/tunnel",
    "tunnel/inbound": "tunnel/tunnel",
    "tunnel/handshakes": "tunnel/tunnel",
    "tunnel/peer": "tunnel/tunnel",
    "telemetry/measures": "telemetry/metrics_text",
    "telemetry/number_text.h": "telemetry/metrics_text",
    "telemetry/exposition.h": "telemetry/metrics_text",
    "telemetry/host/host_metric_table": "telemetry/host/host_metrics",
    "engine/boot_clock.h": "engine/engine",
}

MAX_LINES = 500
LONG_BY_NATURE = re.compile(r"^lib/crypto/kernels/|_vectors\.(?:h|cc)$|/corpus/")
SOURCE = {".cc", ".h", ".c"}


def code_of(text):
    """The text without comments and string contents, line numbers kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)

    def blank(match):
        token = match.group(0)
        return '""' if token.startswith('"') else "\n" * token.count("\n")

    return pattern.sub(blank, text)


def includes_of(text):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1), match.group(2)


def files_below(root, *folders):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCE and path.is_file() and "build" not in path.relative_to(root).parts:
                yield path, path.relative_to(root).as_posix()


def check_includes_go_downwards(root):
    for path, name in files_below(root, "lib"):
        layer = name.split("/")[1]
        if layer not in BELOW:
            yield f"{name}: '{layer}' is not a layer"
            continue
        allowed = {layer, *BELOW[layer]}
        for number, _, target in includes_of(path.read_text()):
            folder, _, rest = target.partition("/")
            if folder == "wgu":
                owner = PUBLIC_OF.get(rest)
                if owner and owner not in allowed:
                    yield f"{name}:{number}: {layer} must not see {target}, which belongs to {owner}"
            elif folder in BELOW and folder not in allowed:
                yield f"{name}:{number}: {layer} must not include {target}: only {sorted(allowed)}"
            elif folder in ("examples", "bench", "tests", "fuzz", "lib") or target.startswith("."):
                yield f"{name}:{number}: {target}: a layer includes layers, by their names"


def check_public_headers_include_only_public_headers(root):
    for path, name in files_below(root, "include"):
        text = path.read_text()
        if not re.search(r"^#pragma once$", text, re.MULTILINE):
            yield f"{name}: no #pragma once"
        for number, bracket, target in includes_of(text):
            if bracket == '"' and not target.startswith("wgu/"):
                yield f"{name}:{number}: a public header must not include {target}"
            if bracket == '"' and not (root / "include" / target).exists():
                yield f"{name}:{number}: there is no {target}"
            if bracket == "<" and re.match(r"boost/|sodium|liburing", target):
                yield f"{name}:{number}: whoever embeds wgu would need {target} as well"
        if not path.name.endswith("_c.h"):
            for match in re.finditer(r"^[ \t]*#[ \t]*define\b.*", code_of(text), re.MULTILINE):
                yield f"{name}: a macro in a public header: {match.group(0).strip()}"


def check_public_headers_are_installed(root):
    listed = re.search(r"wgu_library\(\s*HEADERS\s+([^A-Z)]+)", (root / "CMakeLists.txt").read_text())
    listed = set(listed.group(1).split()) if listed else set()
    for path, name in files_below(root, "include"):
        if path.name not in listed:
            yield f"{name}: not among the HEADERS of wgu_library in CMakeLists.txt, so never installed"


def check_lower_layers_are_sans_io(root):
    for path, name in files_below(root, *(f"lib/{layer}" for layer in SANS_IO)):
        text = path.read_text()
        for number, line in enumerate(code_of(text).splitlines(), 1):
            match = SANS_IO_FORBIDDEN_CALLS.search(SANS_IO_OWN_VERBS.sub("", line))
            if match:
                yield f"{name}:{number}: '{match.group(0).strip()}' in a layer without clocks, descriptors, threads and locks"
        for number, _, target in includes_of(text):
            if SANS_IO_FORBIDDEN_HEADERS.match(target):
                yield f"{name}:{number}: <{target}> in a layer without clocks, descriptors, threads and locks"


def check_every_source_has_a_test(root):
    for path, name in files_below(root, "lib"):
        inside = name.removeprefix("lib/")
        stem = inside.rsplit(".", 1)[0]
        if inside in NO_TEST_OF_ITS_OWN:
            continue
        tested_as = TESTED_AS.get(inside) or TESTED_AS.get(stem) or TESTED_AS.get(stem.rpartition("/")[0]) or stem
        if not (root / "tests" / f"{tested_as}_test.cc").exists():
            yield f"{name}: no tests/{tested_as}_test.cc"
    for inside in NO_TEST_OF_ITS_OWN:
        if not (root / "lib" / inside).exists():
            yield f"lib/{inside}: excused from having a test, but does not exist"


def check_no_file_is_too_long(root):
    for path, name in files_below(root, "include", "lib", "tests", "examples", "bench", "fuzz"):
        lines = path.read_text().count("\n")
        if lines > MAX_LINES and not LONG_BY_NATURE.search(name):
            yield f"{name}: {lines} lines; at most {MAX_LINES}: it has two subjects"


CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_")]


def violations(root):
    return [f"{check.__name__}: {violation}" for check in CHECKS for violation in check(root)]


# Each row: the check, the file, its content, and a part of the message it must cause; None: must cause none.
PLANTED = [
    ("includes_go_downwards", "lib/crypto/a.cc", '#include "noise/replay.h"\n', "must not include noise/replay.h"),
    ("includes_go_downwards", "lib/tunnel/a.cc", '#include "io/udp.h"\n', "must not include io/udp.h"),
    ("includes_go_downwards", "lib/io/a.cc", '#include "tunnel/peer.h"\n', "must not include tunnel/peer.h"),
    ("includes_go_downwards", "lib/noise/a.cc", "#include <engine/worker.h>\n", "must not include engine/worker.h"),
    ("includes_go_downwards", "lib/io/a.cc", '#include "wgu/tunnel.h"\n', "must not see wgu/tunnel.h"),
    ("includes_go_downwards", "lib/engine/a.cc", '#include "../io/udp.h"\n', "by their names"),
    ("includes_go_downwards", "lib/misc/a.cc", "\n", "'misc' is not a layer"),
    ("includes_go_downwards", "lib/engine/a.cc", '#include "io/udp.h"\n#include "tunnel/peer.h"\n#include "wgu/engine.h"\n', None),
    ("public_headers_include_only", "include/wgu/a.h", '#pragma once\n#include "tunnel/peer.h"\n', "must not include tunnel/peer.h"),
    ("public_headers_include_only", "include/wgu/a.h", '#pragma once\n#include "wgu/gone.h"\n', "there is no wgu/gone.h"),
    ("public_headers_include_only", "include/wgu/a.h", "#pragma once\n#include <sodium.h>\n", "would need sodium.h"),
    ("public_headers_include_only", "include/wgu/a.h", "#pragma once\n#define A 1\n", "a macro"),
    ("public_headers_include_only", "include/wgu/a.h", "\n", "no #pragma once"),
    ("public_headers_include_only", "include/wgu/a.h", "#pragma once\n#include <vector>\n// #define A\n", None),
    ("public_headers_are_installed", "include/wgu/new.h", "#pragma once\n", "never installed"),
    ("public_headers_are_installed", "include/wgu/a.h", "#pragma once\n", None),
    ("lower_layers", "lib/noise/a.cc", "auto t = std::chrono::steady_clock::now();\n", "steady_clock"),
    ("lower_layers", "lib/tunnel/a.cc", "clock_gettime(CLOCK_REALTIME, &t);\n", "clock_gettime"),
    ("lower_layers", "lib/tunnel/a.cc", "std::mutex m;\n", "std::mutex"),
    ("lower_layers", "lib/crypto/a.cc", "std::jthread t(run);\n", "std::jthread"),
    ("lower_layers", "lib/tunnel/a.cc", "int fd = ::socket(AF_INET, SOCK_DGRAM, 0);\n", "socket("),
    ("lower_layers", "lib/crypto/a.cc", 'int fd = open("/dev/urandom", O_RDONLY);\n', "open("),
    ("lower_layers", "lib/noise/a.cc", "getrandom(p, 32, 0);\n", "getrandom("),
    ("lower_layers", "lib/noise/a.cc", "#include <sys/socket.h>\n", "sys/socket.h"),
    ("lower_layers", "lib/noise/a.cc", "#include <mutex>\n", "<mutex>"),
    ("lower_layers", "lib/crypto/a.cc",
     '// std::mutex, open("x")\nconst char* s = "socket(";\nbool open(span job);\nkernel.open(jobs);\n', None),
    ("lower_layers", "lib/engine/a.cc", "std::mutex m;\n", None),
    ("every_source", "lib/tunnel/a.cc", "\n", "no tests/tunnel/a_test.cc"),
    ("every_source", "lib/crypto/kernels/x.cc", "\n", "no tests/crypto/aead_test.cc"),
    ("no_file_is_too_long", "lib/tunnel/a.cc", "\n" * 501, "501 lines"),
    ("no_file_is_too_long", "tests/tunnel/a_test.cc", "\n" * 501, "501 lines"),
    ("no_file_is_too_long", "lib/tunnel/a.cc", "\n" * 500, None),
    ("no_file_is_too_long", "lib/crypto/kernels/avx2.cc", "\n" * 900, None),
]


def self_test():
    failures = 0
    for check_name, file, content, expected in PLANTED:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "CMakeLists.txt").write_text("wgu_library(\n  HEADERS a.h b.h\n  LINKS x)\n")
            (root / file).parent.mkdir(parents=True)
            (root / file).write_text(content)
            found = [text for text in violations(root) if text.startswith(f"check_{check_name}") and file in text]
        if (expected is None and found) or (expected is not None and not any(expected in text for text in found)):
            failures += 1
            print(f"self-test: {file} with {content[:60]!r}: expected {expected!r}, found {found}")
    unplanted = [check.__name__ for check in CHECKS if not any(f"check_{row[0]}" in check.__name__ and row[3] for row in PLANTED)]
    for name in unplanted:
        print(f"self-test: nothing planted for {name}")
    print(f"{len(PLANTED)} planted, {failures + len(unplanted)} wrong")
    return 1 if failures or unplanted else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) != 1 or not (Path(arguments[0]) / "lib").is_dir():
        print(__doc__)
        return 2
    found = violations(Path(arguments[0]).resolve())
    for violation in found:
        print(violation)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
