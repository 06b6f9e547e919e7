"""Split a document into blocks."""

import re

_HEADING = re.compile(r"(?P<marks>#{1,6})\s+(?P<text>.*?)\s*#*\s*\Z")
FENCE = "~~~"


def split_blocks(source):
    """Yield (kind, content) pairs.

    The kinds are ``h1`` to ``h6``, ``p``, ``ul`` (content is a list of items), ``hr``
    and ``code`` (content is a pair of language and text).
    """
    lines = source.replace("\r\n", "\n").split("\n")
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        if not line.strip():
            continue
        if line.startswith(FENCE):
            language, body = line[len(FENCE):].strip(), []
            while position < len(lines) and not lines[position].startswith(FENCE):
                body.append(lines[position])
                position += 1
            position += 1
            yield "code", (language, "\n".join(body))
        elif match := _HEADING.match(line):
            yield f"h{len(match['marks'])}", match["text"]
        elif line.strip() == "---":
            yield "hr", ""
        elif line.startswith("- "):
            items = [line[2:]]
            while position < len(lines) and lines[position].startswith("- "):
                items.append(lines[position][2:])
                position += 1
            yield "ul", items
        else:
            text = [line.strip()]
            while position < len(lines) and not _starts_block(lines[position]):
                text.append(lines[position].strip())
                position += 1
            yield "p", "\n".join(text)


def _starts_block(line):
    """Tell whether a line ends the paragraph before it."""
    if not line.strip() or line.strip() == "---":
        return True
    return line.startswith((FENCE, "- ")) or _HEADING.match(line) is not None
