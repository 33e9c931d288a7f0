"""docs/contracts.md and docs/architecture.md against what is there: every route, every folder."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from tests.unit.web.conftest import Web

HOME = Path(__file__).parents[3]
PREFIX = "/api/v1/"


def documented() -> tuple[set[str], set[str]]:
    """Return the addresses that the contract's section 3 names, and the ends of those it shortens to `…/end`."""
    text = (HOME / "docs/contracts.md").read_text()
    section = text[text.index("## 3. REST") : text.index("## 4. WebSocket")]
    whole, ends = set(), set()
    for said in re.findall(r"`([^`\s]+)`", section):
        for each in expanded(said):
            (ends if each.startswith("…/") else whole).add(each.removeprefix("…").removeprefix(PREFIX))
    return whole, ends


def expanded(said: str) -> list[str]:
    """Return what `a/{b,c}` stands for; a placeholder is {} whatever it is called."""
    parts = [
        (part[1:-1].split(",") if "," in part else ["{}"]) if part[:1] == "{" else [part] for part in re.split(r"({[^}]*})", said)
    ]
    return ["".join(each) for each in itertools.product(*parts)]


def test_every_route_is_in_the_contract(web_without_database: Web) -> None:
    whole, ends = documented()
    routes = {re.sub(r"<[^>]+>", "{}", rule.rule) for rule in web_without_database.app.url_map.iter_rules()}
    ours = {route.removeprefix(PREFIX) for route in routes if route.startswith(PREFIX)}
    assert len(ours) > 80
    assert not {route for route in ours - whole if not any(route.endswith(end) for end in ends)}


def test_every_folder_is_in_the_architecture() -> None:
    text = (HOME / "docs/architecture.md").read_text()
    tree = text[text.index("## Where things are") :].split("```")[1]
    folders = {path.parent.name for part in ("lics_actors", "web", "drivers") for path in (HOME / part).glob("*/__init__.py")}
    assert len(folders) > 20
    assert not {folder for folder in folders if not re.search(rf"\b{folder}/", tree)}
    assert not [name for name in re.findall(r"\b(\w+\.py)\b", tree) if not [*HOME.glob(f"*/{name}"), *HOME.glob(f"*/*/{name}")]]


def test_the_way_through_the_code_leads_past_files_that_exist() -> None:
    text = (HOME / "CONTRIBUTING.md").read_text()
    way = text[text.index("### An afternoon") : text.index("## How we write")]
    named = re.findall(r"`([\w/]+\.py)`", way)
    assert len(named) > 15
    assert not [name for name in named if not [*HOME.glob(name), *HOME.glob(f"lics_actors/{name}"), *HOME.glob(f"*/*/{name}")]]


def test_links_between_documents_lead_somewhere() -> None:
    pages = [HOME / "README.md", HOME / "CONTRIBUTING.md", *(HOME / "docs").rglob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#\s]+)", page.read_text()) if "://" not in link]
    assert len(links) > 50
    assert not [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()]
