"""What a soak finds in its samples."""

import unittest

import growth

MINUTES = 30


def samples(name, value, wal=lambda place: 30, count=3 * MINUTES):
    """Spread over half an hour, with the values at each place of 0 to 1."""
    return [(place * MINUTES / 60, {growth.WAL: wal(place), f"alma {name}": value(place)})
            for place in (at / (count - 1) for at in range(count))]


def faults(*arguments, **named):
    return growth.faults(samples(*arguments, **named), growth.WAL_MIB["sqlite"])


class Growth(unittest.TestCase):
    def test_nothing_grows(self):
        self.assertEqual(faults(growth.FILES, lambda place: 40), [])
        self.assertEqual(faults(growth.RESIDENT, lambda place: 100 - 20 * place), [])

    def test_files_and_threads_may_be_two_more(self):
        for name in (growth.FILES, growth.THREADS):
            # Of which four fifths are looked at.
            self.assertEqual(faults(name, lambda place: 40 + 2.4 * place), [])
            (fault,) = faults(name, lambda place: 40 + 2.6 * place)
            self.assertRegex(fault, rf"^alma {name}: 2\.\d+ more than 40\.5 in 2[34]\.\d min, at most 2\.00 allowed$")

    def test_memory_may_be_5_per_cent_more(self):
        self.assertEqual(faults(growth.RESIDENT, lambda place: 200 + 12 * place), [])
        self.assertEqual(len(faults(growth.RESIDENT, lambda place: 200 + 13 * place)), 1)

    def test_little_memory_may_be_2_mib_more(self):
        self.assertEqual(faults(growth.RESIDENT, lambda place: 20 + 2.4 * place), [])
        self.assertEqual(len(faults(growth.RESIDENT, lambda place: 20 + 2.6 * place)), 1)

    def test_what_fills_at_first_is_no_growth(self):
        self.assertEqual(faults(growth.RESIDENT, lambda place: 50 if place < 0.19 else 90), [])

    def test_one_high_value_is_no_growth(self):
        self.assertEqual(faults(growth.THREADS, lambda place: 60 if place == 1 else 40), [])

    def test_log_may_fill_and_is_never_too_long(self):
        self.assertEqual(faults(growth.FILES, lambda place: 40, wal=lambda place: 64 * place), [])
        # However early.
        self.assertEqual(faults(growth.FILES, lambda place: 40, wal=lambda place: 65 if place == 0 else 30),
                         ["write-ahead log, MiB: 65.0, at most 64.0 allowed"])

    def test_few_samples_find_nothing_and_say_so(self):
        (fault,) = faults(growth.FILES, lambda place: 40, count=9)
        self.assertIn("9 samples say nothing", fault)
        self.assertEqual(faults(growth.FILES, lambda place: 40, count=10), [])


if __name__ == "__main__":
    unittest.main()
