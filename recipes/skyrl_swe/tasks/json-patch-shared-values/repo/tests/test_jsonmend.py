import unittest

from jsonmend import PatchError, PointerError, apply_patch, make_patch, resolve


class PointerTest(unittest.TestCase):
    def test_resolve(self):
        document = {"a/b": [10, {"~": 1, "~1": 2}]}
        self.assertEqual(resolve(document, ""), document)
        self.assertEqual(resolve(document, "/a~1b/0"), 10)
        self.assertEqual(resolve(document, "/a~1b/1/~01"), 2)

    def test_errors(self):
        for pointer in ("a", "/x", "/l/2", "/l/01", "/l/-"):
            with self.assertRaises(PointerError):
                resolve({"l": [1, 2]}, pointer)


class PatchTest(unittest.TestCase):
    def check(self, document, patch, expected):
        self.assertEqual(apply_patch(document, patch), expected)

    def test_add(self):
        self.check({"l": [1, 3]}, [{"op": "add", "path": "/l/1", "value": 2}], {"l": [1, 2, 3]})
        self.check({"l": []}, [{"op": "add", "path": "/l/-", "value": "x"}], {"l": ["x"]})

    def test_remove_and_replace(self):
        patch = [{"op": "remove", "path": "/a"}, {"op": "replace", "path": "/b", "value": None}]
        self.check({"a": 1, "b": 2}, patch, {"b": None})

    def test_move(self):
        self.check({"a": {"x": 1}}, [{"op": "move", "from": "/a/x", "path": "/y"}], {"a": {}, "y": 1})

    def test_copies_are_independent(self):
        patch = [
            {"op": "copy", "from": "/a", "path": "/b"},
            {"op": "add", "path": "/b/-", "value": 2},
        ]
        self.check({"a": [1]}, patch, {"a": [1], "b": [1, 2]})

    def test_document_is_unchanged(self):
        document = {"l": [{"x": 1}]}
        apply_patch(document, [{"op": "add", "path": "/l/0/y", "value": 2}])
        self.assertEqual(document, {"l": [{"x": 1}]})

    def test_test(self):
        self.check({"n": 1}, [{"op": "test", "path": "/n", "value": 1.0}], {"n": 1})
        with self.assertRaises(PatchError) as caught:
            apply_patch({"n": 1}, [{"op": "test", "path": "/n", "value": True}])
        self.assertEqual(caught.exception.index, 0)

    def test_errors(self):
        for operation in ({"op": "swap"}, {"op": "add", "path": "/a"}, {"op": "remove", "path": "/z"}):
            with self.assertRaises(PatchError):
                apply_patch({"a": 1}, [operation])


class DiffTest(unittest.TestCase):
    def test_round_trip(self):
        old = {"a": 1, "l": [1, 2, 3], "gone": {}}
        new = {"a": True, "l": [1, 5], "b/c": [None]}
        self.assertEqual(apply_patch(old, make_patch(old, new)), new)
