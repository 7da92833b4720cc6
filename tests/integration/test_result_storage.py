"""Where flows keep their results unless they say so, through the API."""

from uuid import uuid4

from tests.integration.blocks import Vaults, detail
from tests.integration.conftest import Api, read

NONE = {"default_result_storage_block_id": None}


def test_there_is_no_default_place_until_one_is_named(api: Api) -> None:
    assert read(api, "/admin/storage") == NONE
    folders = Vaults(api, "folder", capabilities=["write-path", "read-path"])
    for name in ("one", "two"):
        named = {"default_result_storage_block_id": folders.save(name)["id"]}
        assert api.request("PUT", "/admin/storage", named).status_code == 200
        assert read(api, "/admin/storage") == named
    assert api.request("DELETE", "/admin/storage").status_code == 204
    assert read(api, "/admin/storage") == NONE
    assert api.request("DELETE", "/admin/storage").status_code == 204


def test_a_deleted_block_is_no_default_place(api: Api) -> None:
    folder = Vaults(api, "folder", capabilities=["write-path"]).save("one")
    named = {"default_result_storage_block_id": folder["id"]}
    assert api.request("PUT", "/admin/storage", named).status_code == 200
    assert api.request("DELETE", f"/block_documents/{folder['id']}").status_code == 204
    assert read(api, "/admin/storage") == NONE


def test_a_block_that_cannot_store_results_is_refused(api: Api) -> None:
    vault = Vaults(api, capabilities=["read-path"]).save("main")
    unknown = str(uuid4())
    for block_id, status in ((vault["id"], 422), (unknown, 404)):
        body = {"default_result_storage_block_id": block_id}
        refused = detail(api, "PUT", "/admin/storage", body)
        assert refused[0] == status
        assert block_id in refused[1]
    assert api.request("PUT", "/admin/storage", {}).status_code == 422
    assert read(api, "/admin/storage") == NONE
