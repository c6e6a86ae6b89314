"""What is said of two results of tests/bench/run."""

import json
import unittest

import comparison
import measure
import table


def row(value, what="what", unit=""):
    return measure.Row("R1", what, value, value, value, 1, True, unit=unit)


def result(*rows):
    return comparison.rows(json.loads(table.as_json(table.Report({}, list(rows)))))


def pair(a, b, unit=""):
    return comparison.Pair(row(a, unit=unit), row(b, unit=unit))


class Comparison(unittest.TestCase):
    def test_difference_is_a_share_of_the_first(self):
        self.assertAlmostEqual(pair(2, 2.2).difference, 0.1)
        self.assertAlmostEqual(pair(2, 1).difference, -0.5)

    def test_either_direction_may_move_15_per_cent(self):
        self.assertEqual([pair(100, b).within for b in (84.9, 85, 100, 115, 115.1)],
                         [False, True, True, True, False])
        self.assertFalse(pair(28.9, 40, "MiB").within)

    def test_counts_may_move_by_one(self):
        self.assertTrue(pair(1, 2, "blocks").within)
        self.assertTrue(pair(0, 1, "blocks").within)
        self.assertTrue(pair(0, -1, "blocks").within)
        self.assertFalse(pair(1, 3, "blocks").within)
        self.assertFalse(pair(0, 2, "blocks").within)
        self.assertTrue(pair(100, 110, "blocks").within)

    def test_nothing_measured_agrees_with_nothing(self):
        self.assertIsNone(pair(0, 1).difference)
        for a, b in ((0, 0), (0, 1), (1, 0)):
            self.assertFalse(pair(a, b).within)

    def test_rows_are_found_by_number_and_name_in_any_order(self):
        compared = comparison.pairs(result(row(1, "x"), row(2, "y")), result(row(2, "y"), row(1, "x")))
        self.assertEqual([found.a.what for found in compared], ["x", "y"])
        self.assertTrue(comparison.agree(compared))

    def test_row_of_one_result_alone_is_no_agreement(self):
        both = result(row(1, "x"), row(2, "y"))
        for a, b, name in ((both, result(row(1, "x")), "A"), (result(row(1, "x")), both, "B")):
            compared = comparison.pairs(a, b)
            self.assertFalse(comparison.agree(compared))
            self.assertIn(f"only in {name} |", comparison.as_markdown(compared))

    def test_no_rows_are_no_agreement(self):
        self.assertFalse(comparison.agree(comparison.pairs({}, {})))

    def test_markdown_has_a_line_a_row(self):
        compared = comparison.pairs(result(row(2, "x"), row(30, "y", "ms"), row(0, "z")),
                                    result(row(3, "x"), row(30, "y", "ms"), row(0, "z")))
        lines = comparison.as_markdown(compared).splitlines()
        self.assertEqual(lines[2:], ["| R1 | x | 2.00 | 3.00 | +50.0 % | NO |",
                                     "| R1 | y | 30.0 ms | 30.0 ms | +0.0 % | yes |",
                                     "| R1 | z | 0 | 0 | – | NO |"])
        self.assertEqual({line.count("|") for line in lines}, {7})


if __name__ == "__main__":
    unittest.main()
