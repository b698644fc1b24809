# SPDX-License-Identifier: MIT
"""Draws the distributions of cancellation latency as an SVG, with nothing but strings.

Four panels: to the first goroutine and to the last, with one Context shared and with a child each.
Both axes are logarithmic. Each measured size shows, for each runtime, the density of its samples
as a violin, a line from the least to the greatest, and the median as a dot; lines join the medians.
"""

import math
import statistics
from html import escape

WIDTH, HEIGHT = 1080, 860
LEFT, RIGHT, TOP, BOTTOM = 76, 92, 118, 84  # the margins around the panels
GAP_X, GAP_Y = 136, 78  # between them
HALF_WIDTH = 13  # of a violin
APART = 14.5  # from a size's place to the middle of a violin

STYLE = """
text { font: 13px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328 }
.page { fill: #ffffff } .grid { stroke: #d8dee4 } .minor { stroke: #eef1f4 }
.frame { stroke: #8c959f; fill: none }
.title { font-size: 21px; font-weight: 600 } .panel { font-size: 14px; font-weight: 600 }
.note { fill: #59636e } .middle { text-anchor: middle } .end { text-anchor: end }
.burrow { fill: #d4500b; stroke: #d4500b }
.go { fill: #0a7ea4; stroke: #0a7ea4 }
.violin { fill-opacity: .30; stroke-width: 1 } .range { stroke-width: 1; stroke-opacity: .8 }
polyline.medians { fill: none; stroke-width: 2 }
circle.dot { stroke: #ffffff; stroke-width: 1.2 }
text.value { stroke: none; font-weight: 600; font-size: 12px }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .page { fill: #0d1117 } .grid { stroke: #2a313a }
  .minor { stroke: #1a2028 } .frame { stroke: #6e7681 } .note { fill: #9198a1 }
  .burrow { fill: #ff8b4d; stroke: #ff8b4d } .go { fill: #4cc2e8; stroke: #4cc2e8 }
  circle.dot { stroke: #0d1117 }
}
"""


def tag(name, content=None, **attributes):
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{f"{v:.1f}" if isinstance(v, float) else v}"'
        for key, v in attributes.items()
    )
    return f"<{name}{written}/>" if content is None else f"<{name}{written}>{content}</{name}>"


def text(x, y, words, class_="", **more):
    return tag("text", escape(words), x=float(x), y=float(y), class_=class_, **more)


def line(x1, y1, x2, y2, class_):
    return tag("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def latency_label(us):
    for limit, scale, unit in ((1e3, 1, "µs"), (1e6, 1e3, "ms")):
        if us < limit:
            return f"{us / scale:g} {unit}"
    return f"{us / 1e6:g} s"


def latency_value(us):
    for limit, scale, unit in ((1e3, 1, "µs"), (1e6, 1e3, "ms")):
        if us < limit:
            return f"{us / scale:.{1 if us / scale < 10 else 0}f} {unit}"
    return f"{us / 1e6:.1f} s"


def count_label(n):
    return f"{n:,}".replace(",", " ")


class Panel:
    """One set of axes: sizes to the right, microseconds upwards."""

    def __init__(self, box, sizes, decades):
        self.x, self.y, self.width, self.height = box
        self.sizes = sizes
        self.low, self.high = decades

    def at_size(self, n):
        i = self.sizes.index(n)
        return self.x + self.width * (i + 0.5) / len(self.sizes)

    def at_us(self, us):
        part = (math.log10(us) - self.low) / (self.high - self.low)
        return self.y + self.height * (1 - part)

    def axes(self, heading):
        parts = [text(self.x, self.y - 12, heading, "panel")]
        bottom, right = self.y + self.height, self.x + self.width
        for decade in range(self.low, self.high + 1):
            y = self.at_us(10.0**decade)
            parts.append(line(self.x, y, right, y, "grid"))
            parts.append(text(self.x - 8, y + 4.5, latency_label(10.0**decade), "note end"))
            for step in range(2, 10):
                if decade < self.high:
                    minor = self.at_us(step * 10.0**decade)
                    parts.append(line(self.x, minor, right, minor, "minor"))
        for n in self.sizes:
            parts.append(text(self.at_size(n), bottom + 19, count_label(n), "note middle"))
        frame = {"width": float(self.width), "height": float(self.height), "class_": "frame"}
        parts.append(tag("rect", x=float(self.x), y=float(self.y), **frame))
        return parts


def density(logs, points):
    """A Gaussian estimate of the samples' density at `points`; all logarithms."""
    spread = statistics.pstdev(logs) if len(logs) > 1 else 0.0
    width = max(0.03, 1.06 * spread * len(logs) ** -0.2 * 0.7)
    return [sum(math.exp(-0.5 * ((p - x) / width) ** 2) for x in logs) for p in points]


def violin(panel, x, values, class_):
    logs = [math.log10(v) for v in values]
    low, high = min(logs), max(logs)
    parts = [line(x, panel.at_us(10**low), x, panel.at_us(10**high), f"range {class_}")]
    if high - low > 0.01:
        points = [low + (high - low) * i / 40 for i in range(41)]
        heights = density(logs, points)
        scale = HALF_WIDTH / max(heights)
        edge = [(h * scale, panel.at_us(10**p)) for h, p in zip(heights, points)]
        outline = [(x - w, y) for w, y in edge] + [(x + w, y) for w, y in reversed(edge)]
        path = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in outline) + "Z"
        parts.append(tag("path", d=path, class_=f"violin {class_}"))
    return parts


