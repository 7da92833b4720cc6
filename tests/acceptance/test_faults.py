"""Processes that die, servers that go away, networks that are cut: nothing is lost or done twice.

On our server and on an unmodified Prefect 3.9.1, where it is for the SDK to cope; on ours alone
where the server notices what no other process can.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from flowruns import State, StateType, resume_flow_run
from tests.acceptance.breaking import Play, Scene, scene_on, serve_with_prefect
from tests.acceptance.serving import Server
from tests.acceptance.waiting import eventually
from tests.forking import ForkedProcess
from tests.network import network
from tests.servers import approvals_server

# How long networks are cut here; a minute tells nothing that this does not, but takes longer.
CUT_SECONDS = 8.0
# No run is in a wrong state for longer than a minute, and on a busy machine for twice as long.
A_MINUTE = 120.0
YES = {"approve": True}
CHARGED = ["charged 1", "charged 2"]
ANSWERED = "answered True for ['receipt 1', 'receipt 2']"


@pytest.fixture
def scene(server: Server, tmp_path: Path) -> Iterator[Scene]:
    with scene_on(server, tmp_path) as scene:
        yield scene


def take_and_forget(scene: Scene, name: str, *steps: str) -> tuple[UUID, Path]:
    """Take a run, in steps of these names, as a serving process that is killed before the start.

    It is due in fifteen seconds: Prefect's runner looks ten ahead and would take it, too.
    """
    folder = scene.folder / f"forgotten-{name}"
    folder.mkdir()
    soon: State[None] = State(type=StateType.SCHEDULED)
    soon.state_details.scheduled_time = datetime.now(UTC) + timedelta(seconds=15)
    deployment = scene.client.read_deployment_by_name(f"{name}/desk")
    run = scene.client.create_flow_run_from_deployment(
        deployment.id, parameters={"folder": str(folder)}, state=soon
    )
    for step in steps:
        scene.client.set_flow_run_state(run.id, State(type=StateType.PENDING, name=step))
    return run.id, folder


@pytest.fixture(scope="module")
def deadly_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A server of its own, whose runs nobody else may take."""
    with (
        approvals_server() as server,
        scene_on(server, tmp_path_factory.mktemp("deadly")) as scene,
    ):
        yield scene


@dataclass(kw_only=True)
class KilledScripts:
    """One in the middle of a task, one that waited and is answered, one that is not."""

    working: Play
    answered: Play
    waiting: Play
    killed_at: float = field(default_factory=time.monotonic)


@pytest.fixture(scope="module")
def killed_scripts(deadly_scene: Scene) -> KilledScripts:
    working = deadly_scene.play("working", 60)
    answered, waiting = deadly_scene.play("asking"), deadly_scene.play("asking")
    working.until_noted("working")
    for each in (answered, waiting):
        each.until("Paused")
        each.kill()
    working.kill()
    resume_flow_run(answered.run_id, YES)
    return KilledScripts(working=working, answered=answered, waiting=waiting)


@dataclass(kw_only=True)
class DeadMachine:
    """One of two machines: its serving process died, what it ran, and what it had just taken."""

    lost: Play
    died_at: float
    forgotten: UUID
    folder: Path


@pytest.fixture(scope="module")
def dead_machine(deadly_scene: Scene) -> DeadMachine:
    dying = deadly_scene.serve(limit=2)
    lost = deadly_scene.order("working", seconds=600)
    lost.until_noted("working")
    dying.kill()
    lost.kill()
    died_at = time.monotonic()
    deadly_scene.serve(limit=2)
    forgotten, folder = take_and_forget(deadly_scene, "suspending", "Pending")
    return DeadMachine(lost=lost, died_at=died_at, forgotten=forgotten, folder=folder)


@dataclass(kw_only=True)
class Inherited:
    """A run that another runner of Prefect's had taken, and left to this one."""

    runner: ForkedProcess
    forgotten: UUID
    folder: Path
    taken_at: float = field(default_factory=time.monotonic)


@pytest.fixture(scope="module")
def inherited(deadly_scene: Scene) -> Inherited:
    runner = serve_with_prefect(deadly_scene)
    forgotten, folder = take_and_forget(deadly_scene, "counting", "Pending", "Submitting")
    return Inherited(runner=runner, forgotten=forgotten, folder=folder)


# Our server gives each of them forty seconds: for all at once.
together = pytest.mark.usefixtures("killed_scripts", "dead_machine", "inherited")


@together
def test_scripts_that_are_killed(deadly_scene: Scene, killed_scripts: KilledScripts) -> None:
    working, answered = killed_scripts.working, killed_scripts.answered
    for each in (working, answered):
        each.until("Crashed", within=A_MINUTE)
    print(f"killed scripts have crashed after {seconds_since(killed_scripts.killed_at):.0f} s")
    assert "not been heard of" in str(answered.read().state)
    assert deadly_scene.client.read_flow_run_input(answered.run_id, "paused-1-response")
    history = killed_scripts.waiting.history()
    assert history == ["Pending", "Running", "Paused"], "it can still be answered"
    again = deadly_scene.play("asking")
    again.until("Paused")
    resume_flow_run(again.run_id, YES)
    again.until("Completed")
    assert again.notes[-1] == ANSWERED


@together
def test_a_machine_that_dies_leaves_no_run_behind(
    deadly_scene: Scene, dead_machine: DeadMachine
) -> None:
    dead_machine.lost.until("Crashed", within=A_MINUTE)
    print(f"what ran on it has crashed after {seconds_since(dead_machine.died_at):.0f} s")
    eventually(
        lambda: deadly_scene.client.read_flow_run(dead_machine.forgotten).state_name == "Suspended",
        "what was taken has been run",
        within=A_MINUTE,
    )
    print(f"what it had taken has been run after {seconds_since(dead_machine.died_at):.0f} s")
    assert (dead_machine.folder / "notes").read_text().splitlines()[1:] == CHARGED


@together
def test_prefects_runner_starts_what_another_one_had_taken(
    deadly_scene: Scene, inherited: Inherited
) -> None:
    eventually(
        lambda: deadly_scene.client.read_flow_run(inherited.forgotten).state_name == "Completed",
        "what was taken has been run",
        within=A_MINUTE,
    )
    print(f"what another had taken has been run after {seconds_since(inherited.taken_at):.0f} s")
    assert (inherited.folder / "notes").read_text() == "counted\n"
    assert inherited.runner.poll() is None


def seconds_since(moment: float) -> float:
    return time.monotonic() - moment


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
    first.wait()
    resume_flow_run(play.run_id, YES)
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


def list_seen_states(watching: Play) -> list[str]:
    """Return the states that a flow has logged of the run that it watches."""
    of_it = {"flow_run_id": {"any_": [str(watching.run_id)]}}
    logs = watching.scene.client.read_logs(log_filter=of_it)
    return [line.message.split("'")[1] for line in logs if "is in state" in line.message]


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
            play.until("Completed")
            print(f"{play.folder.name} completed {seconds_since(mended):.1f} s after the cut")
        # A run's last lines come after its end, by the same network
        eventually(lambda: "Completed" in list_seen_states(watching), "all that it saw is logged")
    for play in (paused, suspended):
        assert [line for line in play.notes if "begun" not in line] == [*CHARGED, ANSWERED]
    assert working.notes[1:] == ["charged 1", "working", "done"]
    assert paused.history()[:4] == ["Pending", "Running", "Paused", "Running"]
    assert list_seen_states(watching) == paused.history(), "each state once, and none missed"
