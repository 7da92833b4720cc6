import json

from tests.integration.conftest import Api


def test_there_are_no_automations_and_a_deployment_brings_none(api: Api) -> None:
    resource = "prefect.deployment.01a20dd3-9d54-7601-b015-7779f59741ad"
    for listed in (api.post("/automations/filter"), api.get(f"/automations/related-to/{resource}")):
        assert (listed.status_code, json.loads(listed.content)) == (200, [])
    assert api.post("/automations/count").content == b"0"
    assert api.request("DELETE", f"/automations/owned-by/{resource}").status_code == 202


def test_an_automation_cannot_be_made(api: Api) -> None:
    refused = api.post("/automations/", {"name": "x"})
    assert refused.status_code == 404
    assert "There are no automations here" in json.loads(refused.content)["detail"]
