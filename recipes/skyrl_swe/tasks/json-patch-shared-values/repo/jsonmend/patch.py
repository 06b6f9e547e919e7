"""Apply patches."""

import copy

from .operations import OPERATIONS


class PatchError(ValueError):
    """An operation of a patch could not be applied."""

    def __init__(self, index, reason):
        super().__init__(f"operation {index}: {reason}")
        self.index = index


def apply_patch(document, patch):
    """Return a new document with all operations of the patch applied."""
    result = copy.deepcopy(document)
    for index, operation in enumerate(patch):
        name = operation.get("op")
        if name not in OPERATIONS:
            raise PatchError(index, f"unknown operation {name!r}")
        try:
            result = OPERATIONS[name](result, operation)
        except KeyError as error:
            raise PatchError(index, f"missing member: {error.args[0]}") from error
        except (LookupError, ValueError) as error:
            raise PatchError(index, str(error)) from error
    return result
