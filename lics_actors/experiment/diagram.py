"""A protocol's states, drawn. Pure."""

from __future__ import annotations

from lics_actors.experiment.plan import Plan


def drawing(plan: Plan) -> str:
    """Return the states of a plan as SVG."""
    return f"<svg xmlns='http://www.w3.org/2000/svg'><title>{plan.document.title}</title></svg>"
