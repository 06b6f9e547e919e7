import unittest

from plainmark import to_html


class CodeSpanTest(unittest.TestCase):
    def check(self, source, expected):
        self.assertEqual(to_html(source), f"<p>{expected}</p>")

    def test_type_in_code(self):
        self.check("Use `List<str>` if a < b.", "Use <code>List&lt;str&gt;</code> if a &lt; b.")

    def test_every_special_character(self):
        self.check("`< > & \" '`", "<code>&lt; &gt; &amp; &quot; &#x27;</code>")

    def test_entity_is_shown_as_typed(self):
        self.check("write `&lt;` here", "write <code>&amp;lt;</code> here")
        self.check("`&amp;lt;` `&#x27;`", "<code>&amp;amp;lt;</code> <code>&amp;#x27;</code>")

    def test_entity_outside_of_code(self):
        self.check("&lt; and `x`", "&amp;lt; and <code>x</code>")

    def test_no_tag_reaches_the_page(self):
        got = to_html("`<script>` <script> ``<b>`</b>``")
        self.assertNotIn("<script>", got)
        self.assertNotIn("<b>", got)
        self.assertEqual(got, "<p><code>&lt;script&gt;</code> &lt;script&gt; "
                              "<code>&lt;b&gt;`&lt;/b&gt;</code></p>")

    def test_unclosed_span(self):
        self.check("a ` b < c", "a ` b &lt; c")

    def test_headings_and_items(self):
        self.assertEqual(to_html("# `a&b`\n- `<i>`"),
                         "<h1><code>a&amp;b</code></h1>\n<ul>\n<li><code>&lt;i&gt;</code></li>\n</ul>")

    def test_code_in_link_and_emphasis(self):
        self.check("[`a<b`](/x?a=1&b=2) **`c>d`**",
                   '<a href="/x?a=1&amp;b=2"><code>a&lt;b</code></a> '
                   "<strong><code>c&gt;d</code></strong>")

    def test_other_rules_do_not_see_code(self):
        self.check("`*a* & [b](/c)`", "<code>*a* &amp; [b](/c)</code>")

    def test_code_block_unchanged(self):
        self.assertEqual(to_html("~~~\n&lt; `<`\n~~~"),
                         "<pre><code>&amp;lt; `&lt;`\n</code></pre>")

    def test_marks_in_the_source(self):
        self.check("\x000\x00 `<`", "0 <code>&lt;</code>")


if __name__ == "__main__":
    unittest.main()
