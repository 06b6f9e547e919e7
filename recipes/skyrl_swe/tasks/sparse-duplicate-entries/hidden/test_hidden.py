import unittest

from thinmat import Triplets, add, dumps, loads, matmul, transpose


def build(rows, columns, entries):
    builder = Triplets(rows, columns)
    builder.extend(entries)
    return builder.to_csr()


A = [(0, 0, 1), (0, 2, 5), (1, 1, 2)]


class Rules(unittest.TestCase):
    def check(self, m):
        for row in range(m.rows):
            columns = [column for column, _ in m.row(row)]
            self.assertEqual(columns, sorted(set(columns)))
        self.assertNotIn(0, m.data)

    def test_add_to_itself(self):
        a = build(2, 3, A)
        b = add(a, a)
        self.check(b)
        self.assertEqual(b.nnz, 3)
        self.assertEqual([b.get(0, 0), b.get(0, 2), b.get(1, 1)], [2, 10, 4])
        self.assertEqual(b, a.scaled(2))

    def test_add_with_gaps(self):
        a = build(1, 5, [(0, 1, 1), (0, 4, 1)])
        b = build(1, 5, [(0, 0, 2), (0, 1, -1), (0, 2, 3)])
        self.assertEqual(add(a, b), add(b, a))
        self.assertEqual(add(a, b).row(0), [(0, 2.0), (2, 3.0), (4, 1.0)])
        self.assertEqual(add(a, a.scaled(-1)).nnz, 0)

    def test_any_order(self):
        one = build(2, 3, A)
        for entries in (A[::-1], [A[1], A[2], A[0]]):
            other = build(2, 3, entries)
            self.check(other)
            self.assertEqual(one, other)
            self.assertEqual(other.get(0, 0), 1)

    def test_contributions_to_one_place(self):
        m = build(2, 3, [(0, 2, 1), (0, 0, 1), (0, 2, 1), (1, 1, 4), (0, 0, -1), (0, 2, 1)])
        self.check(m)
        self.assertEqual((m.indptr, m.indices, m.data), ([0, 1, 2], [2, 1], [3.0, 4.0]))

    def test_text_in_any_order(self):
        m = loads("2 3 4\n1 3 1.0\n2 2 2.0\n1 1 1.0\n1 3 4.0\n")
        self.assertEqual(m, build(2, 3, A))
        self.assertEqual(dumps(m), "2 3 3\n1 1 1.0\n1 3 5.0\n2 2 2.0\n")

    def test_operations_on_unordered_input(self):
        a = build(2, 3, A[::-1])
        self.assertEqual(transpose(transpose(a)), a)
        self.assertEqual(matmul(a, transpose(a)).to_dense(), [[26.0, 0.0], [0.0, 4.0]])

    def test_builder_is_not_changed(self):
        builder = Triplets(2, 3)
        builder.extend(A[::-1])
        self.assertEqual(builder.to_csr(), builder.to_csr())
        builder.put(0, 0, 1)
        self.assertEqual(len(builder), 4)
        self.assertEqual(builder.to_csr().get(0, 0), 2)


if __name__ == "__main__":
    unittest.main()
