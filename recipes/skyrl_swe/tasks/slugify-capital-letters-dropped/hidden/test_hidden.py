import unittest

from slugkit import search_key, slugify, transliterate, unique_slug
from slugkit.charmap import LETTERS


class Capitals(unittest.TestCase):
    def test_slugs(self):
        for text, slug in [
            ("Łódź", "lodz"),
            ("Ørsted & Æbeltoft", "orsted-and-aebeltoft"),
            ("Þingvellir", "thingvellir"),
            ("ØSTERBRO STRAẞE", "osterbro-strasse"),
            ("ĐAKOVO, ŒUVRE, ÐJÚPIVOGUR", "dakovo-oeuvre-djupivogur"),
        ]:
            with self.subTest(text):
                self.assertEqual(slugify(text), slug)
                self.assertEqual(slugify(text.lower()), slug)

    def test_case_is_kept(self):
        self.assertEqual(slugify("Łódź Ærø", lowercase=False), "Lodz-Aero")
        self.assertEqual(transliterate("ŁÓDŹ, Þing, þing"), "LODZ, Thing, thing")
        self.assertEqual(transliterate("Ø Æ ẞ Ŋ Ħ Ŧ"), "O Ae Ss Ng H T")

    def test_whole_table(self):
        for small, ascii_text in LETTERS.items():
            self.assertEqual(transliterate(small), ascii_text)
            if small not in "ßı":
                self.assertEqual(transliterate(small.upper()), ascii_text.capitalize())

    def test_other_letters_keep_their_case(self):
        self.assertEqual(transliterate("Été ICI, İstanbul, ılık"), "Ete ICI, Istanbul, ilik")
        self.assertEqual(transliterate("Москва ΑΘΗΝΑ"), "Москва ΑΘΗΝΑ")
        self.assertEqual(slugify("Hello World", lowercase=False), "Hello-World")

    def test_search_keys(self):
        for text in ("ŁÓDŹ", "Łódź", "łódź", "lodz"):
            self.assertEqual(search_key(text), "lodz")
        self.assertEqual(search_key("STRAẞE"), search_key("straße"))
        self.assertEqual(search_key("ÆRØ"), search_key("aero"))

    def test_lengths(self):
        self.assertEqual(slugify("Þór Ægir", max_length=4), "thor")
        self.assertEqual(unique_slug("Łódź", {"lodz"}), "lodz-2")


if __name__ == "__main__":
    unittest.main()
