"""Translates the SAM templates and hands the result to cfn-lint.

Linting the SAM template itself is not enough: with a Globals section neither `sam validate --lint` nor cfn-lint looks
into the properties that the translation makes.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from checks import templates


def lint(path, ignore=None):
    """cfn-lint's findings on a CloudFormation template, warnings included; empty if there is none."""
    program = Path(sys.executable).parent / "cfn-lint"
    answer = subprocess.run(
        [program, "--include-checks", "W", *(["--ignore-checks", ignore] if ignore else []), "--regions", "us-east-1", "--", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout + answer.stderr


def lint_source(source):
    """cfn-lint's findings on a SAM template, after its translation."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_text(json.dumps(templates.translate(source), indent=1), encoding="utf-8")
        return lint(path)
