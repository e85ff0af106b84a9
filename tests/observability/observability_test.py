#!/usr/bin/env python3
"""The dashboard and the alerts: every metric they name exists, Prometheus understands every query, every alert is tested and explained.

  observability_test.py SOURCES                   the repository
  observability_test.py SOURCES EXPOSITION...     texts as a daemon serves them: only whether they bear the names
  observability_test.py --self-test               plants each mistake and expects it to be found

Which metrics there are is read from the tables that the exporters print from (lib/). Without Debian's package prometheus, which has
promtool, the queries are not checked and the test counts as skipped.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77  # as ctest is told
TABLES = ["lib/values/counter_table.cc", "lib/telemetry"]
NAME = r"(?:wgu|wireguard)_[a-z0-9_]+"
# A family in a table: its name, perhaps its unit, its type.
FAMILY = re.compile(rf'"({NAME})",\s*(?:"[a-z]*",\s*)?(?:[A-Za-z]+::)?"?(kCounter|kGauge|kPeak|counter|gauge)\b')
OF_THE_MACHINE = {"instance", "device", "interface", "public_key", "worker", "cpu"}  # labels whose values no table has
SAMPLES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
# What Grafana puts in before it asks.
VARIABLES = {"$instance": ".*", "$device": ".*", "$__rate_interval": "1m"}


def samples_of(name, kind):
    return {name + suffix for suffix in SAMPLES[kind]}


def metrics_of_tables(root):
    """Every sample's name that the tables of lib/ stand for."""
    samples = set()
    for table in TABLES:
        path = root / table
        for file in sorted(path.rglob("*.cc")) if path.is_dir() else [path] if path.exists() else []:
            text = file.read_text()
            is_measures = "MeasureInfo" in text and "measure_table()" in text and "append_metrics" not in text
            for name, kind in FAMILY.findall(text):
                kind = {"kCounter": "counter", "counter": "counter"}.get(kind, "gauge")
                samples |= samples_of(name, "histogram" if is_measures else kind)
    return samples


def metrics_of_exposition(text):
    samples = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE):
        samples |= samples_of(name.removesuffix("_total"), kind)
    return samples


def metrics_in(query):
    """The metrics of a query: what is no label, no string and no function."""
    return set(re.findall(rf"\b{NAME}\b", re.sub(r'"(?:\\.|[^"\\])*"', '""', query)))


def label_values_in(query):
    """(label, value) of its matchers, as far as the values are words of ours and not a machine's names."""
    for name, values in re.findall(r'(\w+)\s*=~?\s*"([^"]*)"', query):
        if name not in OF_THE_MACHINE:
            yield from ((name, value) for value in values.split("|"))


def alerts_of(text):
    """[(name, the text of its rule)]: the files are ours, so their layout is known."""
    return re.findall(r"^ +- alert: (\w+)\n((?:^(?! +- alert:| +- name:).*\n?)*)", text, re.MULTILINE)


def expression_of(rule):
    match = re.search(r"^( +)expr: (?:\|\n((?:\1 +.*\n)+)|(.*)\n)", rule, re.MULTILINE)
    return (match.group(2) or match.group(3)) if match else ""


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def queries_of(dashboard):
    for panel in panels_of(dashboard):
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", re.match(r"label_values\((.*), \w+\)$", variable["query"]["query"]).group(1)


def words_of_tables(root):
    return set(re.findall(r'"(\w+)"', "".join(file.read_text() for file in sorted((root / "lib").rglob("*.[ch]*")))))


def check_names(root, known, words):
    alerts = (root / "examples/observability/alerts.yml").read_text()
    dashboard = json.loads((root / "examples/observability/dashboard.json").read_text())
    uses = [(f"alert {name}", expression_of(rule)) for name, rule in alerts_of(alerts)]
    uses += [(f"panel {title}", query) for title, query in queries_of(dashboard)]
    for user, query in uses:
        named = metrics_in(query)
        if not named:
            yield f"{user}: no metric of ours in it: {query!r}"
        for metric in sorted(named - known):
            yield f"{user}: there is no {metric}"
        for label, value in label_values_in(query):
            if value not in words:
                yield f"{user}: there is no {label}={value}"


def check_alerts(root):
    text = (root / "examples/observability/alerts.yml").read_text()
    tests = (root / "tests/observability/alerts_test.yml").read_text()
    alerts = alerts_of(text)
    for name, rule in alerts:
        for wanted in ("expr:", "severity:", "summary:", "runbook:"):
            if wanted not in rule:
                yield f"alert {name}: no {wanted}"
        if not re.search(rf"alertname: {name}\n +exp_alerts:\n +- exp_labels", tests):
            yield f"alert {name}: no test in which it is raised"
    for name in {name for name, _ in alerts if [other for other, _ in alerts].count(name) > 1}:
        yield f"alert {name}: there are two"


def check_panels(root):
    dashboard = json.loads((root / "examples/observability/dashboard.json").read_text())
    seen, cells = set(), {}
    for panel in panels_of(dashboard):
        if panel["id"] in seen:
            yield f"panel {panel['title']}: its id {panel['id']} is another's"
        seen.add(panel["id"])
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if x >= 24 or (x, y) in cells:
                    yield f"panel {panel['title']}: lies on {cells.get((x, y), 'the edge')}"
                    break
                cells[x, y] = panel["title"]
        if panel["type"] != "row" and (not panel.get("targets") or not panel["fieldConfig"]["defaults"].get("unit")):
            yield f"panel {panel['title']}: no query, or no unit"


