"""Processes that die, servers that go away, networks that are cut: nothing is lost or done twice.

On our server and on an unmodified Prefect 3.8.8, where it is for the SDK to cope; on ours alone
where the server notices what no other process can.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from flowruns import State, StateType, resume_flow_run
from tests.acceptance.breaking import Scene, scene_on, serve_with_prefect
from tests.acceptance.waiting import eventually
from tests.network import network
from tests.servers import (
    ApprovalsServer,
    PrefectServer,
    approvals_server,
    prefect_server,
)

# How long networks are cut here; a minute tells nothing that this does not, but takes longer.
CUT_SECONDS = 8.0
# No run is in a wrong state for longer.
A_MINUTE = 60.0
YES = {"approve": True}
CHARGED = ["charged 1", "charged 2"]
ANSWERED = "answered True for ['receipt 1', 'receipt 2']"

type Server = ApprovalsServer | PrefectServer


@pytest.fixture(scope="module", params=[approvals_server, prefect_server])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as running:
        yield running


@pytest.fixture
def scene(server: Server, tmp_path: Path) -> Iterator[Scene]:
    with scene_on(server, tmp_path) as scene:
        yield scene


def take_and_forget(scene: Scene, name: str, *steps: str) -> tuple[UUID, Path]:
    """Take a run, in steps of these names, as a serving process that is killed before the start."""
    folder = scene.folder / "forgotten"
    folder.mkdir()
    soon: State[None] = State(type=StateType.SCHEDULED)
    soon.state_details.scheduled_time = datetime.now(UTC) + timedelta(seconds=10)
    deployment = scene.client.read_deployment_by_name(f"{name}/desk")
    run = scene.client.create_flow_run_from_deployment(
        deployment.id, parameters={"folder": str(folder)}, state=soon
    )
    for step in steps:
        scene.client.set_flow_run_state(run.id, State(type=StateType.PENDING, name=step))
    return run.id, folder


def test_scripts_that_are_killed(our_scene: Scene) -> None:
    """One in the middle of a task, one that waits and is answered, one that is not."""
    working = our_scene.play("working", 60)
    answered, waiting = our_scene.play("asking"), our_scene.play("asking")
    working.until_noted("working")
    for each in (answered, waiting):
        each.until("Paused")
        each.kill()
    working.kill()
    resume_flow_run(answered.run_id, YES)
    took = [working.until("Crashed", within=A_MINUTE), answered.until("Crashed", within=A_MINUTE)]
    print(f"killed scripts have crashed after {took[0]:.0f} s, answered ones {sum(took):.0f} s")
    assert "not been heard of" in str(answered.read().state)
    assert our_scene.client.read_flow_run_input(answered.run_id, "paused-1-response")
    assert waiting.history() == ["Pending", "Running", "Paused"], "it can still be answered"
    again = our_scene.play("asking")
    again.until("Paused")
    resume_flow_run(again.run_id, YES)
    again.until("Completed")
    assert again.notes[-1] == ANSWERED


@pytest.mark.parametrize("name", ["asking", "working"])
def test_a_served_run_that_is_killed_crashes_and_can_be_run_again(name: str, scene: Scene) -> None:
    scene.serve()
    play = scene.order(name, **({"seconds": 3} if name == "working" else {}))
    play.until_noted("charged 2" if name == "asking" else "working")
    if name == "asking":
        play.until("Paused")
    play.kill()
    took = play.until("Crashed")
    print(f"a killed served run has crashed after {took:.1f} s")
    assert "status code -9 (SIGKILL)" in str(play.read().state)
    scene.client.set_flow_run_state(play.run_id, State(type=StateType.SCHEDULED))
    if name == "asking":
        play.until("Paused")
        resume_flow_run(play.run_id, YES)
    play.until("Completed")
    charges = [line for line in play.notes if line.startswith("charged")]
    assert charges == CHARGED[: len(charges)], "no persisted step runs twice"
    assert play.notes[-1] == (ANSWERED if name == "asking" else "done")


def test_a_suspended_run_needs_none_of_the_processes_that_it_had(scene: Scene) -> None:
    first = scene.serve()
    play = scene.order("suspending")
    play.until("Suspended")
    first.kill()
    resume_flow_run(play.run_id, YES)
    time.sleep(1)
    scene.serve()
    play.until("Completed")
    begun, *charges, again, answered = play.notes
    assert charges == CHARGED
    assert begun != again
    assert answered == ANSWERED


def test_runs_go_on_when_their_serving_process_is_killed(scene: Scene) -> None:
    """Two serve; what the killed one had begun goes on, what comes then is the other's."""
    first, _ = scene.serve(limit=2), scene.serve(limit=2)
    begun = [scene.order("working", seconds=3) for _ in range(4)]
    for play in begun:
        play.until_noted("working")
    first.kill()
    later = [scene.order("working", seconds=0) for _ in range(4)]
    for play in (*begun, *later):
        play.until("Completed")
        assert play.notes[1:] == ["charged 1", "working", "done"]


