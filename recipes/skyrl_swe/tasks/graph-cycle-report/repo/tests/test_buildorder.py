import unittest

from buildorder import CycleError, Graph, ParseError, build_order, build_stages, find_cycle, parse_graph


class ParsingTest(unittest.TestCase):
    def test_lines_are_collected(self):
        graph = parse_graph("a: b  # first\n\na: c")
        self.assertEqual(list(graph), ["a", "b", "c"])
        self.assertEqual(graph.dependencies("a"), ["b", "c"])

    def test_errors_have_line_numbers(self):
        with self.assertRaisesRegex(ParseError, "line 2"):
            parse_graph("a: b\na b")


class OrderTest(unittest.TestCase):
    def test_stages(self):
        graph = parse_graph("app: assets server\nassets: icons")
        self.assertEqual(build_stages(graph), [["server", "icons"], ["assets"], ["app"]])

    def test_only_what_is_needed(self):
        graph = parse_graph("app: lib\ntests: lib tool\nlib:")
        self.assertEqual(build_order(graph, "app"), ["lib", "app"])

    def test_diamond_is_no_cycle(self):
        graph = parse_graph("top: left right\nleft: base\nright: base")
        self.assertIsNone(find_cycle(graph))
        self.assertEqual(build_order(graph)[0], "base")


class CycleTest(unittest.TestCase):
    def test_simple_cycle(self):
        with self.assertRaises(CycleError) as caught:
            build_order(parse_graph("a: b\nb: c\nc: a"))
        self.assertEqual(caught.exception.cycle, ["a", "b", "c", "a"])

    def test_lead_is_not_reported(self):
        self.assertEqual(find_cycle(parse_graph("x: a\na: b\nb: a")), ["a", "b", "a"])

    def test_self_dependency(self):
        graph = Graph()
        graph.add("a", "a")
        self.assertEqual(find_cycle(graph), ["a", "a"])


if __name__ == "__main__":
    unittest.main()
