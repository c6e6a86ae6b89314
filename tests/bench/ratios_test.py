"""What is computed of measurements: medians, ratios, percentiles of logs, tables, charts."""

import json
import pathlib
import sqlite3
import statistics
import tempfile
import unittest
import xml.etree.ElementTree

import bulk
import driver
import explain
import lab
import measure
import plot
import postgres
import table


def figure(name, *values, **detail):
    return measure.Figure(name, "/s", list(values), [dict(detail)])


class Ratios(unittest.TestCase):
    def test_ratio_is_that_of_the_medians_and_its_spread_that_of_the_rounds(self):
        row = measure.ratio("R1", "what", figure("ours", 10, 30, 20), figure("theirs", 5, 10, 20), 1.5)
        self.assertEqual((row.value, row.low, row.high), (2.0, 1.0, 3.0))
        self.assertTrue(row.met)

    def test_target_is_missed_on_its_own_side_only(self):
        low, high = figure("low", 1), figure("high", 2)
        self.assertFalse(measure.ratio("R1", "", low, high, 0.6).met)
        self.assertTrue(measure.ratio("R5", "", low, high, 0.6, at_least=False).met)
        self.assertFalse(measure.ratio("R5", "", high, low, 1.6, at_least=False).met)
        self.assertTrue(measure.ratio("R1", "", high, low, 2).met)

    def test_failed_calls_miss_whatever_the_ratio(self):
        failing = figure("ours", 9, errors={"14": 2}, unanswered=1)
        row = measure.ratio("R1", "", failing, figure("theirs", 1), 1)
        self.assertEqual(row.failures, 3)
        self.assertFalse(row.met)

    def test_nothing_answered_is_no_low_latency(self):
        row = measure.ratio("R5", "", figure("ours", 0), figure("theirs", 5), 1.6, at_least=False)
        self.assertFalse(row.met)
        self.assertFalse(measure.ratio("R1", "", figure("ours", 5), figure("theirs", 0), 0).met)

    def test_nothing_written_is_no_flat_memory(self):
        flat = measure.ratio("R12", "", figure("late", 30, calls=0), figure("early", 30), 1.05, at_least=False)
        self.assertEqual(flat.value, 1)
        self.assertFalse(flat.met)
        self.assertFalse(measure.limit("R12", "", figure("highest", 30, calls=0), 120).met)
        self.assertTrue(measure.limit("R12", "", figure("highest", 30, calls=7), 120).met)

    def test_mean_of_several_is_theirs_by_time_or_by_work(self):
        def runs():
            return iter([{"value": 30, "rows": 3}, {"value": 60, "rows": 3}]).__next__
        self.assertEqual(measure.several(2, runs()), {"value": 45, "rows": 3})
        self.assertEqual(measure.several(2, runs(), statistics.harmonic_mean)["value"], 40)

    def test_loads_one_after_another_are_one(self):
        def load(calls, seconds, errors, p50, p99):
            return {"calls": calls, "seconds": seconds, "errors": errors, "unanswered": 1, "p50_us": p50,
                    "p99_us": p99, "max_us": 2 * p99}
        both = driver.together([load(100, 1, {"14": 2}, 10, 50), load(500, 2, {"14": 1, "8": 3}, 30, 40)])
        self.assertEqual((both["calls"], both["seconds"], both["per_second"]), (600, 3, 200))
        self.assertEqual((both["errors"], both["unanswered"]), ({"14": 3, "8": 3}, 2))
        self.assertEqual((both["p50_us"], both["p99_us"], both["max_us"]), (20, 50, 100))

    def test_limit_is_met_at_its_target(self):
        self.assertTrue(measure.limit("R13", "", figure("start", 150, 100, 200), 150).met)
        self.assertFalse(measure.limit("R13", "", figure("start", 151), 150).met)

    def test_rounds_go_forward_and_back(self):
        order = []
        cases = {name: lambda name=name: order.append(name) or {"value": 1} for name in "abc"}
        results = measure.interleave(cases, 2)
        self.assertEqual("".join(order), "abccba")
        self.assertEqual({name: len(result) for name, result in results.items()}, {"a": 2, "b": 2, "c": 2})

    def test_best_is_the_highest(self):
        self.assertEqual(measure.best("", (1, 2, 3), lambda n: {"value": {1: 5, 2: 9, 3: 7}[n]}), 2)

    def test_slope(self):
        self.assertAlmostEqual(measure.slope([(0, 1), (1, 3), (2, 5)]), 2)
        self.assertEqual(measure.slope([(1, 1), (1, 5)]), 0)


