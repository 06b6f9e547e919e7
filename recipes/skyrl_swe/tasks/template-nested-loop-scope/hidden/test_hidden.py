import unittest

from stencil import Template


def render(source, **values):
    return Template(source).render(**values)


class LoopScopeTest(unittest.TestCase):
    def test_outer_index_after_inner_loop(self):
        source = ("{% for c in cs %}{{ loop.index }}:{% for o in c.orders %}{{ o }} {% endfor %}"
                  "end {{ loop.index }}\n{% endfor %}")
        got = render(source, cs=[{"orders": ["a", "b", "c"]}, {"orders": ["d"]}])
        self.assertEqual(got, "1:a b c end 1\n2:d end 2\n")

    def test_empty_inner_loop(self):
        source = "{% for r in rows %}{% for x in r %}{{ x }}{% endfor %}{{ loop.last }},{% endfor %}"
        self.assertEqual(render(source, rows=[[], [1]]), "False,1True,")

    def test_loop_variable_hides_page_variable(self):
        source = "{% for title in chapters %}{{ title }},{% endfor %}{{ title }}"
        self.assertEqual(render(source, title="Book", chapters=["One", "Two"]), "One,Two,Book")

    def test_same_variable_in_both_loops(self):
        source = "{% for x in rows %}{% for x in cells %}{{ x }}{% endfor %}({{ x }}){% endfor %}"
        self.assertEqual(render(source, rows=["r", "s"], cells=[1, 2]), "12(r)12(s)")

    def test_page_variable_named_loop(self):
        source = "{% for x in xs %}{{ loop.index }}{% endfor %}-{{ loop }}"
        self.assertEqual(render(source, xs="ab", loop="daily"), "12-daily")

    def test_names_end_with_the_loop(self):
        source = "{% for x in xs %}{% endfor %}[{{ x }}{{ loop }}{{ x | default('none') }}]"
        self.assertEqual(render(source, xs=[1]), "[none]")

    def test_set_before_hides_like_any_name(self):
        source = "{% set x = 9 %}{% for x in xs %}{{ x }}{% endfor %}{{ x }}"
        self.assertEqual(render(source, xs=[1, 2]), "129")

    def test_running_total_over_nested_loops(self):
        source = ("{% set t = 0 %}{% for r in rows %}{% for n in r %}{% set t = t + n %}{% endfor %}"
                  "{{ loop.index }}={{ t }};{% endfor %}{{ t }}")
        self.assertEqual(render(source, rows=[[1, 2], [3]]), "1=3;2=6;6")

    def test_loop_items_may_share_the_name(self):
        source = "{% for x in x %}{{ x }}{% endfor %}{{ x | length }}"
        self.assertEqual(render(source, x=[4, 5]), "452")


if __name__ == "__main__":
    unittest.main()
