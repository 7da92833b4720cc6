"""Two flows that send each other messages: `talking.py answering` or `talking.py asking RUN`."""

import json
import sys

from prefect import flow
from prefect.input import RunInput, receive_input


class Number(RunInput):
    value: int


@flow
def answering() -> list[int]:
    heard: list[int] = []
    for number in Number.receive(timeout=30, poll_interval=0.2):
        number.respond(f"{number.value} heard")
        heard.append(number.value)
        if number.value == 0:
            break
    return heard


@flow
def asking(flow_run_id: str) -> list[str]:
    replies = receive_input(str, timeout=30, poll_interval=0.2, with_metadata=True)
    for value in (3, 0):
        Number(value=value).send_to(flow_run_id)
    return [replies.next().value for _ in range(2)]


if __name__ == "__main__":
    kind, *arguments = sys.argv[1:]
    print(json.dumps({"answering": answering, "asking": asking}[kind](*arguments)), flush=True)
