import copy
import unittest

from jsonmend import PatchError, apply_patch, make_patch


class SideEffectTest(unittest.TestCase):
    def check_twice(self, document, patch, expected):
        before = copy.deepcopy((document, patch))
        first = apply_patch(document, patch)
        self.assertEqual(first, expected)
        second = apply_patch(document, patch)
        self.assertEqual(second, expected)
        self.assertEqual((document, patch), before)
        return first, second

    def test_add_then_append(self):
        patch = [
            {"op": "add", "path": "/limits", "value": {"hosts": ["localhost"]}},
            {"op": "add", "path": "/limits/hosts/-", "value": "backup"},
        ]
        first, second = self.check_twice({}, patch, {"limits": {"hosts": ["localhost", "backup"]}})
        first["limits"]["hosts"].append("x")
        self.assertEqual(second["limits"]["hosts"], ["localhost", "backup"])

    def test_replace_then_change_deeply(self):
        patch = [
            {"op": "replace", "path": "/a", "value": {"b": {"c": [{"d": 1}]}}},
            {"op": "replace", "path": "/a/b/c/0/d", "value": 2},
            {"op": "remove", "path": "/a/b/c/0"},
        ]
        self.check_twice({"a": 0}, patch, {"a": {"b": {"c": []}}})

    def test_whole_document(self):
        for op in ("add", "replace"):
            patch = [
                {"op": op, "path": "", "value": {"l": []}},
                {"op": "add", "path": "/l/-", "value": 1},
            ]
            self.check_twice([0], patch, {"l": [1]})

    def test_add_into_list(self):
        patch = [
            {"op": "add", "path": "/0", "value": [[]]},
            {"op": "add", "path": "/0/0/-", "value": "x"},
        ]
        self.check_twice([9], patch, [[["x"]], 9])

    def test_move_after_add(self):
        patch = [
            {"op": "add", "path": "/a", "value": {"n": [1]}},
            {"op": "move", "from": "/a/n", "path": "/m"},
        ]
        self.check_twice({}, patch, {"a": {}, "m": [1]})

    def test_result_is_separate_from_patch(self):
        patch = [{"op": "replace", "path": "/a", "value": {"b": [{"c": 1}]}}]
        result = apply_patch({"a": None}, patch)
        result["a"]["b"][0]["c"] = 2
        result["a"]["b"].append(3)
        self.assertEqual(patch[0]["value"], {"b": [{"c": 1}]})

    def test_one_value_object_used_twice(self):
        value = {"tags": []}
        patch = [
            {"op": "add", "path": "/x", "value": value},
            {"op": "add", "path": "/y", "value": value},
            {"op": "add", "path": "/x/tags/-", "value": 1},
        ]
        self.check_twice({}, patch, {"x": {"tags": [1]}, "y": {"tags": []}})

    def test_failing_patch_is_unchanged(self):
        patch = [
            {"op": "add", "path": "/a", "value": []},
            {"op": "add", "path": "/a/-", "value": 1},
            {"op": "remove", "path": "/nope"},
        ]
        with self.assertRaises(PatchError) as caught:
            apply_patch({}, patch)
        self.assertEqual(caught.exception.index, 2)
        self.assertEqual(patch[0]["value"], [])

    def test_missing_value_still_fails(self):
        with self.assertRaises(PatchError):
            apply_patch({}, [{"op": "add", "path": "/a"}])

    def test_patch_may_be_any_iterable(self):
        patch = make_patch({}, {"a": [1]})
        self.assertEqual(apply_patch({}, iter(patch)), {"a": [1]})


if __name__ == "__main__":
    unittest.main()
