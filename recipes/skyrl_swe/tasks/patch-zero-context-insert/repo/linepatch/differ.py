"""Compare two lists of lines."""

from difflib import SequenceMatcher

from .hunk import Hunk


def diff_lines(old: list[str], new: list[str], context: int = 3) -> list[Hunk]:
    """The hunks that turn ``old`` into ``new``."""
    if context < 0:
        raise ValueError("context must not be negative")
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [_to_hunk(group, old, new) for group in _groups(matcher.get_opcodes(), context)]


def _groups(opcodes, context):
    """Group changes that have at most ``2 * context`` equal lines between them."""
    group = []
    for number, (tag, i1, i2, j1, j2) in enumerate(opcodes):
        if tag != "equal":
            group.append((tag, i1, i2, j1, j2))
            continue
        last = number == len(opcodes) - 1
        if i2 - i1 <= 2 * context and group and not last:
            group.append((tag, i1, i2, j1, j2))
            continue
        if group:
            group.append((tag, i1, min(i2, i1 + context), j1, min(j2, j1 + context)))
            yield group
            group = []
        if not last:
            before = min(context, i2 - i1)
            group.append((tag, i2 - before, i2, j2 - before, j2))
    if group:
        yield group


def _to_hunk(group, old, new):
    i1, j1 = group[0][1], group[0][3]
    i2, j2 = group[-1][2], group[-1][4]
    hunk = Hunk(_start(i1, i2), _start(j1, j2))
    for tag, a1, a2, b1, b2 in group:
        if tag == "equal":
            hunk.body += [(" ", line) for line in old[a1:a2]]
        else:
            hunk.body += [("-", line) for line in old[a1:a2]]
            hunk.body += [("+", line) for line in new[b1:b2]]
    return hunk


def _start(begin, end):
    """The header's number for the range of indices from ``begin`` to ``end``."""
    return begin + 1 if end > begin else begin
