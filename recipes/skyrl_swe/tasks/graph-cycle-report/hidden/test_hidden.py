import random
import unittest

from buildorder import CycleError, Graph, build_order, find_cycle, parse_graph


class ReportTest(unittest.TestCase):
    def check(self, text, expected):
        self.assertEqual(find_cycle(parse_graph(text)), expected.split())

    def test_issue(self):
        graph = parse_graph("app: assets server\nassets: icons\nicons:\nserver: app")
        with self.assertRaises(CycleError) as caught:
            build_order(graph)
        self.assertEqual(str(caught.exception), "dependency cycle: app -> server -> app")

    def test_leaf_before_cycle(self):
        self.check("a: b c\nb:\nc: a", "a c a")

    def test_deep_branches(self):
        self.check("a: b c\nb: d e\nd: f\nc: g h\ng: f\nh: a", "a c h a")
        self.check("x: y a\ny: z\na: p b\np: q\nq: z\nb: r a", "a b a")

    def test_branch_inside_each_member(self):
        self.check("a: l1 b\nb: l2 c\nc: l3 a\nl1: m\nl2: m\nl3: m n", "a b c a")

    def test_self_dependency_after_others(self):
        self.check("a: b c a\nb: c", "a a")

    def test_finished_branch_reaches_cycle_member(self):
        self.check("a: b c\nb: d\nc: b e\ne: c", "c e c")

    def test_second_component(self):
        self.check("a: b c\nb: c\nx: y z\ny: c\nz: x", "x z x")

    def test_no_cycle(self):
        self.assertIsNone(find_cycle(parse_graph("a: b c d\nb: d\nc: b d")))
        self.assertIsNone(find_cycle(Graph()))

    def test_random_graphs(self):
        source = random.Random(7)
        found = 0
        for _ in range(200):
            names = [f"t{number}" for number in range(8)]
            graph = Graph()
            for name in names:
                graph.add(name, *source.sample(names, source.choice((0, 1, 1, 2))))
            cycle = find_cycle(graph)
            if cycle is None:
                self.assertEqual(len(build_order(graph)), len(graph))
                continue
            found += 1
            self.assertEqual(cycle[0], cycle[-1])
            self.assertEqual(len(set(cycle)), len(cycle) - 1)
            for target, following in zip(cycle, cycle[1:]):
                self.assertIn(following, graph.dependencies(target))
        self.assertGreater(found, 20)


if __name__ == "__main__":
    unittest.main()
