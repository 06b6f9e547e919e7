"""Wrapping of paragraphs."""
from .width import display_width


def wrap(text: str, width: int) -> list[str]:
    """Return the lines of a text, filled up to the given width."""
    if width < 1:
        raise ValueError("the width must be at least one column")
    lines: list[str] = []
    current = ""
    for word in text.split():
        if current and display_width(current) + 1 + display_width(word) <= width:
            current += " " + word
            continue
        if current:
            lines.append(current)
        *full, current = break_word(word, width)
        lines.extend(full)
    if current or not lines:
        lines.append(current)
    return lines


def break_word(word: str, width: int) -> list[str]:
    """Return the pieces of a word, just one if it fits into the width."""
    if display_width(word) <= width:
        return [word]
    return [word[start:start + width] for start in range(0, len(word), width)]


def wrap_paragraphs(text: str, width: int) -> list[str]:
    """Wrap each line of a text on its own, as cells of a table need it."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        lines.extend(wrap(paragraph, width))
    return lines