class Output(unittest.TestCase):
    def setUp(self):
        ours, theirs = figure("ours", 1), figure("theirs", 2)
        self.report = table.Report({"run": "now"}, [measure.ratio("R13", "late", ours, theirs, 1),
                                                    measure.ratio("R2", "early", theirs, ours, 1)],
                                   {"ours": ours},
                                   {"direct": [{"offered": 10, "answered": 9, "p50_us": 1, "p99_us": 20}]},
                                   {"sqlite list": [{"messages": 10_000, "p50_us": 3},
                                                    {"messages": 100_000, "p50_us": 4}]})
        self.report.sort()

    def test_rows_stand_in_the_order_of_their_numbers(self):
        self.assertEqual([row.id for row in self.report.rows], ["R2", "R13"])
        self.assertEqual([row.id for row in self.report.missed()], ["R13"])

    def test_text_has_target_measured_and_both_sides(self):
        text = table.as_text(self.report)
        self.assertRegex(text, r"R2 +early +>= 1\.00 +2\.00 +2\.00-2\.00 +met")
        self.assertRegex(text, r"R13 +late +>= 1\.00 +0\.50 +0\.50-0\.50 +MISSED")
        self.assertIn("theirs: 2.00 /s (2.00-2.00)", text)

    def test_markdown_has_a_line_a_row(self):
        lines = table.as_markdown(self.report).splitlines()
        self.assertEqual(sum(line.startswith("| R") for line in lines), 2)
        self.assertEqual({line.count("|") for line in lines if line.startswith("|")}, {8})

    def test_json_reads_back(self):
        read = json.loads(table.as_json(self.report))
        self.assertEqual([row["met"] for row in read["rows"]], [True, False])
        self.assertEqual(read["figures"]["ours"]["values"], [1])

    def test_charts_are_well_formed(self):
        charts = plot.charts(self.report)
        self.assertEqual(sorted(charts), ["p99.svg", "sizes.svg", "throughput.svg"])
        for drawing in charts.values():
            xml.etree.ElementTree.fromstring(drawing)

    def test_chart_places_points_by_their_axes(self):
        drawing = plot.chart("", "", "", {"line": [(1, 0), (10, 50), (100, 100)]}, logarithmic_x=True)
        self.assertIn(f"M{float(plot.LEFT)} {float(plot.HEIGHT - plot.BOTTOM)}L", drawing)
        self.assertIn(f"{float((plot.LEFT + plot.WIDTH - plot.RIGHT) / 2)} ", drawing)

    def test_numbers_have_three_digits(self):
        self.assertEqual([measure.number(value) for value in (0, 0.123, 1.5, 12.34, 123.4, 12345)],
                         ["0", "0.12", "1.50", "12.3", "123", "12,345"])


class Parsing(unittest.TestCase):
    def test_median_latency_of_the_logs_of_all_threads(self):
        with tempfile.TemporaryDirectory() as folder:
            prefix = pathlib.Path(folder) / "log"
            for name, times in (("1", (10, 30)), ("1.1", (20,))):
                prefix.with_name(f"log.{name}").write_text("".join(f"0 1 {time} 0 1 2\n" for time in times))
            self.assertEqual(postgres._median_of_logs(prefix), 20)
            self.assertEqual(list(pathlib.Path(folder).iterdir()), [])

    def test_blocks_and_indexes_of_logged_plans(self):
        entry = ("2026-01-01 00:00:00 UTC [1] LOG:  duration: 0.1 ms  plan:\n"
                 "\tQuery Text: select 1 from messages\n\tLimit  (actual rows=50 loops=1)\n"
                 "\t  Buffers: shared hit={hit} read=1 dirtied=7\n"
                 "\t  ->  Index Scan using messages_by_conversation on messages\n"
                 "\t        Buffers: shared hit=900\n")
        other = "2026-01-01 00:00:00 UTC [1] LOG:  checkpoint starting: time\n"
        log = "".join(entry.format(hit=3 + call % 2) + other for call in range(explain.CALLS - 1))
        once = entry.format(hit=500).replace("select 1", "select 2")
        (plan,) = explain.parse(log + once)
        self.assertEqual(plan.statement, "select 1 from messages")
        self.assertEqual(plan.blocks, 4)
        self.assertEqual(plan.indexes, {"messages_by_conversation"})

    def test_processor_time_counts_children_that_have_ended(self):
        before = lab.tree_cpu_seconds(1)
        self.assertGreaterEqual(lab.tree_cpu_seconds(1), before)
        self.assertEqual(lab.tree_cpu_seconds(-1), 0)


class Rows(unittest.TestCase):
    def test_bulk_rows_are_as_the_driver_expects_them(self):
        connection = sqlite3.connect(":memory:")
        connection.execute("create table conversations (alma_internal_organization, uuid, external_participants, "
                           "created_at, updated_at, origin, revision, message_count, last_message_at, "
                           "last_message_index, activity_minute)")
        connection.execute("create table conversation_participants (alma_internal_organization, conversation_uuid, "
                           "kind, participant, joined_revision, joined_at, activity_minute)")
        connection.execute("create table messages (alma_internal_organization, uuid, sender_uuid, "
                           "conversation_uuid, content, type, channel, created_at, updated_at, origin, "
                           "message_index, revision)")
        connection.execute("create table revisions (alma_internal_organization, revision)")
        for statement in bulk.statements("sqlite", "tenant", 300, 100):
            connection.execute(statement)

        def select(sql):
            return connection.execute(sql).fetchall()

        self.assertEqual(select("select count(*), count(distinct uuid) from messages"), [(300, 300)])
        self.assertEqual(select("select max(uuid) from messages"), [(bulk.nth_uuid(2, 299),)])
        self.assertEqual(select("select uuid, message_count, last_message_index from conversations order by uuid"),
                         [(bulk.nth_uuid(1, 0), 100, 99)] + [(bulk.nth_uuid(1, i), 50, 49) for i in range(1, 5)])
        self.assertEqual(select("select conversation_uuid, count(*), min(message_index), max(message_index) "
                                "from messages group by 1 order by 1"),
                         [(bulk.nth_uuid(1, 0), 100, 0, 99)]
                         + [(bulk.nth_uuid(1, i), 50, 0, 49) for i in range(1, 5)])
        self.assertEqual(select("select revision from revisions"), [(305,)])
        self.assertEqual(select("select min(revision), max(revision) from messages"), [(6, 305)])


if __name__ == "__main__":
    unittest.main()
