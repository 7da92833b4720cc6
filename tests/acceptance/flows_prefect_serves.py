"""A flow written for Prefect, which Prefect's own runner serves."""

from pathlib import Path

from prefect import flow  # type: ignore[import-not-found]  # in an environment of its own


@flow  # type: ignore[untyped-decorator]
def counting(folder: str) -> None:
    with (Path(folder) / "notes").open("a") as notes:
        notes.write("counted\n")


if __name__ == "__main__":
    counting.serve(name="desk")
