"""Turn blocks into HTML."""

from .blocks import split_blocks
from .escaping import escape
from .inline import render_inline


def to_html(source):
    """Convert a document; the result has no trailing newline."""
    return "\n".join(_render(kind, content) for kind, content in split_blocks(source))


def _render(kind, content):
    if kind == "hr":
        return "<hr>"
    if kind == "code":
        return _render_code(*content)
    if kind == "ul":
        items = "\n".join(f"<li>{render_inline(item.strip())}</li>" for item in content)
        return f"<ul>\n{items}\n</ul>"
    return f"<{kind}>{render_inline(content)}</{kind}>"


def _render_code(language, text):
    attribute = f' class="language-{escape(language)}"' if language else ""
    body = escape(text)
    if body:
        body += "\n"
    return f"<pre><code{attribute}>{body}</code></pre>"
