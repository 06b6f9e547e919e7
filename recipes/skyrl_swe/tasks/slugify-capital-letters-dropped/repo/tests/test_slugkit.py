import unittest

from slugkit import search_key, slugify, transliterate, unique_slug, words


class SlugTest(unittest.TestCase):
    def test_accents_and_letters(self):
        self.assertEqual(slugify("Crème brûlée"), "creme-brulee")
        self.assertEqual(slugify("smørrebrød & øl"), "smorrebrod-and-ol")
        self.assertEqual(slugify("große straße"), "grosse-strasse")

    def test_case_and_separator(self):
        self.assertEqual(slugify("Été à Paris", lowercase=False, separator="_"), "Ete_a_Paris")

    def test_apostrophes(self):
        self.assertEqual(slugify("It’s 5 o'clock"), "its-5-oclock")

    def test_max_length(self):
        self.assertEqual(slugify("one two three", max_length=9), "one-two")
        self.assertEqual(slugify("one two three", max_length=13), "one-two-three")
        self.assertEqual(slugify("unbelievable", max_length=4), "unbe")

    def test_stop_words(self):
        self.assertEqual(slugify("The art of the deal", stop_words={"the", "of"}), "art-deal")
        self.assertEqual(slugify("The", stop_words={"the"}), "the")

    def test_unique(self):
        self.assertEqual(unique_slug("Paris", {"paris", "paris-2"}), "paris-3")
        self.assertEqual(unique_slug("???", {"2"}), "3")


class NormalizeTest(unittest.TestCase):
    def test_transliterate(self):
        self.assertEqual(transliterate("ﬁn de siècle, þing"), "fin de siecle, thing")
        self.assertEqual(transliterate("Москва 100 €"), "Москва 100 €")

    def test_search_key(self):
        self.assertEqual(search_key("  ÉCLAIR au café"), search_key("Eclair  au Cafe"))


class WordsTest(unittest.TestCase):
    def test_words(self):
        found = list(words("Don't panic: 42 §"))
        self.assertEqual([w.text for w in found], ["Don't", "panic", "42"])
        self.assertEqual(found[1][1:], (6, 11))
        self.assertTrue(found[2].is_number)


if __name__ == "__main__":
    unittest.main()
