import unittest

from shelfsearch import Engine


class Ranked(unittest.TestCase):
    def setUp(self):
        self.engine = Engine()
        self.engine.add("a-history", "A history of the port, with one page about tea.")
        self.engine.add("m-teahouse", "Tea, tea and more tea: a visit to the tea house.")
        self.engine.add("z-coffee", "Coffee and cake.")

    def ids(self, query, **options):
        return [hit.doc_id for hit in self.engine.search(query, **options)]

    def test_order_and_scores(self):
        hits = self.engine.search("tea")
        self.assertEqual([hit.doc_id for hit in hits], ["m-teahouse", "a-history"])
        self.assertTrue(hits[0].score > hits[1].score > 0)
        for hit in hits:
            self.assertAlmostEqual(hit.score, self.engine.ranking.score(["tea"], hit.doc_id))

    def test_snippets_of_all_hits(self):
        snippets = {hit.doc_id: hit.snippet for hit in self.engine.search("tea cakes")}
        self.assertEqual(snippets["m-teahouse"], "[Tea], [tea] and more [tea]: a visit to the [tea] house.")
        self.assertEqual(snippets["a-history"], "A history of the port, with one page about [tea].")
        self.assertEqual(snippets["z-coffee"], "Coffee and [cake].")

    def test_mode_all(self):
        self.engine.add("b-both", "Tea and cake")
        self.engine.add("c-both", "Cake, cake, cake and tea")
        hits = self.engine.search("cake tea", mode="all")
        self.assertEqual([hit.doc_id for hit in hits], ["c-both", "b-both"])
        self.assertEqual(hits[1].snippet, "[Tea] and [cake]")

    def test_repeated_words_count_each_time(self):
        engine = Engine()
        engine.add("cakes", "cake cake shop")
        engine.add("teas", "tea bar shop")
        self.assertEqual([h.doc_id for h in engine.search("cake tea")], ["cakes", "teas"])
        self.assertEqual([h.doc_id for h in engine.search("cake tea tea tea")], ["teas", "cakes"])
        once, = [h.score for h in engine.search("tea")]
        twice, = [h.score for h in engine.search("tea teas")]
        self.assertAlmostEqual(twice, 2 * once)

    def test_equal_scores_are_sorted_by_id(self):
        self.engine.add("y", "cocoa")
        self.engine.add("x", "cocoa")
        self.assertEqual(self.ids("cocoa"), ["x", "y"])

    def test_limit_is_taken_after_sorting(self):
        self.assertEqual(self.ids("tea", limit=1), ["m-teahouse"])

    def test_nothing(self):
        self.assertEqual(self.engine.search("the of"), [])
        self.assertEqual(Engine().search("tea"), [])

    def test_terms_stays_lazy(self):
        terms = self.engine.analyzer.terms("Tea and cake")
        self.assertEqual(next(terms), "tea")


if __name__ == "__main__":
    unittest.main()
