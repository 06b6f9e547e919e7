"""Read Markdown from standard input and write HTML."""

import sys

from .render import to_html

sys.stdout.write(to_html(sys.stdin.read()) + "\n")
