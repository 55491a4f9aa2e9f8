"""Labels JSON lines on Ray Data: python with_ray.py FOLDER IN.jsonl OUT, where OUT becomes a folder of JSON lines."""

import sys

import ray
from labels import Labels


class Labeler:
    """What each worker of Ray keeps: the model is loaded once, not for each batch."""

    def __init__(self, folder):
        self.labels = Labels(folder)

    def __call__(self, batch):
        label, score = self.labels.of(batch["text"])
        return {"id": batch["id"], "label": label, "score": score}


folder, source, out = sys.argv[1:]
ray.data.read_json(source, lines=True).map_batches(
    Labeler, fn_constructor_args=[folder], batch_size=1024, compute=ray.data.ActorPoolStrategy(min_size=1)
).write_json(out)
