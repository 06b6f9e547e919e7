import unittest

from hotshelf import LRUCache, ManualClock


def full_cache(**options):
    cache = LRUCache(max_size=3, **options)
    for name in ("ana", "ben", "cho"):
        cache.put(name, 1)
    return cache


class OverwriteTest(unittest.TestCase):
    def test_overwrite_evicts_nothing(self):
        for name in ("ana", "ben", "cho"):
            cache = full_cache()
            cache.put(name, 2)
            self.assertEqual(sorted(cache.keys()), ["ana", "ben", "cho"])
            self.assertEqual(cache.stats.evictions, 0)
            self.assertEqual(cache.get(name), 2)

    def test_overwrite_counts_as_use(self):
        cache = full_cache()
        cache.put("ana", 2)
        self.assertEqual(cache.keys(), ["ben", "cho", "ana"])
        cache.put("dov", 1)
        self.assertEqual(cache.keys(), ["cho", "ana", "dov"])

    def test_overwrite_below_capacity_counts_as_use(self):
        cache = LRUCache(max_size=5)
        for name in "abc":
            cache.put(name, 1)
        cache.put("a", 2)
        self.assertEqual(cache.keys(), ["b", "c", "a"])

    def test_capacity_is_kept(self):
        cache = full_cache()
        for name in ("dov", "eli", "fay"):
            cache.put(name, 1)
            self.assertEqual(len(cache), 3)
        self.assertEqual(cache.stats.evictions, 3)

    def test_size_one(self):
        cache = LRUCache(max_size=1)
        cache.put("a", 1)
        cache.put("a", 2)
        self.assertEqual(cache.stats.evictions, 0)
        cache.put("b", 3)
        self.assertEqual(cache.keys(), ["b"])

    def test_overwrite_renews_time_to_live(self):
        clock = ManualClock()
        cache = full_cache(default_ttl=10, clock=clock)
        clock.advance(9)
        cache.put("ben", 2)
        clock.advance(9)
        self.assertEqual(cache.get("ben"), 2)

    def test_invalid_ttl_leaves_old_value(self):
        cache = full_cache()
        with self.assertRaises(ValueError):
            cache.put("ana", 2, ttl=0)
        self.assertEqual(cache.get("ana"), 1)


if __name__ == "__main__":
    unittest.main()
