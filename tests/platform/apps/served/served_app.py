"""An app that shows what reached it; the tests of the host look at the answers and at the notes."""

import asyncio
import base64
import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
blueprint = func.Blueprint()


def note(about: str, **details: Any) -> None:
    """Leaves a line for the test."""
    line = json.dumps({"about": about, "pid": os.getpid(), "at": time.time(), **details}) + "\n"
    with Path(os.environ["RECORD"]).open("a") as file:
        file.write(line)


def answer(function: str, request: func.HttpRequest, **more: Any) -> func.HttpResponse:
    """What the handler saw, as JSON."""
    seen = {
        "function": function,
        "method": request.method,
        "url": request.url,
        "route": dict(request.route_params),
        "query": dict(request.params),
        "headers": dict(request.headers),
        "body": base64.b64encode(request.get_body()).decode(),
        **more,
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json", headers={"X-Function": function})


@app.route("items/{id}", methods=["GET"])
async def item(req: func.HttpRequest) -> func.HttpResponse:
    return answer("item", req)


@app.route("items/special", methods=["GET"])
async def a_special_item(req: func.HttpRequest) -> func.HttpResponse:
    return answer("a_special_item", req)


@app.route("items/shadowed", methods=["GET"])
async def shadowed_item(req: func.HttpRequest) -> func.HttpResponse:
    return answer("shadowed_item", req)


@app.route("items/{id}", methods=["PUT", "DELETE"])
async def change_item(req: func.HttpRequest) -> func.HttpResponse:
    return answer("change_item", req)


@app.route("items/{*path}", methods=["GET"])
async def wide_item(req: func.HttpRequest) -> func.HttpResponse:
    return answer("wide_item", req)


@app.route("pages/{page}/{size}", methods=["GET"])
async def page(req: func.HttpRequest) -> func.HttpResponse:
    return answer("page", req)


@app.route("echo", methods=["GET", "POST"])
async def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return answer("echo", req, trace=context.trace_context.trace_parent, invocation_id=context.invocation_id)


@app.route("only-post", methods=["POST"])
def only_post(req: func.HttpRequest) -> func.HttpResponse:
    return answer("only_post", req)


@blueprint.route("%ROUTE_WORD%/here")
def any_method(req: func.HttpRequest) -> func.HttpResponse:
    return answer("any_method", req)


@app.route("binary", methods=["GET"])
def binary(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(b"\x00\xff", status_code=201, mimetype="application/octet-stream")


@app.route("header", methods=["GET"])
def header(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("sent", headers={"X-Place": bytes.fromhex(req.params["bytes"]).decode()})


@app.route("plain", methods=["GET"])
def plain(req: func.HttpRequest) -> str:
    return "just a text"


@app.route("cookie", methods=["GET"])
def cookie(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("sent", headers={"Set-Cookie": "session=1; HttpOnly"})


@app.route("broken", methods=["GET"])
async def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("a secret of the app")


@app.route("wrong-return", methods=["GET"])
def wrong_return(req: func.HttpRequest) -> func.HttpResponse:
    return 42  # type: ignore[return-value]


@app.route("logs", methods=["GET"])
async def logs(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("a line of the app for %s", req.params["word"])
    await asyncio.sleep(0)
    return func.HttpResponse(status_code=204)


@app.queue_trigger(arg_name="message", queue_name="%PREFIX%-plain", connection="AzureWebJobsStorage")
async def take(message: func.QueueMessage) -> None:
    assert message.insertion_time
    assert message.expiration_time
    assert message.time_next_visible
    note(
        "take",
        id=message.id,
        body=message.get_body().decode(),
        dequeue_count=message.dequeue_count,
        receipt=message.pop_receipt,
        inserted=message.insertion_time.isoformat(),
        expires=message.expiration_time.isoformat(),
        visible=message.time_next_visible.isoformat(),
    )


@app.queue_trigger(arg_name="message", queue_name="%PREFIX%-failing", connection="AzureWebJobsStorage")
def fail(message: func.QueueMessage) -> None:
    note("fail", body=message.get_body().decode(), dequeue_count=message.dequeue_count)
    raise RuntimeError("this message never works")


@app.queue_trigger(arg_name="message", queue_name="%PREFIX%-late", connection="AzureWebJobsStorage")
def late(message: func.QueueMessage) -> None:
    note("late", body=message.get_body().decode())


@app.queue_trigger(arg_name="message", queue_name="%PREFIX%-twice", connection="AzureWebJobsStorage")
def second_time(message: func.QueueMessage) -> None:
    note("twice", dequeue_count=message.dequeue_count)
    if message.dequeue_count == 1:
        raise RuntimeError("not the first time")


app.register_functions(blueprint)
