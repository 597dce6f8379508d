"""The packaging script, on binaries that are only headers."""

import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

from checks.scenarios import FUNCTIONS
from checks.templates import INFRA

X86_64, ARM64 = 62, 183


class Package(unittest.TestCase):
    """What `infra/package` promises."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.pipeline = self.folder / "pipeline"
        self.pipeline.mkdir()
        (self.pipeline / "pipeline.yaml").write_text("name: shop\n", encoding="utf-8")
        for function in FUNCTIONS:
            self.binary(function, X86_64)

    def binary(self, name, machine):
        (self.folder / name).write_bytes(b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") + name.encode())

    def package(self, out, *more):
        return subprocess.run(
            [sys.executable, INFRA / "package", "--binaries", self.folder, "--pipeline", self.pipeline, "--out", self.folder / out, *more],
            capture_output=True, text=True, check=False,
        )

    def test_the_same_binaries_give_the_same_archives(self):
        self.assertEqual(self.package("one", "--arch", "x86_64").returncode, 0)
        for path in self.folder.glob("*"):
            if path.is_file():
                path.touch()
        self.assertEqual(self.package("two", "--arch", "x86_64").returncode, 0)
        names = sorted(path.name for path in (self.folder / "one").iterdir())
        self.assertEqual(names, sorted([*(f"{name}.zip" for name in FUNCTIONS), "pipeline.zip"]))
        for name in names:
            self.assertEqual((self.folder / "one" / name).read_bytes(), (self.folder / "two" / name).read_bytes(), name)
        with zipfile.ZipFile(self.folder / "one" / "refresher.zip") as archive:
            entry, = archive.infolist()
            self.assertEqual((entry.filename, entry.external_attr >> 16), ("bootstrap", 0o100755))

    def test_another_architecture_is_refused(self):
        self.binary("lag-monitor", ARM64)
        answer = self.package("out", "--arch", "x86_64")
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("lag-monitor is no x86_64 program", answer.stderr)

    def test_a_missing_binary_is_named(self):
        (self.folder / "provisioner").unlink()
        answer = self.package("out", "--arch", "x86_64")
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("neither provisioner/bootstrap nor provisioner", answer.stderr)

    def test_it_says_which_rate_the_strictest_freshness_needs(self):
        self.assertNotIn("freshness", self.package("none", "--arch", "x86_64").stdout)
        (self.pipeline / "pipeline.yaml").write_text("tables:\n  - topic: a\n    freshness_seconds: 150\n  # freshness_seconds: 1\n  - {topic: b, freshness_seconds: 900}\n")
        said = self.package("some", "--arch", "x86_64").stdout
        self.assertIn('the strictest freshness_seconds is 150: with SAM, answer rate(2 minutes) for RefreshRate and 12 for BatchingWindowSeconds', said)

    def test_a_folder_without_pipeline_file_is_refused(self):
        (self.pipeline / "pipeline.yaml").unlink()
        answer = self.package("out", "--arch", "x86_64")
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("holds no pipeline file", answer.stderr)


if __name__ == "__main__":
    unittest.main()
