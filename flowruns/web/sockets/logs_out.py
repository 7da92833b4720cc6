"""/api/logs/out: the log lines that a filter lets through, as they come (as Prefect 3.9)."""

from pydantic import ValidationError

from flowruns.models import LogLine
from flowruns.pubsub import event_feed
from flowruns.services.presenting import present_log
from flowruns.web.sockets.connection import PROTOCOL_ERROR, Socket
from flowruns.web.sockets.streaming import nothing, stream
from flowruns.wire.filters import LogFilter
from flowruns.wire.log_matching import passes


async def send_logs(socket: Socket) -> None:
    """Read the filter and send the lines that it lets through from now on."""
    message = await socket.receive_object()
    if message.get("type") != "filter":
        await socket.close(PROTOCOL_ERROR, "Expected 'filter' message")
        return
    try:
        f = LogFilter.model_validate(message.get("filter"))
    except ValidationError as error:
        await socket.close_for(error)
        return
    await stream(
        socket,
        event_feed.logs,
        wants=lambda row: passes(f, present_log(row)),
        speak=_speak,
        before=nothing(),
    )


def _speak(row: LogLine) -> str:
    return f'{{"type":"log","log":{present_log(row).model_dump_json()}}}'
