import io
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client

from approvals.management.commands import createreviewer
from approvals.models import Approval, Policy
from approvals.services.seats import settle_approvals
from flowruns.models import ApiKey
from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import Make
from tests.integration.pages import log_in, text_of
from tests.teams import hold, make_teams, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def teams(db: None) -> None:
    make_teams()


def run_command(*words: str) -> str:
    said = io.StringIO()
    call_command(*words, stdout=said)
    return said.getvalue()


def test_a_policy_is_set_listed_and_removed() -> None:
    line = "2 of @finance + 1 of @data,not the requester"
    said = run_command("setpolicy", "money", line, "--flow", "refund", "--tag", "prod")
    written = "money: 2 of @finance + 1 of @data, not the requester (flow refund, tag prod)"
    assert said.splitlines() == [
        written,
        "No approval of that flow has been opened yet: is its name right?",
    ]
    assert run_command("listpolicies").splitlines() == [
        written,
        "DEFAULT_POLICY: anyone (what no policy is for)",
    ]
    run_command("setpolicy", "money", "anyone")
    assert Policy.objects.get().flow == ""
    run_command("removepolicy", "money")
    with pytest.raises(CommandError, match=r"no policy named 'money'\. There are none\."):
        run_command("removepolicy", "money")
    run_command("setpolicy", "other", "anyone")
    with pytest.raises(CommandError, match=r"There are: other\."):
        run_command("removepolicy", "money")
    with pytest.raises(CommandError, match="A policy has a name"):
        run_command("setpolicy", " ", "anyone")


def test_a_policy_for_a_flow_that_has_asked_raises_no_doubt(make_run: Make) -> None:
    make_run().pause_for_input()
    flow = Approval.objects.get().flow_name
    for scope in (["--flow", flow], ["--deployment", f"{flow}/nightly"], []):
        assert "is its name right" not in run_command("setpolicy", "money", "anyone", *scope)


def test_a_key_that_cannot_answer_raises_a_doubt() -> None:
    doubt = "No API key named ci may answer yet. It is made by: createapikey ci --scope resume"
    create_api_key("ci", scopes=["flows"])
    assert doubt in run_command("setpolicy", "deploys", "1 of @finance or key:ci")
    User.objects.create_superuser("root")
    page = log_in("root").get("/admin/approvals/policy/")
    assert doubt in text_of(page)
    ApiKey.objects.filter(name="ci").delete()
    create_api_key("ci", scopes=["resume"])
    assert "API key" not in run_command("setpolicy", "deploys", "1 of @finance or key:ci")


def test_the_list_names_what_nobody_can_meet_or_answer(make_run: Make) -> None:
    hold("1 of @data", "money")
    run = make_run(name="late-heron")
    run.pause_for_input()
    Group.objects.get(name="data").delete()
    settle_approvals()
    said = run_command("listpolicies")
    assert "  Nobody can meet it now: There is no group @data." in said
    assert "Nobody can answer refund / late-heron now: There is no group @data." in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["1 off @finance"], "is no part of a policy"),
        (["1 of @nowhere"], "There is no group @nowhere."),
        (["1 of ghost"], "There is nobody named ghost"),
        (["anyone", "--requester-from", "who"], "parameters.NAME or labels.NAME"),
        (["anyone", "--deployment", "nightly"], "FLOW/DEPLOYMENT, such as refund/nightly"),
        (["anyone", "--deployment", "/x"], "FLOW/DEPLOYMENT, such as refund/nightly"),
        (["1 of @Finance"], "There is no group @Finance. Is it @finance?"),
        (
            ["1 of finance"],
            "There is nobody named finance who may log in. For a group write @finance.",
        ),
        (['1 of "@finance"'], "For a group write @finance."),
        (["anyone", "--requester-from", "parameters."], "such as parameters.who"),
        (["anyone, sined"], '"sined" is unknown. After a comma stands'),
    ],
)
def test_what_is_wrong_with_a_policy_is_said_at_once(words: list[str], said: str) -> None:
    with pytest.raises(CommandError) as raised:
        run_command("setpolicy", "money", *words)
    assert said in str(raised.value)
    assert not Policy.objects.exists()


@pytest.mark.parametrize("line", ["3 of ann", "9 of @finance", "1 of ann + 1 of ann", "1 of @new"])
def test_a_policy_that_too_few_people_could_meet_is_told_to_who_writes_it(line: str) -> None:
    User.objects.create_user("ann")
    Group.objects.create(name="new")
    assert "Fewer people may answer" in run_command("setpolicy", "money", line)
    assert "Fewer people may answer" not in run_command("setpolicy", "money", "1 of ann")


def test_a_team_is_set_up_by_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPROVALS_PASSWORD", "correct horse battery")
    run_command(
        *("createreviewer", "ann", "--email", "ann@example.com"),
        *("--group", "finance", "--group", "new", "--staff"),
    )
    ann = User.objects.get(username="ann")
    assert set(ann.groups.values_list("name", flat=True)) == {"finance", "new"}
    assert (ann.email, ann.is_staff, ann.check_password("correct horse battery")) == (
        "ann@example.com",
        True,
        True,
    )


