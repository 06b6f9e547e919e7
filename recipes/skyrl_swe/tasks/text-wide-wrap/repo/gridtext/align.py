"""Alignment of text in a column."""
from .width import display_width

LEFT, RIGHT, CENTER = "left", "right", "center"


def pad(text: str, width: int, align: str = LEFT) -> str:
    """Fill a text with spaces up to a width. Wider text is returned as it is.

    >>> pad("東", 5, RIGHT)
    '   東'
    >>> pad("ab", 5, CENTER)
    ' ab  '
    """
    missing = max(0, width - display_width(text))
    if align == LEFT:
        return text + " " * missing
    if align == RIGHT:
        return " " * missing + text
    if align == CENTER:
        before = missing // 2
        return " " * before + text + " " * (missing - before)
    raise ValueError(f"unknown alignment: {align!r}")


def pad_lines(lines: list[str], height: int, width: int, align: str = LEFT) -> list[str]:
    """Fill a cell with empty lines at the bottom, and pad all of its lines."""
    filled = lines + [""] * (height - len(lines))
    return [pad(line, width, align) for line in filled]
