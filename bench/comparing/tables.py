# SPDX-License-Identifier: MIT
"""Tables of measured values, for the terminal and for the README."""

import sys

TIME_UNITS = ("ns", "us", "ms", "s")


def short_unit(unit):
    """ns/roundtrip -> ns, as in the records; req/s stays."""
    head = unit.split("/")[0]
    return head if head in TIME_UNITS else unit


def number(value):
    """Three figures that count, without exponents."""
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def times(ratio):
    if ratio < 1:
        return f"{ratio:.2f}x"
    return f"{ratio:.1f}x" if ratio < 100 else f"{ratio:.0f}x"


def duration(us):
    """A latency with its own unit."""
    for limit, scale, unit in ((1e3, 1, "us"), (1e6, 1e3, "ms")):
        if us < limit:
            return f"{us / scale:.3g} {unit}"
    return f"{us / 1e6:.3g} s"


def colored(text, color):
    if not sys.stdout.isatty():
        return text
    return f"\033[{ {'green': 32, 'red': 31, 'dim': 2, 'bold': 1}[color] }m{text}\033[0m"


def terminal(header, rows, left_columns=1):
    """Aligned columns; the first are flush left. A cell may be (text, color)."""

    def text_of(cell):
        return cell[0] if isinstance(cell, tuple) else cell

    widths = [max(len(text_of(row[i])) for row in [header, *rows]) for i in range(len(header))]

    def line(row, color=None):
        cells = []
        for i, cell in enumerate(row):
            text = text_of(cell)
            text = text.ljust(widths[i]) if i < left_columns else text.rjust(widths[i])
            if isinstance(cell, tuple) or color:
                text = colored(text, color or cell[1])
            cells.append(text)
        return "  ".join(cells).rstrip()

    return "\n".join([line(header, "bold"), *(line(row) for row in rows)])


def markdown(header, rows, left_columns=1):
    def text_of(cell):
        return cell[0] if isinstance(cell, tuple) else cell

    marks = ["---" if i < left_columns else "---:" for i in range(len(header))]
    lines = [header, marks, *([text_of(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