@pytest.mark.parametrize(
    ("words", "password", "said"),
    [
        (["F1"], "correct horse battery", "The name: A user with that username already exists."),
        (["two words"], "correct horse battery", "The name: Enter a valid username."),
        (["bea", "--email", "x"], "correct horse battery", "--email: Enter a valid email address."),
        (["bea"], "123", "The password: This password is too short."),
        (["bea", "--group", " "], "correct horse battery", "--group: This field cannot be blank."),
    ],
)
def test_what_is_wrong_with_a_reviewer_is_said_by_field(
    monkeypatch: pytest.MonkeyPatch, words: list[str], password: str, said: str
) -> None:
    monkeypatch.setenv("APPROVALS_PASSWORD", password)
    with pytest.raises(CommandError) as raised:
        run_command("createreviewer", *words)
    assert said in str(raised.value)
    assert not User.objects.filter(username="bea").exists()


def test_a_password_is_asked_for_and_without_a_terminal_the_variable_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("APPROVALS_PASSWORD", raising=False)
    typed = iter(["correct horse battery", "another one"])
    monkeypatch.setattr(createreviewer, "getpass", lambda *_: next(typed))
    with pytest.raises(CommandError, match="The two passwords differ"):
        run_command("createreviewer", "bea")

    def end(*_: str) -> str:
        raise EOFError

    monkeypatch.setattr(createreviewer, "getpass", end)
    with pytest.raises(CommandError, match="set APPROVALS_PASSWORD"):
        run_command("createreviewer", "bea")


@pytest.fixture
def root(db: None) -> Client:
    User.objects.create_superuser("root")
    return log_in("root")


def post_policy(root: Client, line: str) -> Any:
    form = {"name": "money", "line": line, "flow": "", "deployment": "", "tag": ""}
    return root.post("/admin/approvals/policy/add/", {**form, "requester_from": ""})


def test_the_administration_refuses_a_wrong_line_and_says_why(root: Client) -> None:
    assert "There is no group @nowhere." in post_policy(root, "1 of @nowhere").content.decode()
    assert post_policy(root, "1  of @finance").status_code == 302
    assert Policy.objects.get().line == "1 of @finance"


def test_the_administration_shows_who_could_answer_and_applies_policies_again(
    root: Client, make_run: Make
) -> None:
    hold("1 of @data")
    make_run().pause_for_input()
    approval = Approval.objects.get()
    address = f"/admin/approvals/approval/{approval.pk}/change/"
    assert "B, D1" in root.get(address).content.decode()
    hold("1 of @hr")
    form = {"action": "apply_policies_again", "_selected_action": [str(approval.pk)]}
    root.post("/admin/approvals/approval/", form)
    approval.refresh_from_db()
    assert [kept["line"] for kept in approval.policies] == ["1 of @hr"]
    person("H1").groups.clear()


def test_what_is_hidden_leaks_by_no_list_count_search_history_or_export(make_run: Make) -> None:
    hold("1 of @hr, seen by them only")
    run = make_run(name="salary-of-zoe", tags=["secret-tag"])
    run.pause_for_input()
    approval = Approval.objects.get()
    body = {"key": "plan", "type": "markdown", "data": "secret", "flow_run_id": run.id}
    artifact = run.api.post("/artifacts/", body).json()["id"]  # type: ignore[attr-defined]
    stranger, insider = log_in("Z"), log_in("H1")
    lists = ["/", "/?list=all", "/?q=salary&list=all", "/inbox/list/?list=all", "/history/"]
    lists += ["/history/export/", "/history/?q=salary"]
    pages = [
        f"/approvals/{approval.pk}/",
        f"/approvals/{approval.pk}/state/",
        f"/approvals/{approval.pk}/description/",
        f"/approvals/{approval.pk}/reject/",
        f"/runs/flow-run/{run.id}",
        f"/runs/flow-run/{run.id}/log/",
        f"/runs/flow-run/{run.id}/artifacts/",
        f"/runs/flow-run/{run.id}/progress/",
        f"/artifacts/{artifact}/",
        f"/artifacts/{artifact}/data/",
    ]
    assert "salary" in insider.get("/").content.decode()
    for _ in ("waiting", "ended"):
        for address in lists:
            response = stranger.get(address)
            text = b"".join(response).decode()
            assert "salary" not in text.replace("q=salary", "").replace('value="salary"', "") or (
                "q=salary" in address and "salary-of-zoe" not in text
            ), address
            assert "secret-tag" not in text
        assert [stranger.get(page).status_code for page in pages] == [404] * len(pages)
        assert insider.get(pages[0]).status_code == 200
        run.propose("CANCELLED", force=True)
