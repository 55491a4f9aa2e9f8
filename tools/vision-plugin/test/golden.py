"""Writes golden.json: DivPrune (arXiv:2503.02175) and PruMerge (arXiv:2403.15388) by their papers' algorithms, in NumPy."""
import json
import numpy as np

rng = np.random.default_rng(20)


def div_prune(x, count):
    """Positions in the order in which they are chosen, of tokens x [N,D]."""
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    distance = 1 - unit @ unit.T
    other = distance + np.diag(np.full(len(x), np.inf))
    chosen = [int(np.argmax(other.min(axis=1)))]
    while len(chosen) < count:
        far = distance[:, chosen].min(axis=1)
        far[chosen] = -np.inf
        chosen.append(int(np.argmax(far)))
    return chosen


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
        "chosen": div_prune(x, 6), "kept": kept, "states": states,
    })
json.dump(cases, open("golden.json", "w"), separators=(",", ":"))