def promtool(*arguments):
    run = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        yield f"promtool {arguments[0]} {arguments[1]}: {(run.stdout + run.stderr).strip()}"


def check_with_promtool(root):
    folder = root / "examples/observability"
    yield from promtool("check", "rules", folder / "alerts.yml")
    yield from promtool("check", "config", folder / "prometheus.yml")
    yield from promtool("test", "rules", root / "tests/observability/alerts_test.yml")
    # A dashboard's query is a query: as a recording rule promtool parses it.
    rules = ["groups:", "  - name: dashboard", "    rules:"]
    for number, (_, query) in enumerate(queries_of(json.loads((folder / "dashboard.json").read_text()))):
        for variable, value in VARIABLES.items():
            query = query.replace(variable, value)
        rules += [f"      - record: dashboard:{number}", f"        expr: {json.dumps(query)}"]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write("\n".join(rules) + "\n")
        file.flush()
        yield from promtool("check", "rules", file.name)


def self_test(root):
    known, words = metrics_of_tables(root), words_of_tables(root)
    plants = [  # file, what is replaced, by what, a part of the message that has to come
        ("examples/observability/alerts.yml", "wgu_host_softnet_dropped_total[5m]", "wgu_host_softnet_lost_total[5m]", "there is no wgu_host_softnet_lost_total"),
        ("examples/observability/alerts.yml", "wgu_host_softnet_dropped_total[5m]", "wgu_host_softnet_dropped[5m]", "there is no wgu_host_softnet_dropped"),
        ("examples/observability/alerts.yml", "rate(wgu_host_softnet_dropped_total[5m])", "vector(1)", "no metric of ours"),
        ("examples/observability/alerts.yml", "alert: WguSoftnetDrops", "alert: WguNew", "WguNew: no test"),
        ("examples/observability/alerts.yml", "          runbook: \"Spread", "          help: \"Spread", "WguSoftnetDrops: no runbook:"),
        ("examples/observability/alerts.yml", 'state="steal"', 'state="stolen"', "there is no state=stolen"),
        ("examples/observability/alerts.yml", "bad_mac1|invalid_initiation", "bad_mac1|bad_initiation", "there is no reason=bad_initiation"),
        ("examples/observability/dashboard.json", "wgu_host_cpu_frequency_hertz", "wgu_host_cpu_speed", "there is no wgu_host_cpu_speed"),
        ("examples/observability/dashboard.json", '"id": 3', '"id": 2', "is another's"),
        ("examples/observability/dashboard.json", '"unit": "hertz"', '"unit": ""', "no unit"),
        ("examples/observability/dashboard.json", '"w": 6', '"w": 7', "lies on"),
    ]
    wrong = 0
    for file, old, new, message in plants:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder)
            for part in ("examples/observability", "tests/observability"):
                shutil.copytree(root / part, copy / part)
            text = (copy / file).read_text()
            (copy / file).write_text(text.replace(old, new, 1))
            found = [*check_names(copy, known, words), *check_alerts(copy), *check_panels(copy)]
        if old not in text or not any(message in each for each in found):
            wrong += 1
            print(f"self-test: {old!r} -> {new!r}: expected {message!r}")
    if metrics_of_exposition("# TYPE a_total counter\n# TYPE b gauge\n# TYPE c histogram\n") != {"a_total", "b", "c_bucket", "c_sum", "c_count"}:
        wrong += 1
        print("self-test: the exposition is not understood")
    if metrics_in('rate(wgu_a_total{x="wgu_b"}[5m]) / wireguard_c') != {"wgu_a_total", "wireguard_c"}:
        wrong += 1
        print("self-test: a query is not understood")
    print(f"{len(plants) + 2} planted, {wrong} wrong")
    return 1 if wrong else 0


def check_expositions(root, files, known, words):
    for file in files:
        # What a machine does not measure is not there: of the host's figures the tables decide.
        served = metrics_of_exposition(Path(file).read_text()) | {name for name in known if name.startswith("wgu_host_")}
        yield from (f"{file}: {each}" for each in check_names(root, served, words))


def report(found):
    found = list(found)
    for each in found:
        print(each)
    return 1 if found else 0


def main(arguments):
    root = Path(__file__).resolve().parents[2]
    if arguments == ["--self-test"]:
        return self_test(root)
    if not arguments:
        print(__doc__)
        return 2
    root = Path(arguments[0]).resolve()
    # The counters' own table comes with the exporter; until then only what the host's table names can be checked.
    known, words = metrics_of_tables(root), words_of_tables(root)
    if arguments[1:]:
        return report(check_expositions(root, arguments[1:], known, words))
    found = [*check_alerts(root), *check_panels(root)]
    unknown = [*check_names(root, known, words)]
    is_whole = (root / TABLES[0]).exists()
    found += unknown if is_whole else [each for each in unknown if "there is no wgu_host" in each]
    has_promtool = shutil.which("promtool") is not None
    if has_promtool:
        found += check_with_promtool(root)
    if report(found):
        return 1
    if not has_promtool or not is_whole:
        print("skipped:", "no promtool" if not has_promtool else f"no {TABLES[0]} yet; all else holds")
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
