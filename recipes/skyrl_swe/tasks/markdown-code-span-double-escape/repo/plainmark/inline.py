"""Render the text of a single block."""

import re

from .escaping import escape, is_safe_address

_CODE = re.compile(r"(`+)(?P<code>.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\[(?P<text>[^\[\]]+)\]\((?P<address>[^()\s]+)\)")
_STRONG = re.compile(r"\*\*(?=\S)(?P<text>.+?)(?<=\S)\*\*", re.DOTALL)
_EMPHASIS = re.compile(r"\*(?=\S)(?P<text>.+?)(?<=\S)\*", re.DOTALL)
_STORED = re.compile("\x00(?P<number>\\d+)\x00")


def render_inline(text):
    """Return the HTML of inline text."""
    store = _Store()
    text = escape(text.replace("\x00", ""))
    text = _CODE.sub(lambda match: store.put(_code(match)), text)
    text = _LINK.sub(_link, text)
    text = _STRONG.sub(r"<strong>\g<text></strong>", text)
    text = _EMPHASIS.sub(r"<em>\g<text></em>", text)
    return store.restore(text)


def _code(match):
    return f"<code>{escape(match['code'].strip(' '))}</code>"


def _link(match):
    if not is_safe_address(match["address"]):
        return match[0]
    address = match["address"].replace("*", "%2A")
    return f'<a href="{address}">{match["text"]}</a>'


class _Store:
    """Keeps finished pieces of HTML away from the rules that follow."""

    def __init__(self):
        self._pieces = []

    def put(self, html):
        """Store a piece and return the mark that stands for it."""
        self._pieces.append(html)
        return f"\x00{len(self._pieces) - 1}\x00"

    def restore(self, text):
        """Replace all marks by their pieces."""
        return _STORED.sub(lambda match: self._pieces[int(match["number"])], text)
