import unittest

from stencil import Template, TemplateError


def render(source, **values):
    return Template(source).render(**values)


class ValueTest(unittest.TestCase):
    def test_filters_from_left_to_right(self):
        self.assertEqual(render("{{ name | lower | title }}", name="ADA"), "Ada")

    def test_filter_arguments(self):
        self.assertEqual(render("{{ x | default('a|b') }}"), "a|b")
        self.assertEqual(render("{{ items | join(', ') }}", items=[1, 2]), "1, 2")

    def test_dotted_names(self):
        self.assertEqual(render("{{ a.b.c }}", a={"b": {"c": 3}}), "3")
        self.assertEqual(render("[{{ a.x }}]", a={}), "[]")

    def test_unknown_filter(self):
        with self.assertRaises(TemplateError):
            render("{{ x | shout }}", x=1)


class TagTest(unittest.TestCase):
    def test_for(self):
        source = "{% for n in nums %}{{ loop.index }}/{{ loop.length }}={{ n }};{% endfor %}"
        self.assertEqual(render(source, nums=[7, 8]), "1/2=7;2/2=8;")

    def test_if_else(self):
        source = "{% if ok %}yes{% else %}no{% endif %}"
        self.assertEqual(render(source, ok=1) + render(source), "yesno")

    def test_running_total(self):
        source = "{% set t = 0 %}{% for n in nums %}{% set t = t + n %}{% endfor %}{{ t }}"
        self.assertEqual(render(source, nums=[1, 2, 3]), "6")

    def test_set_in_loop_is_local(self):
        source = "{% for n in nums %}{% set seen = n %}{% endfor %}[{{ seen }}]"
        self.assertEqual(render(source, nums=[1]), "[]")

    def test_missing_endfor(self):
        with self.assertRaises(TemplateError):
            Template("{% for n in nums %}")
