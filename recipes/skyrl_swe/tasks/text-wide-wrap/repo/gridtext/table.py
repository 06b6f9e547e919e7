"""Tables with a header and cells of several lines."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .align import LEFT, pad_lines
from .wrap import wrap_paragraphs

SEPARATOR = " | "
CROSSING = "-+-"


@dataclass(frozen=True)
class Column:
    """The title, the width and the alignment of a column."""

    title: str
    width: int
    align: str = LEFT


def render_row(columns: Sequence[Column], cells: Sequence[object]) -> list[str]:
    """Return the lines of one row."""
    if len(cells) != len(columns):
        raise ValueError(f"expected {len(columns)} cells, found {len(cells)}")
    wrapped = [wrap_paragraphs(str(cell), column.width) for column, cell in zip(columns, cells)]
    height = max(map(len, wrapped))
    padded = [
        pad_lines(lines, height, column.width, column.align)
        for column, lines in zip(columns, wrapped)
    ]
    return [SEPARATOR.join(parts).rstrip() for parts in zip(*padded)]


def render_table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as text, without a newline at the end."""
    if not columns:
        raise ValueError("a table has at least one column")
    lines = render_row(columns, [column.title for column in columns])
    lines.append(CROSSING.join("-" * column.width for column in columns))
    for row in rows:
        lines.extend(render_row(columns, row))
    return "\n".join(lines)
