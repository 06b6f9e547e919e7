import unittest

from plainmark import to_html


class BlockTest(unittest.TestCase):
    def test_heading_and_paragraph(self):
        self.assertEqual(to_html("## A title ##\nfirst\nsecond\n\nthird"),
                         "<h2>A title</h2>\n<p>first\nsecond</p>\n<p>third</p>")

    def test_list_and_rule(self):
        self.assertEqual(to_html("- a\n- *b*\n---"),
                         "<ul>\n<li>a</li>\n<li><em>b</em></li>\n</ul>\n<hr>")

    def test_code_block(self):
        self.assertEqual(to_html('~~~py\nif a < b:\n    "*x*"\n~~~'),
                         '<pre><code class="language-py">if a &lt; b:\n'
                         '    &quot;*x*&quot;\n</code></pre>')

    def test_open_code_block(self):
        self.assertEqual(to_html("~~~\n# no heading"), "<pre><code># no heading\n</code></pre>")


class InlineTest(unittest.TestCase):
    def check(self, source, expected):
        self.assertEqual(to_html(source), f"<p>{expected}</p>")

    def test_escaping(self):
        self.check("a < b & <script>", "a &lt; b &amp; &lt;script&gt;")
        self.check("&copy;", "&amp;copy;")

    def test_emphasis(self):
        self.check("**very** *nice*, 2 * 3 * 4", "<strong>very</strong> <em>nice</em>, 2 * 3 * 4")

    def test_code_hides_other_rules(self):
        self.check("`*x*` and `[a](/b)`", "<code>*x*</code> and <code>[a](/b)</code>")

    def test_double_backticks(self):
        self.check("``a`b``", "<code>a`b</code>")

    def test_links(self):
        self.check("[a *b*](/c?d=1&e=2)", '<a href="/c?d=1&amp;e=2">a <em>b</em></a>')
        self.check("[a](javascript:x)", "[a](javascript:x)")
        self.check('[a](/"onclick="x)', '<a href="/&quot;onclick=&quot;x">a</a>')
