"""Runs: ordered, steered, and what happens in them."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from uuid import UUID

from quart import Blueprint, Response, request

from lics_actors.store.runs import Run, RunFilter
from lics_actors.study.run_desk import RunWanted, Standing
from web.asking import asker
from web.auth import principal, requires
from web.backing import backing
from web.idempotency import id_for
from web.schemas.runs import (
    GiveBody,
    NewRunBody,
    NoteBody,
    NotePage,
    ParameterBody,
    RewardPage,
    RunPage,
    RunPartQuery,
    RunsQuery,
    RunSteerBody,
    StepPage,
    StepsQuery,
    TrialPage,
    TrialsQuery,
    WholeRunView,
    note_view,
    reward_view,
    run_view,
    step_view,
    trial_view,
    whole_run_view,
)
from web.scoping import where, within
from web.speech import Said, Speech, answer, speaks
from web.studies import desks

blueprint = Blueprint("runs", __name__)
OVERRIDE = "run:override"
AS_IT_IS = Said(WholeRunView, "As it then is.")
STEERING = (409, 503, 504)


@blueprint.get("/runs")
@requires("run:read")
@speaks(Speech(tag="runs", query=RunsQuery, answers={200: Said(RunPage, "A page, newest first.")}, errors=(503,)))
async def list_runs(query: RunsQuery) -> Response:
    """The runs, newest first, as recorded."""
    asked = RunFilter(where(), query.subject, query.experiment, query.rig, query.phase, query.unfinished, query.start, query.end)
    page = await backing().repository.list_runs(asked, query.limit, query.cursor)
    return answer(RunPage.model_construct(items=[run_view(row) for row in page.items], next=page.next))


@blueprint.post("/runs")
@requires("run:start")
@speaks(
    Speech(
        tag="runs",
        body=NewRunBody,
        headers=("Idempotency-Key",),
        answers={202: Said(WholeRunView, "Ordered: from here on it comes to its end, whatever dies.", ("Location",))},
        errors=(404, 409, 503, 504),
    )
)
async def start_run(body: NewRunBody) -> Response:
    """Have a run begin.

    The protocol is checked against what the rig's devices say they can do. Its version must have been rehearsed soundly, unless
    who has `run:override` says why not. Of an experiment it begins in one of its windows and not above its runs a day: else 409
    `OUTSIDE_SCHEDULE`, unless who has `run:override` says why. A rig and a subject are in one run at a time: 409 `RUN_UNDER_WAY`
    names the holder. With an `Idempotency-Key` it may be asked again, and is when nobody answered in time.
    """
    if body.force is not None or body.beyond_schedule is not None:
        await within("rig", body.rig_id, OVERRIDE)
    await within("rig", body.rig_id)
    repository = backing().repository
    rig = await repository.get_rig(body.rig_id)
    its = frozenset({rig.laboratory_id})
    subject = None if body.subject_id is None else await repository.get_subject(body.subject_id, its)
    run_id = id_for(principal().name, request.path, request.headers.get("Idempotency-Key"))
    if body.experiment_id is not None and subject is not None:
        await within("experiment", body.experiment_id)
        experiment = await repository.get_experiment(body.experiment_id, its)
        turn = await desks().experiments.turn(experiment, subject.id, body.stage)
        wanted = RunWanted(
            run_id, rig, turn.version, subject, body.roles, {**turn.stage.parameters, **body.parameters}, body.seed
        )
        wanted = replace(wanted, experiment_id=experiment.id, stage=turn.place.stage, forced=body.force)
        wanted = replace(wanted, beyond=body.beyond_schedule)
    else:
        kept = await desks().protocols.named(asker(), rig.laboratory_id, body.protocol or "", body.number)
        wanted = RunWanted(run_id, rig, kept.version, subject, body.roles, body.parameters, body.seed, forced=body.force)
    row = await desks().runs.start(asker(), wanted)
    return _tell(await desks().runs.standing(row), HTTPStatus.ACCEPTED, {"Location": f"/api/v1/runs/{row.id}"})


@blueprint.get("/runs/<uuid:run_id>")
@requires("run:read")
@speaks(Speech(tag="runs", answers={200: Said(WholeRunView, "As recorded, and as it is now.")}, errors=(503,)))
async def get_run(run_id: UUID) -> Response:
    """A run, as recorded and as it is now."""
    return _tell(await desks().runs.standing(await _run(run_id)))


@blueprint.post("/runs/<uuid:run_id>/pause")
@requires("run:steer")
@speaks(Speech(tag="runs", body=RunSteerBody, headers=("Idempotency-Key",), answers={200: AS_IT_IS}, errors=STEERING))
async def pause_run(run_id: UUID, body: RunSteerBody) -> Response:
    """Be silent from now on; the open trial is closed as interrupted."""
    return await _steer(run_id, "pause", body)


@blueprint.post("/runs/<uuid:run_id>/resume")
@requires("run:steer")
@speaks(Speech(tag="runs", body=RunSteerBody, headers=("Idempotency-Key",), answers={200: AS_IT_IS}, errors=STEERING))
async def resume_run(run_id: UUID, body: RunSteerBody) -> Response:
    """Go on with the next trial; also the answer to a recovered run whose protocol asks."""
    return await _steer(run_id, "resume", body)


@blueprint.post("/runs/<uuid:run_id>/stop")
@requires("run:steer")
@speaks(Speech(tag="runs", body=RunSteerBody, headers=("Idempotency-Key",), answers={200: AS_IT_IS}, errors=STEERING))
async def stop_run(run_id: UUID, body: RunSteerBody) -> Response:
    """End after the open trial."""
    return await _steer(run_id, "stop", body)


@blueprint.post("/runs/<uuid:run_id>/abort")
@requires("run:steer")
@speaks(Speech(tag="runs", body=RunSteerBody, headers=("Idempotency-Key",), answers={200: AS_IT_IS}, errors=STEERING))
async def abort_run(run_id: UUID, body: RunSteerBody) -> Response:
    """End now, with a reason; also one that nobody has begun."""
    return await _steer(run_id, "abort", body)


@blueprint.post("/runs/<uuid:run_id>/annotate")
@requires("run:steer")
@speaks(Speech(tag="runs", body=NoteBody, headers=("Idempotency-Key",), answers={200: AS_IT_IS}, errors=STEERING))
async def annotate_run(run_id: UUID, body: NoteBody) -> Response:
    """Keep a text with the run."""
    return _tell(await desks().runs.annotate(asker(), await _run(run_id), _ask_id(), body.text))


@blueprint.post("/runs/<uuid:run_id>/reward")
@requires("run:steer")
@speaks(Speech(tag="runs", body=GiveBody, headers=("Idempotency-Key",), answers={200: AS_IT_IS}, errors=STEERING))
async def reward_run(run_id: UUID, body: GiveBody) -> Response:
    """Give a reward by hand, within the limits of run and subject."""
    return _tell(await desks().runs.reward(asker(), await _run(run_id), _ask_id(), body.amount))


@blueprint.post("/runs/<uuid:run_id>/parameters")
@requires("run:steer")
@speaks(Speech(tag="runs", body=ParameterBody, headers=("Idempotency-Key",), answers={200: AS_IT_IS}, errors=STEERING))
async def set_run_parameter(run_id: UUID, body: ParameterBody) -> Response:
    """Give a parameter another value, from the next trial on."""
    return _tell(await desks().runs.set_parameter(asker(), await _run(run_id), _ask_id(), body.name, body.value))


@blueprint.get("/runs/<uuid:run_id>/trials")
@requires("run:read")
@speaks(Speech(tag="runs", query=TrialsQuery, answers={200: Said(TrialPage, "A page, in order.")}, errors=(503,)))
async def get_trials(run_id: UUID, query: TrialsQuery) -> Response:
    """A run's trials, in order."""
    run = await _run(run_id)
    page = await backing().repository.run_trials(run.id, query.outcome, query.limit, query.cursor)
    return answer(TrialPage.model_construct(items=[trial_view(row) for row in page.items], next=page.next))


