"""POST and PUT: commands of people, written to the log once each."""

import uuid
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path

from contango_gateway import answers
from contango_gateway.bodies import Because, Flatten, ParameterUpdate, Promoted, Switched
from contango_gateway.commands import Commands, Receipt
from contango_gateway.problems import Problem, ProblemBody

Id = Annotated[str, Path(max_length=200, examples=["iron_condor:SPX:10051"])]
Name = Annotated[str, Path(max_length=100, examples=["iron_condor"])]


async def command_id(
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern=r"^[A-Za-z0-9._:-]{1,128}$",
            description="the command's id: sent again, it gives the same answer and no second message; default: new",
            examples=["halt-2015-08-24-1"],
        ),
    ] = None,
) -> str:
    """The client's id, or a new one."""
    return idempotency_key or uuid.uuid4().hex


CommandId = Annotated[str, Depends(command_id)]


def command_routes(commands: Commands, features: tuple[str, ...]) -> APIRouter:
    """Routes over ``commands``; ``features`` are the names that can be switched."""
    router = APIRouter(prefix="/v1")

    @router.post("/halt", tags=["commands"], response_model=answers.Receipt, summary="Stop new risk; exits go on")
    async def halt(body: Because, id: CommandId) -> Receipt:
        return await commands.halt(id, body.reason)

    @router.post("/resume", tags=["commands"], response_model=answers.Receipt, summary="End a person's halt")
    async def resume(body: Because, id: CommandId) -> Receipt:
        return await commands.resume(id, body.reason)

    @router.post(
        "/positions/{position_id}/close",
        tags=["commands"],
        response_model=answers.Receipt,
        summary="Close one position",
        responses={404: {"description": "no such open position", "model": ProblemBody}},
    )
    async def close(position_id: Id, body: Because, id: CommandId) -> Receipt:
        return await commands.close(id, position_id, body.reason)

    @router.post("/flatten", tags=["commands"], response_model=answers.Receipt, summary="Close every position")
    async def flatten(body: Flatten, id: CommandId) -> Receipt:
        return await commands.flatten(id, body.reason)

    @router.put(
        "/parameters", tags=["parameters"], response_model=answers.Receipt, summary="Change some parameters, checked"
    )
    async def parameters(body: ParameterUpdate, id: CommandId) -> Receipt:
        return await commands.change_parameters(id, body.sections(), body.reason)

    @router.post("/features/{name}", tags=["commands"], response_model=answers.Receipt, summary="Switch a feature")
    async def feature(name: Name, body: Switched, id: CommandId) -> Receipt:
        if name not in features:
            what = f"no feature is called {name!r}"
            raise Problem(HTTPStatus.NOT_FOUND, what, "path: name", f"use one of {', '.join(features)}")
        return await commands.switch(id, name, body.switch, body.reason)

    @router.post(
        "/models/{name}/promote", tags=["commands"], response_model=answers.Receipt, summary="Change a model's champion"
    )
    async def promote(name: Name, body: Promoted, id: CommandId) -> Receipt:
        return await commands.promote(id, name, body.sha, body.evidence, body.reason)

    @router.post(
        "/models/{name}/rollback",
        tags=["commands"],
        response_model=answers.Receipt,
        summary="Back to the champion before",
        responses={409: {"description": "nothing was promoted in this session", "model": ProblemBody}},
    )
    async def roll_back(name: Name, body: Because, id: CommandId) -> Receipt:
        return await commands.roll_back(id, name, body.reason)

    return router
