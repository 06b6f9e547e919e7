import unittest

from shelfsearch import BM25, Analyzer, Engine, Index, make_snippet


class AnalysisAndIndex(unittest.TestCase):
    def test_terms(self):
        self.assertEqual(list(Analyzer().terms("The stories of 2 Glass cakes")), ["story", "2", "glass", "cake"])

    def test_replacing_a_document(self):
        index = Index()
        index.add("a", ["tea", "tea"])
        index.add("a", ["cake"])
        self.assertEqual(index.document_count("tea"), 0)
        self.assertEqual(index.lengths, {"a": 1})

    def test_score(self):
        index = Index()
        index.add("a", ["tea", "page"])
        index.add("b", ["tea", "tea"])
        ranking = BM25(index)
        self.assertGreater(ranking.score(["tea"], "b"), ranking.score(["tea"], "a"))
        self.assertAlmostEqual(ranking.score(["tea", "tea"], "a"), 2 * ranking.score(["tea"], "a"))

    def test_snippet(self):
        text = "Cakes, and again cake"
        self.assertEqual(make_snippet(text, ["cake"], Analyzer()), "[Cakes], and again [cake]")
        self.assertEqual(make_snippet("x " * 30 + "tea", ["tea"], Analyzer(), 11), "...x x x x [tea]")


class Searching(unittest.TestCase):
    def setUp(self):
        self.engine = Engine()
        self.engine.add("1", "Green tea, black tea")
        self.engine.add("2", "Tea and cakes")
        self.engine.add("3", "Coffee and cake")

    def ids(self, query, **options):
        return [hit.doc_id for hit in self.engine.search(query, **options)]

    def test_modes(self):
        self.assertEqual(self.ids("tea"), ["1", "2"])
        self.assertEqual(self.ids("cake tea", mode="all"), ["2"])
        self.assertEqual(self.ids("the"), [])
        with self.assertRaises(ValueError):
            self.ids("tea", mode="most")

    def test_limit_and_removal(self):
        self.assertEqual(self.ids("tea", limit=1), ["1"])
        self.engine.remove("1")
        self.assertEqual(self.ids("tea"), ["2"])


if __name__ == "__main__":
    unittest.main()
