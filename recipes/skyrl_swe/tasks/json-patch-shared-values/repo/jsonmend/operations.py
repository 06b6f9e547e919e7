"""The six operations of JSON Patch.

Each function gets the root of the working copy and the operation, changes the copy
in place and returns its root.
"""

import copy

from .pointer import key_of, locate, resolve, step


class TestFailed(ValueError):
    """A test operation found another value."""


def _value(operation):
    if "value" not in operation:
        raise KeyError("operation needs a value")
    return operation["value"]


def _insert(root, pointer, value):
    if pointer == "":
        return value
    container, token = locate(root, pointer)
    key = key_of(container, token, appending=True)
    if isinstance(container, list):
        container.insert(key, value)
    else:
        container[key] = value
    return root


def add(root, operation):
    return _insert(root, operation["path"], _value(operation))


def remove(root, operation):
    if operation["path"] == "":
        return None
    container, token = locate(root, operation["path"])
    step(container, token)
    del container[key_of(container, token)]
    return root


def replace(root, operation):
    if operation["path"] == "":
        return _value(operation)
    container, token = locate(root, operation["path"])
    step(container, token)
    container[key_of(container, token)] = _value(operation)
    return root


def move(root, operation):
    source, target = operation["from"], operation["path"]
    if target.startswith(source + "/"):
        raise ValueError("a value cannot be moved into itself")
    value = resolve(root, source)
    root = remove(root, {"path": source})
    return _insert(root, target, value)


def copy_value(root, operation):
    value = copy.deepcopy(resolve(root, operation["from"]))
    return _insert(root, operation["path"], value)


def test(root, operation):
    if not same(resolve(root, operation["path"]), _value(operation)):
        raise TestFailed(f"another value at {operation['path']!r}")
    return root


def same(left, right):
    """Compare as JSON does: booleans are no numbers."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


OPERATIONS = {
    "add": add, "remove": remove, "replace": replace,
    "move": move, "copy": copy_value, "test": test,
}
