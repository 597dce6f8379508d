"""The parts of `cargo verify deploy` that decide what is seen: they notice what is missing."""

import json
import re
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from checks.templates import INFRA, sam_source

sys.path.insert(0, str(INFRA / "local"))

import dashboard  # noqa: E402
import emulator  # noqa: E402
import guided  # noqa: E402
import metrics  # noqa: E402
import recording  # noqa: E402
import tools  # noqa: E402
import with_sam  # noqa: E402


def entry(name, value, **dimensions):
    """A log line with one metric, as a function writes it."""
    directive = {"Namespace": "redshift-cdc", "Dimensions": [sorted(dimensions)], "Metrics": [{"Name": name}]}
    return "2026-11-29 " + json.dumps({**dimensions, name: value, "_aws": {"Timestamp": 1_000_000, "CloudWatchMetrics": [directive]}})


BODY = {"widgets": [{"type": "text", "properties": {}}, {"type": "metric", "properties": {"title": "Lag", "metrics": [
    [{"expression": "SEARCH('{\"redshift-cdc\",\"function\",\"pipeline\",\"table\"} MetricName=\"lag\" pipeline=\"p\" function=\"lag-monitor\"', 'Maximum', 60)",
      "label": "${PROP('Dim.table')}"}],
    ["redshift-cdc", "behind_tables", "function", "lag-monitor", "pipeline", "p", {"stat": "Minimum", "label": "behind"}],
]}}]}


class Dashboard(unittest.TestCase):
    """A widget without a value is named."""

    def test_nothing_is_missing(self):
        series = metrics.of_logs([entry("lag", 7, function="lag-monitor", pipeline="p", table="a.b"), "no metric", "{broken _aws",
                                  entry("behind_tables", 2, function="lag-monitor", pipeline="p"), entry("behind_tables", 1, function="lag-monitor", pipeline="p")])
        self.assertEqual(dashboard.gaps(BODY, series), {})
        properties, = dashboard.charts(BODY)
        self.assertEqual([(label, points) for _, label, points in dashboard.lines(properties, series, 10_000)],
                         [("a.b", [(1_000_000, 7)]), ("behind", [(1_000_000, 1)])])

    def test_another_function_another_dimension_or_another_name_is_missing(self):
        for lines in ([entry("lag", 7, function="refresher", pipeline="p", table="a.b")], [entry("lag", 7, function="lag-monitor", pipeline="p")],
                      [entry("lags", 7, function="lag-monitor", pipeline="p", table="a.b")], [entry("lag", 7, function="lag-monitor", pipeline="other", table="a.b")]):
            self.assertEqual(dashboard.gaps(BODY, metrics.of_logs(lines)), {"Lag": ["behind_tables of lag-monitor", "lag of lag-monitor"]})

    def test_every_widget_of_the_real_one_is_understood(self):
        body = json.loads(dashboard.BODY.read_text(encoding="utf-8").replace("${!", "${"))
        self.assertEqual(len(dashboard.gaps(body, {})), len(dashboard.charts(body)))
        self.assertLessEqual(set(with_sam.NOT_HERE), set(dashboard.gaps(body, {})))


class Recording(unittest.TestCase):
    """Portions are the recording, and events carry what was written to Kafka."""

    def test_portions_and_events(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = recording.portions(Path(folder), 6)
            pollers = recording.Pollers("arn", with_sam.MAPPED)
            events = [event for path in paths for event in pollers.events(path)]
            lines = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
            began = int(time.time() * 1000)
            recording.happening_now(paths[1])
            clock = [int(one) for one in re.findall(r'"ts_ms\\":(\d+)', paths[1].read_text(encoding="utf-8"))]
        mapped = [(one["topic"], one["partition"], one["offset"]) for one in lines if one["topic"] in with_sam.MAPPED]
        handed = [(one["topic"], one["partition"], one["offset"]) for event in events for records in event["records"].values() for one in records]
        self.assertEqual(sorted(handed), sorted(mapped))
        self.assertEqual(len({len({records[0]["topic"] for records in event["records"].values()}) for event in events} - {1}), 0)
        self.assertGreaterEqual(max(clock), began)


class Guided(unittest.TestCase):
    """`sam deploy --guided` is answered as a person answers, and what it writes can be changed."""

    ASKS = ("import sys\nfor question, default in ((\"Parameter Topic1\", \"\"), (\"Parameter Rate\", \"rate(5 minutes)\"), (\"Deploy this changeset? [y/N]\", None)):\n"
            "    print(f\"said {input(question + (f' [{default}]: ' if default is not None else ': '))}\")\nsys.exit(int(sys.argv[1]))")

    def answer(self, code, parameters, asks=ASKS):
        with tempfile.TemporaryDirectory() as folder:
            return guided.answer([sys.executable, "-c", asks, str(code)], {}, folder, parameters)

    def test_questions_and_their_defaults(self):
        asked = self.answer(0, {"Topic1": "a.b.C"})
        self.assertEqual(asked, [("Parameter Topic1", ""), ("Parameter Rate", "rate(5 minutes)"), ("Deploy this changeset?", "y/N")])

    def test_failures_questions_that_nobody_asked_and_questions_that_nobody_knows(self):
        for code, parameters, asks in ((1, {}, self.ASKS), (0, {"Topic9": "x"}, self.ASKS), (0, {}, self.ASKS.replace("Parameter Rate", "Your Pet"))):
            with self.assertRaises(tools.Failed):
                self.answer(code, parameters, asks)

    def test_parameters_of_the_templates(self):
        for name in ("template.yaml", "access.yaml", "source.yaml"):
            wanted = [(key, str(one.get("Default", ""))) for key, one in sam_source(name)["Parameters"].items()]
            self.assertEqual(guided.parameters((INFRA / "sam" / name).read_text(encoding="utf-8")), wanted)

    def test_answers_are_changed(self):
        written = 'parameter_overrides = "PipelineName=\\"salesdb\\" PipelineFile=\\"/opt/pipeline.yaml\\" Topic1=\\"a\\""\n'
        self.assertIn('PipelineFile=\\"/tmp/p.yaml\\" Topic1=\\"a\\"', with_sam.changed_answers(written, {"PipelineFile": "/tmp/p.yaml"}))
        with self.assertRaises(tools.Failed):
            with_sam.changed_answers(written, {"Topic2": "b"})


class Emulator(unittest.TestCase):
    """An emulator is a program and its libraries; where there is none, the next step is said."""

    def test_both_have_to_be_there(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            library, program = root / "usr/aarch64-linux-gnu/lib/libc.so.6", root / "usr/bin/qemu-aarch64-static"
            for one in (library, program):
                self.assertIsNone(emulator._found(root))
                one.parent.mkdir(parents=True)
                one.touch(mode=0o755)
            self.assertEqual(emulator._found(root), [str(program), "-L", str(root / "usr/aarch64-linux-gnu")])

    def test_without_debians_packages(self):
        with mock.patch.object(emulator.shutil, "which", return_value=None), self.assertRaisesRegex(tools.Failed, "install qemu-user .*qemu-user-static"):
            emulator._unpack(Path("/nowhere"))


if __name__ == "__main__":
    unittest.main()