def series(panel, offset, samples, class_):
    """The violins of one runtime and the line through its medians. samples: {n: [us, ...]}"""
    places = [(panel.at_size(n) + offset, statistics.median(samples[n])) for n in panel.sizes]
    points = " ".join(f"{x:.1f},{panel.at_us(us):.1f}" for x, us in places)
    parts = [tag("polyline", points=points, class_=f"medians {class_}")]
    for n, (x, _) in zip(panel.sizes, places):
        parts += violin(panel, x, samples[n], class_)
    for x, us in places:
        place = {"cx": float(x), "cy": panel.at_us(us)}
        parts.append(tag("circle", **place, r="3.6", class_=f"{class_} dot"))
    return parts


def end_labels(panel, ends):
    """The last median of each runtime, right of the panel, moved apart where they would touch."""
    placed = sorted((panel.at_us(us) + 4.5, us, class_) for class_, us in ends)
    for i in range(1, len(placed)):
        y = max(placed[i][0], placed[i - 1][0] + 15)
        placed[i] = (y, *placed[i][1:])
    right = panel.x + panel.width + 8
    return [text(right, y, latency_value(us), f"value {class_}") for y, us, class_ in placed]


def decades_of(samples):
    """The powers of ten of a microsecond around all samples."""
    every = [us for of in samples.values() for pair in of.values() for us in (*pair[0], *pair[1])]
    return math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))


def legend(sides, y):
    parts, x = [], LEFT
    for side in sides:
        parts.append(tag("circle", cx=float(x + 6), cy=float(y - 4.5), r="6", class_=side.runtime))
        name = f"{side.label} {side.version}".strip()
        parts.append(text(x + 19, y, name))
        x += 40 + 8 * len(name)
    how_to_read = "dot: median; shape: density of the trials; line: range"
    return parts + [text(x + 8, y, how_to_read, "note")]


def draw(sides, samples, sizes, note):
    """The whole picture. samples: {runtime: {(kind, n): (firsts, lasts)}} in microseconds."""
    decades = decades_of(samples)
    width = (WIDTH - LEFT - RIGHT - GAP_X) / 2
    height = (HEIGHT - TOP - BOTTOM - GAP_Y) / 2
    title = "From cancel() to the goroutines that it stops"
    parts = [
        tag("rect", width="100%", height="100%", class_="page"),
        text(LEFT, 40, title, "title"),
        *legend(sides, 72),
    ]
    offsets = [0] if len(sides) == 1 else [-APART, APART]
    for row, reached in enumerate(("first", "last")):
        for column, (kind, whose) in enumerate(
            (("shared", "one Context shared"), ("own", "a child Context each"))
        ):
            x, y = LEFT + column * (width + GAP_X), TOP + row * (height + GAP_Y)
            panel = Panel((x, y, width, height), sizes, decades)
            parts += panel.axes(f"to the {reached} goroutine, {whose}")
            ends = []
            for offset, side in zip(offsets, sides):
                values = {n: samples[side.runtime][kind, n][row] for n in sizes}
                parts += series(panel, offset, values, side.runtime)
                ends.append((side.runtime, statistics.median(values[sizes[-1]])))
            parts += end_labels(panel, ends)
    parts.append(text(WIDTH / 2, HEIGHT - 44, "goroutines waiting in select", "middle"))
    parts.append(text(LEFT, HEIGHT - 16, note, "note"))
    body = "\n".join(parts)
    view = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "width": str(WIDTH), "height": str(HEIGHT)}
    content = f"\n<title>{title}</title>\n<style>{STYLE}</style>\n{body}\n"
    return tag("svg", content, xmlns="http://www.w3.org/2000/svg", role="img", **view) + "\n"
