import unittest

from waymark import MethodNotAllowed, NotFound, Router


def build(*patterns):
    router = Router()
    for pattern in patterns:
        router.add("GET", pattern, pattern)
    return router


class DeadEndTest(unittest.TestCase):
    def check(self, router, path, pattern, **params):
        match = router.match("GET", path)
        self.assertEqual((match.handler, match.params), (pattern, params))

    def test_issue(self):
        router = build("/teams/{team}/members", "/teams/{team}/members/{member:int}", "/teams/new/templates")
        self.check(router, "/teams/new/members", "/teams/{team}/members", team="new")
        self.check(router, "/teams/new/members/7", "/teams/{team}/members/{member:int}", team="new", member=7)
        self.check(router, "/teams/new/templates", "/teams/new/templates")
        with self.assertRaises(NotFound):
            router.match("GET", "/teams/new/members/seven")

    def test_several_levels(self):
        router = build("/{lang}/docs/{page}/edit", "/en/docs/index/raw")
        self.check(router, "/en/docs/index/edit", "/{lang}/docs/{page}/edit", lang="en", page="index")
        self.check(router, "/en/docs/index/raw", "/en/docs/index/raw")
        with self.assertRaises(NotFound):
            router.match("GET", "/en/docs/index/print")

    def test_no_parameters_from_dead_ends(self):
        router = build("/{n:int}/{kind:slug}/a", "/{name}/{other}/b")
        self.check(router, "/5/x/b", "/{name}/{other}/b", name="5", other="x")
        self.check(router, "/5/x/a", "/{n:int}/{kind:slug}/a", n=5, kind="x")

    def test_end_of_path_without_handler(self):
        router = build("/teams/{team}", "/teams/new/templates")
        self.check(router, "/teams/new", "/teams/{team}", team="new")
        self.check(router, "/teams/new/templates", "/teams/new/templates")

    def test_parameter_branches_of_same_rank(self):
        router = build("/{a}/x", "/{b}/y")
        self.check(router, "/1/x", "/{a}/x", a="1")
        self.check(router, "/1/y", "/{b}/y", b="1")

    def test_static_is_still_preferred(self):
        for order in (1, -1):
            router = build(*["/{a}/x", "/s/x", "/s/{b}", "/{a}/{b}"][::order])
            self.check(router, "/s/x", "/s/x")
            self.check(router, "/s/y", "/s/{b}", b="y")
            self.check(router, "/t/x", "/{a}/x", a="t")
            self.check(router, "/t/y", "/{a}/{b}", a="t", b="y")

    def test_method_not_allowed(self):
        router = build("/teams/new/templates", "/teams/{team}/members")
        with self.assertRaises(MethodNotAllowed):
            router.match("POST", "/teams/new/members")


if __name__ == "__main__":
    unittest.main()
