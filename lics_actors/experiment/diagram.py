"""A protocol's states, drawn as SVG. Pure.

A box is a state: what is done on entry (▸) and on leaving (◂), and a row for each transition. An arrow leaves its row; a row that
ends the trial shows the outcome instead, green where it is good, and one that stays in its state a ring.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

from lics_actors.experiment.captions import Caption, Row, caption
from lics_actors.experiment.layout import Columns, Edge, Slot, arranged, box, is_box
from lics_actors.experiment.plan import Plan

CHAR: Final = 7.25  # px of a monospaced character at 12 px
LINE, PAD, HEAD, RULE = 17.0, 10.0, 26.0, 4.0
GAP_X, GAP_Y, LANE, TOP, MARGIN = 72.0, 26.0, 14.0, 64.0, 28.0
_STYLE: Final = (
    "text{font:12px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#1c2733}"
    ".t{font:600 17px system-ui,'DejaVu Sans',sans-serif}.h{font-weight:700;font-size:13px}.n{fill:#5a6b7b}.w{fill:#fff}"
    ".b{fill:#fff;stroke:#8fa1b3;stroke-width:1.2}.s{stroke:#2563a8;stroke-width:2}.e{fill:none;stroke:#4a6178;stroke-width:1.4}"
    ".k{fill:none;stroke:#b0763a;stroke-width:1.4;stroke-dasharray:5 3}.g{fill:#2f7d4f}.x{fill:#6b7785}.l{stroke:#dde4ea}"
)


@dataclass(frozen=True, slots=True)
class _Place:
    x: float
    y: float
    width: float
    height: float


def drawing(plan: Plan) -> str:
    """Return the states of a plan as one SVG document."""
    return _Drawing(plan).svg()


class _Drawing:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        document = plan.document
        self._captions = [caption(name, state) for name, state in document.states.items()]
        self._index = {name: n for n, name in enumerate(document.states)}
        self._edges = [
            (n, self._index[row.to]) for n, each in enumerate(self._captions) for row in each.rows if row.to is not None
        ]
        self._columns: Columns = arranged(len(self._captions), plan.start, self._edges)
        self._places = self._placed()
        self._below = max(place.y + place.height for place in self._places.values()) + 18.0
        self._lanes = {edge: n for n, edge in enumerate(sorted(self._columns.back))}

    def svg(self) -> str:
        title = self._plan.document.title
        width = max(max(each.x + each.width for each in self._places.values()) + GAP_X, MARGIN * 2 + len(title) * 11)
        height = self._below + LANE * len(self._lanes) + MARGIN
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" role="img"><title>{escape(title)}</title><style>{_STYLE}</style>',
            '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
            '<path d="M0 0L8 4L0 8z" fill="#4a6178"/></marker></defs>',
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fbfcfd"/>',
            f'<text class="t" x="{MARGIN}" y="34">{escape(title)}</text>',
            *self._begin(),
            *(line for n in range(len(self._captions)) for line in self._arrows(n)),
            *(line for n, each in enumerate(self._captions) for line in self._box(n, each)),
            "</svg>\n",
        ]
        return "\n".join(parts)

    def _placed(self) -> dict[Slot, _Place]:
        sizes = {slot: self._size(slot) for column in self._columns.columns for slot in column}
        heights = [sum(sizes[slot][1] + GAP_Y for slot in column) for column in self._columns.columns]
        tallest, x, places = max(heights), MARGIN + GAP_X / 2, {}
        for column, height in zip(self._columns.columns, heights, strict=True):
            widest, y = max(sizes[slot][0] for slot in column), TOP + (tallest - height) / 2
            for slot in column:
                places[slot] = _Place(x, y, sizes[slot][0] if is_box(slot) else widest, sizes[slot][1])
                y += sizes[slot][1] + GAP_Y
            x += widest + GAP_X
        return places

    def _size(self, slot: Slot) -> tuple[float, float]:
        if not is_box(slot):
            return 0.0, LANE
        each = self._captions[slot[0]]
        texts = [each.name + "   ", *each.notes, *(line + _tail(row) for row in each.rows for line in row.lines)]
        lines = len(each.notes) + sum(len(row.lines) for row in each.rows)
        return max(map(len, texts)) * CHAR + 2 * PAD, HEAD + LINE * lines + RULE + PAD

    def _begin(self) -> Iterator[str]:
        place = self._places[box(self._plan.start)]
        y = place.y + HEAD / 2
        yield f'<circle cx="{place.x - 34:.1f}" cy="{y:.1f}" r="6" fill="#2563a8"/>'
        yield f'<path class="e" d="M{place.x - 27:.1f} {y:.1f}H{place.x - 2:.1f}" marker-end="url(#a)"/>'

    def _box(self, index: int, each: Caption) -> Iterator[str]:
        place = self._places[box(index)]
        first = " s" if index == self._plan.start else ""
        x, y, width = place.x, place.y, place.width
        yield f'<rect class="b{first}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{place.height:.1f}" rx="6"/>'
        yield f'<text class="h" x="{x + PAD:.1f}" y="{y + 18:.1f}">{escape(each.name)}</text>'
        at = y + HEAD
        for note in each.notes:
            yield _text("n", x + PAD, at + 12, note)
            at += LINE
        yield f'<path class="l" d="M{x:.1f} {at + 1:.1f}H{x + width:.1f}"/>'
        at += RULE
        for row in each.rows:
            for line in row.lines:
                yield _text("", x + PAD, at + 14, line)
                at += LINE
            yield from self._tail(index, row, x + width, at - LINE / 2 + 1)

    def _tail(self, index: int, row: Row, right: float, y: float) -> Iterator[str]:
        if row.end is not None:
            width = len(row.end) * CHAR + 12
            kind = "g" if self._plan.document.outcomes[row.end].good else "x"
            yield f'<rect class="{kind}" x="{right - width - 5:.1f}" y="{y - 7.5:.1f}" width="{width:.1f}" height="15" rx="7"/>'
            yield _text("w", right - width + 1, y + 4, row.end)
        elif self._stays(index, row):
            yield f'<circle class="e" cx="{right - 12:.1f}" cy="{y:.1f}" r="4.5"/>'

    def _arrows(self, index: int) -> Iterator[str]:
        place, each = self._places[box(index)], self._captions[index]
        y = place.y + HEAD + LINE * len(each.notes) + RULE
        for row in each.rows:
            y += LINE * len(row.lines)
            if row.to is not None and not self._stays(index, row):
                yield self._arrow((index, self._index[row.to]), place.x + place.width, y - LINE / 2 + 1)

    def _arrow(self, edge: Edge, x: float, y: float) -> str:
        source, target = edge
        end = self._places[box(target)]
        to_x, to_y = end.x - 2, end.y + HEAD / 2
        if edge in self._lanes:
            lane, shift = self._below + LANE * self._lanes[edge], 5.0 * (self._lanes[edge] % 5)
            out, back = self._right(source) + 14 + shift, end.x - 16 - shift
            path = f"M{x:.1f} {y:.1f}H{out:.1f}V{lane:.1f}H{back:.1f}V{to_y:.1f}H{to_x:.1f}"
            return f'<path class="k" d="{path}" marker-end="url(#a)"/>'
        path, rights = f"M{x:.1f} {y:.1f}", self._right(source)
        path += f"H{rights:.1f}"
        at_x, at_y = rights, y
        for column in range(self._columns.column_of[source] + 1, self._columns.column_of[target]):
            by = self._places[column, source, target]
            middle = by.y + LANE / 2
            path += _bend(at_x, at_y, by.x, middle) + f"H{by.x + by.width:.1f}"
            at_x, at_y = by.x + by.width, middle
        return f'<path class="e" d="{path}{_bend(at_x, at_y, to_x, to_y)}" marker-end="url(#a)"/>'

    def _stays(self, index: int, row: Row) -> bool:
        return row.stays or row.to == self._captions[index].name

    def _right(self, index: int) -> float:
        """Return where the column of a box ends."""
        column = self._columns.columns[self._columns.column_of[index]]
        return max(self._places[slot].x + self._places[slot].width for slot in column)


def _bend(x: float, y: float, to_x: float, to_y: float) -> str:
    half = (to_x - x) / 2
    return f"C{x + half:.1f} {y:.1f} {to_x - half:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _tail(row: Row) -> str:
    return "   " + (row.end or "") + "  "


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" xml:space="preserve">{escape(text)}</text>'
