"""The page at `/`: where everything is, and whether it is well; it shows nothing that `/health` does not tell everybody."""

from __future__ import annotations

from typing import Final

from quart import Blueprint, Response
from quart_schema import hide

from web.auth import public
from web.docs import page, script

HEAD: Final = """<link rel="icon" href="/icon.svg" type="image/svg+xml">
<style>
:root { color-scheme: light dark; --line: #d5dce4; --dim: #566473; --link: #1d5a9e; --good: #1f6b3d; --bad: #a4281e; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a4552; --dim: #a3b0bf; --link: #86b8ee; --good: #74cf97; --bad: #ff9a8f; }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 0 auto; padding: 2rem 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; } a { color: var(--link); } .dim { color: var(--dim); }
.good { color: var(--good); } .bad { color: var(--bad); }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line); padding: .35rem .5rem .35rem 0;
  vertical-align: top; } td:first-child { white-space: nowrap; width: 7rem; }
pre { border: 1px solid var(--line); border-radius: 6px; padding: .75rem; white-space: pre-wrap; font-size: .85rem; }
</style>"""
BODY: Final = """<main>
<h1>LICS</h1>
<p class="dim">Lab instrument control system. This is its web server; the laboratory is steered
over REST, WebSocket and the command line.</p>
<h2>How it is</h2>
<p id="word" role="status">asking …</p>
<table id="services" aria-label="Services"></table>
<h2>Where to go</h2>
<table>
<tr><td><a href="/docs">/docs</a></td><td>the API, to read and to try (<a href="/redoc">/redoc</a>: to read)</td></tr>
<tr><td><a href="/openapi.json">/openapi.json</a></td><td>the API's description, for programs</td></tr>
<tr><td><a href="/health">/health</a></td><td>what this page shows, for programs</td></tr>
<tr><td>/ws</td><td>what happens as it happens: a WebSocket (docs/contracts.md, section 4)</td></tr>
</table>
<h2>In a terminal</h2>
<pre>lics fleet status        # how it is, and what to do next
lics run list            # the sessions that are under way
lics --help</pre>
<p class="dim">docs/tutorial.md leads in ten minutes from a task of your own to its data file.</p>
</main><script src="/start.js"></script>"""
START: Final = """const word = document.getElementById("word"), table = document.getElementById("services");
function cell(row, text, kind) { const td = row.insertCell(); td.textContent = text; td.className = kind || ""; }
async function look() {
  try {
    const said = await (await fetch("/health", { cache: "no-store" })).json();
    word.textContent = said.status;
    word.className = said.status === "healthy" ? "good" : "bad";
    table.replaceChildren();
    for (const [name, service] of Object.entries(said.services)) {
      const row = table.insertRow();
      cell(row, name); cell(row, service.state, service.state === "up" ? "good" : "bad"); cell(row, service.cost || "", "dim");
    }
  } catch {
    word.textContent = "the web does not answer";
    word.className = "bad";
    table.replaceChildren();
  }
  setTimeout(look, 5000);
}
look();
"""
ICON: Final = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#2563a8"/>
<path d="M6 17h5l3-8 4 15 3-7h5" fill="none" stroke="#fff" stroke-width="2.6" stroke-linejoin="round"
stroke-linecap="round"/></svg>
"""

blueprint = Blueprint("front", __name__)


@blueprint.get("/")
@public()
@hide
async def front() -> Response:
    """Where everything is, and whether it is well."""
    return page(HEAD, BODY, title="LICS")


@blueprint.get("/start.js")
@public()
@hide
async def front_start() -> Response:
    """What asks how LICS is, for the page at /."""
    return script(START)


@blueprint.get("/icon.svg")
@public()
@hide
async def icon() -> Response:
    """The sign of LICS in a browser's tab."""
    return Response(ICON, content_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})
