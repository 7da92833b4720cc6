"""Runs are cancelled by Prefect's command line, and Prefect's runner hears of a cancellation."""

from flowruns import State, StateType
from tests.acceptance.breaking import Scene, prefect_client_environment, serve_with_prefect
from tests.environments import PREFECT_PYTHON
from tests.forking import fork_python


def test_prefects_command_line_ends_a_served_run(our_scene: Scene) -> None:
    our_scene.serve()
    play = our_scene.order("working", seconds=60)
    play.until_noted("working")
    command = ["-m", "prefect", "flow-run", "cancel", str(play.run_id)]
    done = fork_python([PREFECT_PYTHON, *command], prefect_client_environment(our_scene))
    assert done.wait() == 0, done.communicate()
    play.until("Cancelled")
    assert play.history() == ["Scheduled", "Pending", "Running", "Cancelling", "Cancelled"]
    assert "done" not in play.notes


def test_prefects_runner_ends_the_process_of_a_run_that_is_cancelled(our_scene: Scene) -> None:
    serve_with_prefect(our_scene)
    play = our_scene.order("sleeping")
    play.until_noted("asleep")
    our_scene.client.set_flow_run_state(play.run_id, State(type=StateType.CANCELLING))
    play.until("Cancelled")
    play.until_noted("cancelled")
    assert "awake" not in play.notes