def test_a_machine_that_dies_leaves_no_run_behind(our_scene: Scene) -> None:
    """One of two machines: with its serving process, what it runs, and what it had just taken."""
    dying = our_scene.serve(limit=2)
    lost = our_scene.order("working", seconds=90)
    lost.until_noted("working")
    dying.kill()
    lost.kill()
    died = time.monotonic()
    our_scene.serve(limit=2)
    forgotten, folder = take_and_forget(our_scene, "suspending", "Pending")
    lost.until("Crashed", within=A_MINUTE)
    print(f"what ran on a dead machine has crashed after {time.monotonic() - died:.0f} s")
    remaining = A_MINUTE + 5 - (time.monotonic() - died)
    eventually(
        lambda: our_scene.client.read_flow_run(forgotten).state_name == "Suspended",
        "what was taken has been run",
        within=remaining,
    )
    print(f"what it had taken has been run after {time.monotonic() - died:.0f} s")
    assert (folder / "notes").read_text().splitlines()[1:] == CHARGED


def test_prefects_runner_starts_what_another_one_had_taken(our_scene: Scene) -> None:
    runner = serve_with_prefect(our_scene)
    forgotten, folder = take_and_forget(our_scene, "counting", "Pending", "Submitting")
    began = time.monotonic()
    eventually(
        lambda: our_scene.client.read_flow_run(forgotten).state_name == "Completed",
        "what was taken has been run",
        within=A_MINUTE + 30,
    )
    print(f"what another runner had taken has been run after {time.monotonic() - began:.0f} s")
    assert (folder / "notes").read_text() == "counted\n"
    assert runner.poll() is None


@pytest.mark.parametrize("silently", [False, True], ids=["broken", "silent"])
def test_a_network_that_is_cut_loses_nothing(silently: bool, scene: Scene) -> None:
    with network(scene.server.port) as net:
        scene.api_url = f"{net.url}/api"
        scene.serve()
        paused, suspended = scene.play("asking"), scene.order("suspending")
        working = scene.order("working", seconds=CUT_SECONDS / 2)
        paused.until("Paused")
        suspended.until("Suspended")
        watching = scene.play("watching", paused.run_id)
        watching.until("Running")
        working.until_noted("working")
        net.cut(silently=silently)
        for play in (paused, suspended):
            resume_flow_run(play.run_id, YES)
        time.sleep(CUT_SECONDS)
        net.mend()
        mended = time.monotonic()
        for play in (paused, suspended, working, watching):
            play.until("Completed", within=A_MINUTE)
            print(f"{play.folder.name} completed {time.monotonic() - mended:.1f} s after the cut")
    for play in (paused, suspended):
        assert [line for line in play.notes if "begun" not in line] == [*CHARGED, ANSWERED]
    assert working.notes[1:] == ["charged 1", "working", "done"]
    assert paused.history()[:4] == ["Pending", "Running", "Paused", "Running"]
    logs = scene.client.read_logs(log_filter={"flow_run_id": {"any_": [str(watching.run_id)]}})
    seen = [line.message.split("'")[1] for line in logs if "is in state" in line.message]
    assert seen == paused.history(), "each state once, and none missed"
