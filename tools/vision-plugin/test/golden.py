"""Writes golden.json: PruMerge (arXiv:2403.15388) by its paper's algorithm, in NumPy."""
import json
import numpy as np

rng = np.random.default_rng(20)


def pru_merge(x, key, attention, k):
    """Kept positions and their states; x [N,D], key [N,C], attention [N]."""
    low, high = np.quantile(attention, [0.25, 0.75])
    kept = np.flatnonzero(attention > high + 1.5 * (high - low))
    kept = kept if len(kept) else np.array([np.argmax(attention)])
    removed = np.setdiff1d(np.arange(len(x)), kept)
    unit = key / np.linalg.norm(key, axis=1, keepdims=True)
    states = []
    for j in kept:
        near = removed[np.argsort(-(unit[removed] @ unit[j]), kind="stable")[:k]]
        states.append(x[j] + (attention[near, None] * x[near]).sum(axis=0))
    return kept.tolist(), np.array(states).tolist()


cases = []
for tokens in (9, 16, 23):
    x, key = rng.normal(size=(tokens, 5)), rng.normal(size=(tokens, 4))
    attention = rng.gamma(0.3, size=tokens)
    attention /= attention.sum()
    kept, states = pru_merge(x, key, attention, 4)
    cases.append({
        "x": x.tolist(), "key": key.tolist(), "attention": attention.tolist(),
        "kept": kept, "states": states,
    })
json.dump(cases, open("golden.json", "w"), separators=(",", ":"))
