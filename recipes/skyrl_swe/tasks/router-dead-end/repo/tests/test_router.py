import unittest

from waymark import MethodNotAllowed, NotFound, PatternError, Router


class RouterTest(unittest.TestCase):
    def setUp(self):
        self.router = Router()
        self.router.add("GET", "/", "home")
        self.router.add("GET", "/teams/{team}", "team", name="team")
        self.router.add("POST", "/teams/{team}", "change team")
        self.router.add("GET", "/teams/new", "new team")
        self.router.add("GET", "/items/{item}", "item by name")
        self.router.add("GET", "/items/{number:int}", "item by number")

    def check(self, path, handler, **params):
        match = self.router.match("GET", path)
        self.assertEqual((match.handler, match.params), (handler, params))

    def test_root_and_trailing_slash(self):
        self.check("/", "home")
        self.check("/teams/red/", "team", team="red")

    def test_static_segment_is_preferred(self):
        self.check("/teams/new", "new team")

    def test_converter_is_preferred(self):
        self.check("/items/7", "item by number", number=7)
        self.check("/items/seven", "item by name", item="seven")

    def test_escapes_are_decoded(self):
        self.check("/teams/a%2Fb", "team", team="a/b")

    def test_not_found(self):
        for path in ("/teams", "/teams/red/members", "/nothing"):
            with self.assertRaises(NotFound):
                self.router.match("GET", path)

    def test_method_not_allowed(self):
        with self.assertRaises(MethodNotAllowed) as caught:
            self.router.match("DELETE", "/teams/red")
        self.assertEqual(caught.exception.allowed, ["GET", "POST"])

    def test_url_for(self):
        self.assertEqual(self.router.url_for("team", team="a b/c"), "/teams/a%20b%2Fc")

    def test_bad_patterns(self):
        for pattern in ("/{a}/{a}", "/{n:float}", "/x{n}"):
            with self.assertRaises(PatternError):
                self.router.add("GET", pattern, None)


if __name__ == "__main__":
    unittest.main()
