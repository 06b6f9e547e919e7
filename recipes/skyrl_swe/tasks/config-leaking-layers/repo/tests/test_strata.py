import json
import tempfile
import unittest
from pathlib import Path

from strata import ConfigLoader, coerce, merge_layers


class CoerceTest(unittest.TestCase):
    def test_values(self):
        cases = {"5": 5, "1.5": 1.5, "Yes": True, "off": False, "[1, 2]": [1, 2], "text": "text"}
        for text, value in cases.items():
            self.assertEqual(coerce(text), value)


class MergeTest(unittest.TestCase):
    def test_nested(self):
        merged = merge_layers([{"db": {"host": "a", "port": 1}}, {"db": {"host": "b"}}])
        self.assertEqual(merged, {"db": {"host": "b", "port": 1}})

    def test_lists(self):
        self.assertEqual(merge_layers([{"p": [1]}, {"p": [2]}]), {"p": [2]})
        self.assertEqual(merge_layers([{"p": [1]}, {"p+": [2]}]), {"p": [1, 2]})
        self.assertEqual(merge_layers([{"p+": [2]}]), {"p": [2]})

    def test_null_removes(self):
        self.assertEqual(merge_layers([{"a": 1, "b": 2}, {"a": None}]), {"b": 2})


class LoaderTest(unittest.TestCase):
    def test_all_layers(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "app.json")
            path.write_text(json.dumps({"db": {"port": 2}, "name": "file"}))
            loader = ConfigLoader({"db": {"host": "h", "port": 1}}, files=[path])
            config = loader.load({"APP_NAME": "env", "OTHER_NAME": "x"})
        self.assertEqual(config.get("db.host"), "h")
        self.assertEqual(config.get("db.port"), 2)
        self.assertEqual(config.get("name"), "env")

    def test_missing(self):
        config = ConfigLoader(files=["/nonexistent/app.json"]).load({})
        self.assertEqual(config.get("db.host", "none"), "none")
        with self.assertRaises(KeyError):
            config.require("db.host")


if __name__ == "__main__":
    unittest.main()
