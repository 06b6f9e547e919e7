"""Create a patch from two documents."""

from .operations import same
from .pointer import escape


def make_patch(old, new):
    """Return the operations that turn ``old`` into ``new``."""
    return list(_compare(old, new, ""))


def _compare(old, new, path):
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_dicts(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _compare_lists(old, new, path)
    elif not same(old, new):
        yield {"op": "replace", "path": path, "value": new}


def _compare_dicts(old, new, path):
    for key in old:
        child = f"{path}/{escape(key)}"
        if key in new:
            yield from _compare(old[key], new[key], child)
        else:
            yield {"op": "remove", "path": child}
    for key in new:
        if key not in old:
            yield {"op": "add", "path": f"{path}/{escape(key)}", "value": new[key]}


def _compare_lists(old, new, path):
    shared = min(len(old), len(new))
    for index in range(shared):
        yield from _compare(old[index], new[index], f"{path}/{index}")
    for index in reversed(range(shared, len(old))):
        yield {"op": "remove", "path": f"{path}/{index}"}
    for value in new[shared:]:
        yield {"op": "add", "path": f"{path}/-", "value": value}
