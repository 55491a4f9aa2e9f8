"""What others offer from texts to vectors, on the files of a published embedder: its folder has tokenizer.json, modules.json and 1_Pooling."""

import json
from pathlib import Path

import numpy as np
import onnxruntime

MOST_TOKENS = 256


def reads_class_token(folder: Path) -> bool:
    return bool(json.loads((folder / "1_Pooling" / "config.json").read_text()).get("pooling_mode_cls_token"))


class Plain:
    """The published file in onnxruntime, with the tokenizer and the pooling around it: what the others are measured against."""

    def __init__(self, path: str, options: onnxruntime.SessionOptions):
        from tokenizers import Tokenizer

        folder = Path(path).parent
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.names = [each.name for each in self.session.get_inputs()]
        self.reads_class_token = reads_class_token(folder)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(MOST_TOKENS)
        self.tokenizer.enable_padding()

    def vectors(self, texts: list[str]) -> np.ndarray:
        rows = self.tokenizer.encode_batch(texts)
        mask = np.array([row.attention_mask for row in rows], dtype=np.int64)
        inputs = {
            "input_ids": np.array([row.ids for row in rows], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": np.array([row.type_ids for row in rows], dtype=np.int64),
        }
        states = self.session.run(None, {name: inputs[name] for name in self.names})[0]
        if self.reads_class_token:
            pooled = states[:, 0]
        else:
            weights = mask[:, :, None].astype(np.float32)
            pooled = (states * weights).sum(1) / weights.sum(1)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)


class FastEmbed:
    def __init__(self, path: str, threads: int):
        from fastembed import TextEmbedding
        from fastembed.common.model_description import ModelSource, PoolingType

        folder = Path(path).parent
        pooling = PoolingType.CLS if reads_class_token(folder) else PoolingType.MEAN
        name = f"rival/{folder.name}"
        if all(own["model"] != name for own in TextEmbedding.list_supported_models()):
            own = dict(pooling=pooling, normalization=True, sources=ModelSource(hf=name), dim=384, model_file=Path(path).name)
            TextEmbedding.add_custom_model(model=name, **own)
        self.model = TextEmbedding(model_name=name, specific_model_path=str(folder), threads=threads)

    def vectors(self, texts: list[str]) -> np.ndarray:
        return np.stack(list(self.model.embed(texts, batch_size=len(texts))))


class SentenceTransformers:
    """Its back ends for ONNX, and for OpenVINO where `file` is an .xml."""

    def __init__(self, path: str, file: str, threads: int, options: onnxruntime.SessionOptions):
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        folder = self.folder_of(Path(path).parent, Path(file))
        if file.endswith(".xml"):
            config = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
            kwargs = dict(backend="openvino", model_kwargs={"file_name": "openvino_model.xml", "ov_config": config})
        else:
            own = {"file_name": "model.onnx", "provider": "CPUExecutionProvider", "session_options": options}
            kwargs = dict(backend="onnx", model_kwargs=own)
        self.model = SentenceTransformer(str(folder), device="cpu", local_files_only=True, **kwargs)

    @staticmethod
    def folder_of(published: Path, file: Path) -> Path:
        """The published folder, or for another file links to what it has beside its own."""
        if file.parent == published:
            return published
        folder = file.parent / f"{file.stem} for sentence-transformers"
        folder.mkdir(exist_ok=True)
        own = {f"openvino_model{suffix}": file.with_suffix(suffix) for suffix in (".xml", ".bin")}
        for name, target in {**{each.name: each for each in published.iterdir() if each.suffix != ".onnx"}, **own}.items():
            # Made again: the file may have come from another folder since.
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(target.absolute())
        return folder

    def vectors(self, texts: list[str]) -> np.ndarray:
        return self.model.encode(texts, batch_size=len(texts), normalize_embeddings=True, show_progress_bar=False)
