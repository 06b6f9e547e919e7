import unittest

from rolegate import AccessControl, CyclicRoles, RoleInUse, UnknownRole


class AccessTest(unittest.TestCase):
    def setUp(self):
        self.ac = AccessControl()
        self.ac.add_role("viewer", allow=["report:read"])
        self.ac.add_role("editor", allow=["report:*"], deny=["report:delete"], parents=["viewer"])
        self.ac.assign("eva", "editor")
        self.ac.assign("vera", "viewer")

    def test_inheritance_and_deny(self):
        self.assertTrue(self.ac.check("eva", "report:read"))
        self.assertTrue(self.ac.check("eva", "report:write"))
        self.assertFalse(self.ac.check("eva", "report:delete"))
        self.assertFalse(self.ac.check("vera", "report:write"))
        self.assertFalse(self.ac.check("nobody", "report:read"))

    def test_changes_of_a_role(self):
        self.assertTrue(self.ac.check("vera", "report:read"))
        self.ac.revoke("viewer", "report:read")
        self.assertFalse(self.ac.check("vera", "report:read"))
        self.ac.grant("viewer", "*:list")
        self.assertTrue(self.ac.check("vera", "user:list"))

    def test_several_roles(self):
        self.ac.add_role("remover", allow=["report:delete"])
        self.ac.assign("eva", "remover")
        self.assertTrue(self.ac.check("eva", "report:delete"))
        self.ac.remove_role("remover")
        self.assertFalse(self.ac.check("eva", "report:delete"))

    def test_repeated_checks_use_the_cache(self):
        for _ in range(5):
            self.ac.check("eva", "report:read")
        self.assertEqual(self.ac.resolver.resolved, 1)

    def test_mistakes(self):
        with self.assertRaises(CyclicRoles):
            self.ac.add_parent("viewer", "editor")
        with self.assertRaises(RoleInUse):
            self.ac.remove_role("viewer")
        with self.assertRaises(UnknownRole):
            self.ac.assign("eva", "boss")
        with self.assertRaises(ValueError):
            self.ac.grant("viewer", "read")


if __name__ == "__main__":
    unittest.main()
