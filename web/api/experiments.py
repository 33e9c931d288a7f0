"""Experiments: stages, subjects, schedule; and where each subject stands."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from quart import Blueprint, Response, request

from lics_actors.errors import ConflictError, ExperimentNotFoundError, IdempotencyKeyReusedError
from lics_actors.store.experiments import Experiment, NewExperiment
from web.asking import asker
from web.auth import principal, requires
from web.backing import backing
from web.etags import expected_version
from web.idempotency import id_for
from web.schemas.experiments import (
    ExperimentPage,
    ExperimentPatch,
    ExperimentsQuery,
    ExperimentView,
    NewExperimentBody,
    PlacesView,
    experiment_view,
    place_view,
    said_of_plan,
)
from web.schemas.subjects import ChangePage, ChangesQuery, change_view
from web.scoping import place_there, where
from web.speech import Said, Speech, answer, speaks
from web.studies import desks
from web.tagging import tagged

blueprint = Blueprint("experiments", __name__)


@blueprint.get("/experiments")
@requires("experiment:read")
@speaks(Speech(tag="experiments", query=ExperimentsQuery, answers={200: Said(ExperimentPage, "A page, by name.")}, errors=(503,)))
async def list_experiments(query: ExperimentsQuery) -> Response:
    """The experiments, by name."""
    page = await backing().repository.list_experiments(
        where(), query.status, query.subject, limit=query.limit, cursor=query.cursor
    )
    return answer(ExperimentPage.model_construct(items=[experiment_view(row) for row in page.items], next=page.next))


@blueprint.post("/experiments")
@requires("experiment:write")
@speaks(
    Speech(
        tag="experiments",
        body=NewExperimentBody,
        headers=("Idempotency-Key",),
        answers={
            201: Said(ExperimentView, "Kept.", ("Location", "ETag")),
            200: Said(ExperimentView, "Kept before, by the same request with this key.", ("Location", "ETag")),
        },
        errors=(404, 409, 503),
    )
)
async def create_experiment(body: NewExperimentBody) -> Response:
    """Keep an experiment.

    Its stages name versions of protocols; what leads from one to the next is judged over a subject's past runs in it.
    """
    key = request.headers.get("Idempotency-Key")
    named = id_for(principal().name, request.path, key)  # also where the body says an id: a key that is none is refused
    experiment_id = body.id or named
    said = said_of_plan(body)
    new = NewExperiment(await place_there(body.laboratory_id), principal=principal().name, experiment_id=experiment_id, **said)
    try:
        row, status = await desks().experiments.create(asker(), new, body.reason), HTTPStatus.CREATED
    except ConflictError as conflict:
        row, status = await _made_before(new, key, conflict), HTTPStatus.OK
    headers = {"Location": f"/api/v1/experiments/{row.id}"}
    return await tagged(answer(experiment_view(row), status, headers), row.version)


async def _made_before(new: NewExperiment, key: str | None, conflict: ConflictError) -> Experiment:
    """Return the experiment that the same request made before; one that people have changed since is taken for it."""
    if key is None or new.experiment_id is None:
        raise conflict
    try:
        row = await backing().repository.get_experiment(new.experiment_id, where())
    except ExperimentNotFoundError:
        raise conflict from None
    if row.version == 1 and (row.name, row.subjects) != (new.name, new.subjects):
        raise IdempotencyKeyReusedError("the idempotency key belongs to another request", experiment_id=str(row.id))
    return row


@blueprint.get("/experiments/<uuid:experiment_id>")
@requires("experiment:read")
@speaks(
    Speech(
        tag="experiments",
        headers=("If-None-Match",),
        answers={
            200: Said(ExperimentView, "As it is.", ("ETag",)),
            304: Said(None, "As in the answer with this ETag.", ("ETag",)),
        },
        errors=(503,),
    )
)
async def get_experiment(experiment_id: UUID) -> Response:
    """An experiment."""
    row = await _experiment(experiment_id)
    return await tagged(answer(experiment_view(row)), row.version)


@blueprint.patch("/experiments/<uuid:experiment_id>")
@requires("experiment:write")
@speaks(
    Speech(
        tag="experiments",
        body=ExperimentPatch,
        headers=("If-Match",),
        answers={200: Said(ExperimentView, "As it now is.", ("ETag",))},
        errors=(409, 412, 503),
    )
)
async def change_experiment(experiment_id: UUID, body: ExperimentPatch) -> Response:
    """Change some of an experiment; what is left out stays.

    Every version is kept. Runs that are over keep the stage they were begun in.
    """
    version = expected_version(request.headers.get("If-Match"))
    row = await desks().experiments.change(asker(), await _experiment(experiment_id), said_of_plan(body), version, body.reason)
    return await tagged(answer(experiment_view(row)), row.version)


@blueprint.get("/experiments/<uuid:experiment_id>/history")
@requires("experiment:read")
@speaks(Speech(tag="experiments", query=ChangesQuery, answers={200: Said(ChangePage, "A page, newest first.")}, errors=(503,)))
async def get_experiment_history(experiment_id: UUID, query: ChangesQuery) -> Response:
    """Every version of an experiment: who made it, why, and what it was."""
    experiment = await _experiment(experiment_id)
    page = await backing().repository.changes(experiment.id, query.limit, query.cursor)
    return answer(ChangePage.model_construct(items=[change_view(row) for row in page.items], next=page.next))


@blueprint.get("/experiments/<uuid:experiment_id>/places")
@requires("experiment:read")
@speaks(Speech(tag="experiments", answers={200: Said(PlacesView, "All of them.")}, errors=(503,)))
async def get_places(experiment_id: UUID) -> Response:
    """Where each subject stands: its stage, and why."""
    row = await _experiment(experiment_id)
    items = [place_view(row, each, await desks().experiments.place(row, each)) for each in row.subjects]
    return answer(PlacesView.model_construct(items=items))


async def _experiment(experiment_id: UUID) -> Experiment:
    return await backing().repository.get_experiment(experiment_id, where())
