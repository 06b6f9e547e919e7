import unittest

from rolegate import AccessControl


class ChangesReachDescendants(unittest.TestCase):
    def setUp(self):
        self.ac = ac = AccessControl()
        ac.add_role("viewer", allow=["report:read"])
        ac.add_role("editor", allow=["report:write"], parents=["viewer"])
        ac.add_role("auditor", allow=["log:read"], parents=["viewer"])
        ac.add_role("chief", parents=["editor", "auditor"])
        ac.add_role("owner", parents=["chief"])
        ac.add_role("guest", allow=["page:read"])
        self.users = {}
        for role in ("viewer", "editor", "auditor", "chief", "owner", "guest"):
            ac.assign("u-" + role, role)
        self.warm()

    def warm(self):
        for role in ("viewer", "editor", "auditor", "chief", "owner", "guest"):
            self.ac.check("u-" + role, "report:read")

    def who(self, permission):
        roles = ("viewer", "editor", "auditor", "chief", "owner", "guest")
        return [role for role in roles if self.ac.check("u-" + role, permission)]

    def test_revoke(self):
        self.ac.revoke("viewer", "report:read")
        self.assertEqual(self.who("report:read"), [])

    def test_grant(self):
        self.ac.grant("viewer", "report:export")
        self.assertEqual(self.who("report:export"), ["viewer", "editor", "auditor", "chief", "owner"])

    def test_deny(self):
        self.ac.deny("viewer", "report:write")
        self.assertEqual(self.who("report:write"), [])

    def test_parents(self):
        self.ac.remove_parent("editor", "viewer")
        self.ac.remove_parent("auditor", "viewer")
        self.assertEqual(self.who("report:read"), ["viewer"])
        self.ac.add_parent("viewer", "guest")
        self.assertEqual(self.who("page:read"), ["viewer", "guest"])
        self.warm()
        self.ac.add_parent("auditor", "viewer")
        self.assertEqual(self.who("page:read"), ["viewer", "auditor", "chief", "owner", "guest"])

    def test_change_in_the_middle(self):
        self.ac.grant("editor", "page:*")
        self.assertEqual(self.who("page:write"), ["editor", "chief", "owner"])

    def test_unchecked_role_in_between(self):
        ac = AccessControl()
        ac.add_role("a", allow=["x:y"])
        ac.add_role("b", parents=["a"])
        ac.add_role("c", parents=["b"])
        ac.assign("u", "c")
        self.assertTrue(ac.check("u", "x:y"))
        ac.revoke("a", "x:y")
        self.assertFalse(ac.check("u", "x:y"))

    def test_removed_and_added_again(self):
        self.ac.remove_role("owner")
        self.ac.add_role("owner", allow=["all:things"])
        self.ac.assign("u-owner", "owner")
        self.assertEqual(self.who("report:read"), ["viewer", "editor", "auditor", "chief"])

    def test_cache_still_works(self):
        before = self.ac.resolver.resolved
        for _ in range(20):
            self.warm()
        self.assertEqual(self.ac.resolver.resolved, before)
        self.ac.revoke("viewer", "report:read")
        for _ in range(20):
            self.warm()
        self.assertLessEqual(self.ac.resolver.resolved, before + 6)


if __name__ == "__main__":
    unittest.main()
