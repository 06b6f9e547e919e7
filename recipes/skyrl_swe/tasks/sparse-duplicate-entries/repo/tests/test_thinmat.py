import unittest

from thinmat import Triplets, add, dumps, loads, matmul, transpose


def matrix(rows):
    builder = Triplets(len(rows), len(rows[0]))
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if value:
                builder.put(r, c, value)
    return builder.to_csr()


class BuildTest(unittest.TestCase):
    def test_rows_in_any_order(self):
        builder = Triplets(3, 2)
        builder.extend([(2, 0, 1), (0, 1, 2), (0, 1, 3)])
        m = builder.to_csr()
        self.assertEqual((m.indptr, m.indices, m.data), ([0, 1, 1, 2], [1, 0], [5.0, 1.0]))

    def test_zeros_are_dropped(self):
        builder = Triplets(1, 3)
        builder.extend([(0, 0, 4), (0, 1, 2), (0, 1, -2), (0, 2, 0)])
        self.assertEqual(builder.to_csr().indices, [0])

    def test_get(self):
        m = matrix([[0, 7, 0, 8], [0, 0, 0, 0]])
        self.assertEqual([m.get(0, c) for c in range(4)], [0, 7, 0, 8])
        with self.assertRaises(IndexError):
            m.get(2, 0)


class OperationsTest(unittest.TestCase):
    def test_add(self):
        a, b = matrix([[1, 0], [0, 2]]), matrix([[3, 0], [0, -2]])
        self.assertEqual(add(a, b), matrix([[4, 0], [0, 0]]))
        with self.assertRaises(ValueError):
            add(a, matrix([[1]]))

    def test_transpose(self):
        self.assertEqual(transpose(matrix([[1, 2, 0], [0, 3, 4]])), matrix([[1, 0], [2, 3], [0, 4]]))

    def test_matmul(self):
        a = matrix([[1, 2], [0, 1]])
        self.assertEqual(matmul(a, a), matrix([[1, 4], [0, 1]]))


class TextTest(unittest.TestCase):
    def test_round_trip(self):
        m = matrix([[0, 1.5], [2, 0]])
        self.assertEqual(dumps(m), "2 2 2\n1 2 1.5\n2 1 2.0\n")
        self.assertEqual(loads(dumps(m)), m)


if __name__ == "__main__":
    unittest.main()
