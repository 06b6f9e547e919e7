"""Texts as lists of lines.

A line keeps its newline. Only the last line of a text may lack it; in a patch
such a line is followed by a marker.
"""

NO_NEWLINE = "\\ No newline at end of file"


def split_lines(text: str) -> list[str]:
    """Split at newlines only (not at form feeds and the like, as str.splitlines does).

    >>> split_lines("a\\nb")
    ['a\\n', 'b']
    """
    parts = text.split("\n")
    tail = parts.pop()
    lines = [part + "\n" for part in parts]
    if tail:
        lines.append(tail)
    return lines


def to_patch_line(tag: str, line: str) -> str:
    """A line of a hunk body, with the marker if ``line`` has no newline."""
    if line.endswith("\n"):
        return tag + line
    return f"{tag}{line}\n{NO_NEWLINE}\n"


def is_marker(patch_line: str) -> bool:
    return patch_line.startswith("\\")
