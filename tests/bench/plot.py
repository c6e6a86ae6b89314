"""Line charts as SVG, with nothing but text."""

import math

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 170, 40, 60
COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#34495e")


def _ticks(low, high, logarithmic):
    if logarithmic:
        return [10 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    step = 10 ** math.floor(math.log10(max(high, 1e-9)))
    while high / step < 4:
        step /= 2
    return [step * count for count in range(int(math.ceil(high / step)) + 1)]


def label(value):
    if value >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


class _Axis:
    def __init__(self, values, begin, end, logarithmic):
        self.ticks = _ticks(min(values), max(values), logarithmic)
        self._scale = math.log10 if logarithmic else float
        self._low, self._high = self._scale(self.ticks[0]), self._scale(self.ticks[-1])
        self._begin, self._end = begin, end

    def __call__(self, value):
        share = (self._scale(value) - self._low) / ((self._high - self._low) or 1)
        return round(self._begin + share * (self._end - self._begin), 1)


def _text(x, y, text, anchor="middle", more=""):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" {more}>{escaped}</text>'


def chart(title, x_title, y_title, series, logarithmic_x=False, logarithmic_y=False):
    """`series` is {name: [(x, y), …]}; logarithmic axes need values above 0."""
    points = [point for line in series.values() for point in line]
    x = _Axis([point[0] for point in points], LEFT, WIDTH - RIGHT, logarithmic_x)
    y = _Axis([point[1] for point in points], HEIGHT - BOTTOM, TOP, logarithmic_y)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             _text((LEFT + WIDTH - RIGHT) / 2, 22, title, more='font-size="15"'),
             _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 15, x_title),
             _text(18, HEIGHT / 2, y_title, more=f'transform="rotate(-90 18 {HEIGHT / 2})"')]
    for tick in x.ticks:
        parts.append(f'<path d="M{x(tick)} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        parts.append(_text(x(tick), HEIGHT - BOTTOM + 18, label(tick)))
    for tick in y.ticks:
        parts.append(f'<path d="M{LEFT} {y(tick)}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, y(tick) + 4, label(tick), "end"))
    for place, (name, line) in enumerate(series.items()):
        colour = COLOURS[place % len(COLOURS)]
        path = "L".join(f"{x(a)} {y(b)}" for a, b in sorted(line))
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(a)}" cy="{y(b)}" r="3" fill="{colour}"/>' for a, b in line]
        at = TOP + 12 + place * 18
        parts.append(f'<path d="M{WIDTH - RIGHT + 12} {at - 4}h18" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(WIDTH - RIGHT + 36, at, name, "start"))
    return "\n".join([*parts, "</svg>\n"])


def charts(report):
    """{file name: SVG} of what the report has curves of."""
    made = {}
    if report.curves:
        for name, column, title in (("throughput", "answered", "answered per second"), ("p99", "p99_us", "p99, us")):
            made[f"{name}.svg"] = chart(
                f"CreateMessage: {title} against offered load", "calls offered per second", title,
                {line: [(point["offered"], max(point[column], 0.001)) for point in points]
                 for line, points in report.curves.items()}, logarithmic_y=name == "p99")
    if report.sizes:
        made["sizes.svg"] = chart(
            "Cost of a call against the size of the table", "messages in the table", "p50 of one caller, us",
            {line: [(point["messages"], point["p50_us"]) for point in points]
             for line, points in report.sizes.items()}, logarithmic_x=True)
    return made