@blueprint.get("/runs/<uuid:run_id>/rewards")
@requires("run:read")
@speaks(Speech(tag="runs", query=RunPartQuery, answers={200: Said(RewardPage, "A page, in order.")}, errors=(503,)))
async def get_rewards(run_id: UUID, query: RunPartQuery) -> Response:
    """A run's rewards, in order, those that were barred as well."""
    run = await _run(run_id)
    page = await backing().repository.run_rewards(run.id, query.limit, query.cursor)
    return answer(RewardPage.model_construct(items=[reward_view(row) for row in page.items], next=page.next))


@blueprint.get("/runs/<uuid:run_id>/annotations")
@requires("run:read")
@speaks(Speech(tag="runs", query=RunPartQuery, answers={200: Said(NotePage, "A page, in order.")}, errors=(503,)))
async def get_annotations(run_id: UUID, query: RunPartQuery) -> Response:
    """What people wrote down during a run."""
    run = await _run(run_id)
    page = await backing().repository.run_notes(run.id, query.limit, query.cursor)
    return answer(NotePage.model_construct(items=[note_view(row) for row in page.items], next=page.next))


@blueprint.get("/runs/<uuid:run_id>/events")
@requires("run:read")
@speaks(Speech(tag="runs", query=StepsQuery, answers={200: Said(StepPage, "A page, in order.")}, errors=(503,)))
async def get_steps(run_id: UUID, query: StepsQuery) -> Response:
    """Everything a run heard and decided, in order."""
    run = await _run(run_id)
    page = await backing().repository.run_steps(run.id, query.kind, query.limit, query.cursor)
    return answer(StepPage.model_construct(items=[step_view(row) for row in page.items], next=page.next))


async def _run(run_id: UUID) -> Run:
    return await backing().repository.get_run(run_id, where())


async def _steer(run_id: UUID, verb: str, body: RunSteerBody) -> Response:
    return _tell(await desks().runs.steer(asker(), await _run(run_id), verb, _ask_id(), body.reason))


def _ask_id() -> UUID:
    return id_for(principal().name, request.path, request.headers.get("Idempotency-Key"))


def _tell(standing: Standing, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    return answer(whole_run_view(standing), status, headers)
