import unittest

from hotshelf import LRUCache, ManualClock, memoize


class ReadWriteTest(unittest.TestCase):
    def test_get_returns_stored_value(self):
        cache = LRUCache(max_size=2)
        cache.put("a", 1)
        self.assertEqual(cache.get("a"), 1)
        self.assertEqual(cache.get("b", "none"), "none")
        self.assertEqual((cache.stats.hits, cache.stats.misses), (1, 1))

    def test_new_key_evicts_least_recently_used(self):
        cache = LRUCache(max_size=2)
        cache.put("a", 1)
        cache.put("b", 2)
        cache.get("a")
        cache.put("c", 3)
        self.assertEqual(cache.keys(), ["a", "c"])
        self.assertEqual(cache.stats.evictions, 1)


class ExpiryTest(unittest.TestCase):
    def test_entry_expires(self):
        clock = ManualClock()
        cache = LRUCache(max_size=2, default_ttl=10, clock=clock)
        cache.put("a", 1)
        clock.advance(10)
        self.assertNotIn("a", cache)
        self.assertIsNone(cache.get("a"))
        self.assertEqual(cache.stats.expirations, 1)

    def test_expired_entries_leave_first(self):
        clock = ManualClock()
        cache = LRUCache(max_size=2, clock=clock)
        cache.put("a", 1)
        cache.put("b", 2, ttl=5)
        clock.advance(6)
        cache.put("c", 3)
        self.assertEqual(cache.keys(), ["a", "c"])
        self.assertEqual(cache.stats.evictions, 0)


class MemoizeTest(unittest.TestCase):
    def test_function_runs_once(self):
        calls = []

        @memoize(LRUCache(max_size=4))
        def double(number):
            calls.append(number)
            return number * 2

        self.assertEqual([double(2), double(2)], [4, 4])
        self.assertEqual(calls, [2])


if __name__ == "__main__":
    unittest.main()
