"""What is deployed is what was read before: golden files, permissions."""

import os
import unittest

from checks import golden, permissions


class Golden(unittest.TestCase):
    """Nothing changes unseen."""

    def test_deployed_resources_are_the_golden_ones(self):
        for name in golden.TEMPLATES:
            with self.subTest(name):
                found = golden.differences(name)
                self.assertEqual(found, [], "\n" + "\n".join(found[:60]) + "\nif that is wanted: UPDATE_GOLDEN=1")

    def test_no_golden_file_is_left_over(self):
        written = {file for name in golden.TEMPLATES for file in golden.written(name)}
        self.assertEqual({path.name for path in golden.FOLDER.iterdir()}, written)

    def test_permissions_are_listed(self):
        text = permissions.rendered()
        if os.environ.get("UPDATE_GOLDEN"):
            permissions.FILE.write_text(text, encoding="utf-8")
        self.assertEqual(permissions.FILE.read_text(encoding="utf-8"), text, "infra/PERMISSIONS.md is not of these templates: UPDATE_GOLDEN=1")
        for line in text.splitlines():
            if line.startswith("| ") and not line.startswith("| policy"):
                self.assertNotRegex(line, r"\|  \|$", "a statement without a reason")


if __name__ == "__main__":
    unittest.main()
