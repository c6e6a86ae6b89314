"""Where what the bench starts may run."""

import os
import subprocess
import sys
import unittest

import lab

PROCESSORS = [sys.executable, "-c", "import os; print(*sorted(os.sched_getaffinity(0)))"]


def processors_of_a_child():
    return {int(number) for number in subprocess.check_output(PROCESSORS).split()}


class OneProcessor(unittest.TestCase):
    def test_children_share_one_processor_and_later_ones_have_all(self):
        before = os.sched_getaffinity(0)
        with lab.one_processor():
            self.assertEqual(processors_of_a_child(), {max(before)})
        self.assertEqual(processors_of_a_child(), before)

    def test_another_process_is_moved_there_and_back(self):
        other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        self.addCleanup(other.communicate)
        before = os.sched_getaffinity(other.pid)
        with self.assertRaises(lab.Failed), lab.one_processor(other.pid):
            self.assertEqual(os.sched_getaffinity(other.pid), {max(before)})
            raise lab.Failed
        self.assertEqual(os.sched_getaffinity(other.pid), before)


if __name__ == "__main__":
    unittest.main()
