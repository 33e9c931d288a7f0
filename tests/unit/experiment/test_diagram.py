"""Diagrams: well-formed, everything in them, nothing on top of anything else."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.experiment.diagram import drawing
from lics_actors.experiment.layout import arranged, is_box
from lics_actors.experiment.library import classics
from tests.unit.experiment.kitchen import kitchen, plan_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", [*classics(), "kitchen"])
def test_every_state_stands_in_the_diagram_and_no_box_upon_another(name: str) -> None:
    plan = kitchen() if name == "kitchen" else plan_of(name)
    root = ElementTree.fromstring(drawing(plan))
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert {plan.document.title, *plan.document.states} <= set(texts)
    boxes = [
        tuple(float(each.attrib[key]) for key in ("x", "y", "width", "height"))
        for each in root.iter(f"{SVG}rect")
        if each.attrib.get("class", "").startswith("b")
    ]
    assert len(boxes) == len(plan.states)
    for n, (x, y, width, height) in enumerate(boxes):
        assert x + width <= float(root.attrib["width"])
        assert y + height <= float(root.attrib["height"])
        for other_x, other_y, other_width, other_height in boxes[n + 1 :]:
            apart = x + width <= other_x or other_x + other_width <= x or y + height <= other_y or other_y + other_height <= y
            assert apart


def test_rings_mark_what_stays_and_arrows_pass_columns() -> None:
    skip = ("      - after: 1 s\n        do: [{marker: lost}]\n        end: bad\n", "      - after: 1 s\n        to: win\n")
    svg = drawing(kitchen(skip, ("  bad: {}", "  bad: {good: false}")))
    assert svg.count("<circle class=") == 3
    assert "Kitchen &lt;sink&gt; &amp; more" in svg


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            st.just(n), st.integers(0, n - 1), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=40)
        )
    )
)
def test_arrows_lead_to_the_right_but_those_that_close_a_circle(graph: tuple[int, int, list[tuple[int, int]]]) -> None:
    count, start, edges = graph
    found = arranged(count, start, edges)
    slots = [slot for column in found.columns for slot in column]
    assert sorted(slot[0] for slot in slots if is_box(slot)) == list(range(count))
    assert len(set(slots)) == len(slots)
    for source, target in set(edges):
        if source != target and (source, target) not in found.back:
            assert found.column_of[source] < found.column_of[target]
