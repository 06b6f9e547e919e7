import copy
import json
import tempfile
import unittest
from pathlib import Path

from strata import ConfigLoader, merge_layers

DEFAULTS = {"db": {"host": "localhost", "port": 5432, "pool": {"size": 5}}, "plugins": ["core"]}


class IsolationTest(unittest.TestCase):
    def setUp(self):
        self.defaults = copy.deepcopy(DEFAULTS)

    def test_nested_values(self):
        first = ConfigLoader(self.defaults).load({"APP_DB__HOST": "a", "APP_DB__POOL__SIZE": "9"})
        second = ConfigLoader(self.defaults).load({})
        self.assertEqual((first.get("db.host"), first.get("db.pool.size")), ("a", 9))
        self.assertEqual((second.get("db.host"), second.get("db.pool.size")), ("localhost", 5))
        self.assertEqual(self.defaults, DEFAULTS)

    def test_same_loader(self):
        loader = ConfigLoader(self.defaults)
        first = loader.load({"APP_DB__HOST": "a"})
        loader.load({"APP_DB__HOST": "b"})
        self.assertEqual(first.get("db.host"), "a")
        self.assertEqual(loader.load({}).get("db.host"), "localhost")

    def test_extended_lists(self):
        loader = ConfigLoader(self.defaults)
        for _ in range(3):
            self.assertEqual(loader.load({"APP_PLUGINS": '+["audit"]'}).get("plugins"), ["core", "audit"])
        self.assertEqual(self.defaults, DEFAULTS)

    def test_result_may_be_changed(self):
        loader = ConfigLoader(self.defaults)
        values = loader.load({}).as_dict()
        values["db"]["pool"]["size"] = 0
        values["plugins"].append("x")
        values["new"] = 1
        self.assertEqual(self.defaults, DEFAULTS)
        self.assertEqual(loader.load({}).as_dict(), DEFAULTS)

    def test_file_layer(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "app.json")
            path.write_text(json.dumps({"cache": {"ttl": 10}, "tags": ["a"], "plugins+": ["file"]}))
            loader = ConfigLoader(self.defaults, files=[path])
            environ = {"APP_CACHE__TTL": "99", "APP_TAGS": '+["b"]', "APP_PLUGINS": '+["env"]'}
            for _ in range(2):
                config = loader.load(environ)
                self.assertEqual(config.get("cache.ttl"), 99)
                self.assertEqual(config.get("tags"), ["a", "b"])
                self.assertEqual(config.get("plugins"), ["core", "file", "env"])
            config = loader.load({})
            config.as_dict()["cache"]["ttl"] = 0
            config.get("tags").append("c")
            self.assertEqual(loader.load({}).get("cache.ttl"), 10)
            self.assertEqual(loader.load({}).get("tags"), ["a"])
        self.assertEqual(self.defaults, DEFAULTS)

    def test_merge_layers_keeps_its_input(self):
        layers = [{"a": {"x": [1]}}, {"b+": [1]}, {"a": {"x+": [2], "y": {"z": 1}}}, {"a": {"y": {"z": 2}}, "b+": [2]}]
        before = copy.deepcopy(layers)
        self.assertEqual(merge_layers(layers), {"a": {"x": [1, 2], "y": {"z": 2}}, "b": [1, 2]})
        self.assertEqual(layers, before)

    def test_null_still_removes(self):
        self.assertEqual(merge_layers([self.defaults, {"db": {"pool": None}, "plugins": None}]),
                         {"db": {"host": "localhost", "port": 5432}})
        self.assertEqual(self.defaults, DEFAULTS)


if __name__ == "__main__":
    unittest.main()
