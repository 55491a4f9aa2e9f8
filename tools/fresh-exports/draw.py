"""Draws exports and what is done to them at random, runs the command line, and checks what it writes by onnxruntime, example by example.

  python draw.py FOLDER [--draws 500] [--minutes M] [--seed S] [--only NUMBER,NUMBER]

A draw follows from the seed (default: the hash of the commit) and its number alone, so `--only` repeats it. FOLDER gets a line of JSON for each
draw (draws.jsonl) and the files of those that are wrong or refused. A file is wrong if an example has other answers alone, in a batch, or padded
on either side; if nothing may be lost, also if these are not the answers of the dense file. Arrangements in which the dense file itself gives
other answers prove nothing, and are left out.
"""
import argparse
import contextlib
import io
import json
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter

import numpy as np
import onnxruntime
import torch
import transformers

from export import axes_of, inputs_of, made, write
from families import FAMILIES
from heads import Headed

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
METHODS = "received-attention value-aware cls-attention key-norm key-diff cumulative-attention tome tofu pitome a-tome evit dpp div-prune last-query lag-kv stride random".split()
CLASSES = "Model ForSequenceClassification ForTokenClassification ForMaskedLM ForQuestionAnswering ForImageClassification".split()
HEADS = ["mean", "class", "last", "late"]
SECONDS = 150


def chain_of(chance, family):
    """@returns commands one after another, and whether nothing may be lost; those that save padding only of a model that has a mask"""
    method, keep = chance.choice(METHODS), chance.choice(["0.9", "0.7", "0.5"])
    pruned, whole = ["prune", "--method", method, "--keep", keep], ["prune", "--method", method, "--tokens", "9999"]
    chains = [
        ([pruned], False), ([pruned], False), ([pruned, ["quantize"]], False), ([whole], True), ([["quantize"]], False), ([["prune", "--lossless"]], True),
    ]
    padded = [
        ([pruned, ["pack"]], False), ([pruned, ["quantize"], ["pack"]], False), ([whole, ["pack"]], True), ([["pack"]], True),
        ([["quantize"], ["pack"]], False), ([["prune", "--method", "drop-padding"]], True),
    ]
    return chance.choice(chains + (padded if "attention_mask" in inputs_of(family) else []))


def architecture(family):
    """@returns what the names of an architecture's classes begin with"""
    return re.sub(r"(EncoderModel|Model|For[A-Z]\w+)$", "", family.get("model") or "")


def drawn(seed, number):
    chance = random.Random(f"{seed}:{number}")
    name = chance.choice(list(FAMILIES))
    family = FAMILIES[name]
    exporter = chance.choice(["ts14", "ts17", "ts18", "ts20", "dy18", "dy20", "dy22", "dy23", "dy24"])
    sizes = chance.choice(["shared", "own"] if exporter[0] == "t" else ["shared", "DYNAMIC", "AUTO"])
    attention = chance.choice(["eager", "sdpa"]) if family["attn"] == "sdpa" else family["attn"]
    base = architecture(family)
    classes = [base + each for each in CLASSES if base and hasattr(transformers, base + each)]
    head = chance.choice([None, None, *classes])
    if family["kind"] == "text" and base + "Model" in classes and not family.get("wrap") and chance.random() < 0.4:
        head = chance.choice(HEADS)
    commands, exact = chain_of(chance, family)
    return dict(number=number, family=name, head=head, exporter=exporter, sizes=sizes, attention=attention, left=chance.random() < 0.4, commands=commands, exact=exact)


def export(draw, path):
    """Writes the dense model; @returns nothing, but raises what torch does."""
    family = dict(FAMILIES[draw["family"]], attn=draw["attention"])
    feeds, head = inputs_of(family, left=draw["left"]), draw["head"]
    if head in HEADS:
        model = Headed(head, made(draw["family"], family, list(feeds), architecture(family) + "Model").model).eval()
        family["wrap"] = head
    else:
        model = made(draw["family"], family, list(feeds), head)
    with torch.no_grad():
        answers = model(*feeds.values())
    answers = list(answers) if isinstance(answers, (tuple, list)) else [answers]
    outputs, axes = axes_of(family, feeds, answers)
    write(model, path, draw["exporter"], feeds, outputs, axes, draw["sizes"])


def prepare():
    """The first export of a process loads most of torch and compiles what it writes operators by, which children inherit from here on."""
    draw = dict(family="roberta-cls", head=None, exporter="dy20", sizes="DYNAMIC", attention="eager", left=False)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        export(draw, f"{folder}/model.onnx")


def in_child(work, *values):
    """Exporters hang, exhaust memory, and leave settings behind. @returns the first line of an error, if there is one"""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(False)

    def run():
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1), os.dup2(nowhere.fileno(), 2)
            try:
                work(*values)
                sender.send(None)
            except BaseException as error:
                lines = [line for line in str(error).splitlines() if "Error" in line or "Unsupported" in line] or str(error).splitlines() or [""]
                sender.send(f"{type(error).__name__}: {lines[-1][:200]}")

    child = context.Process(target=run)
    child.start()
    problem = receiver.recv() if receiver.poll(SECONDS) else f"no end after {SECONDS} s"
    child.kill()
    child.join()
    return problem


def arranged(family, used):
    """@returns examples alone, and by name how they are in a batch: feeds, and the positions of the tokens of each example"""
    whole = {name: value.numpy() for name, value in inputs_of(family, 3 if family["kind"] in ("text", "image", "sound") else 2).items() if name in used}
    count = len(next(iter(whole.values())))
    if "attention_mask" not in whole:
        every = [None] * count
        return [{name: value[i : i + 1] for name, value in whole.items()} for i in range(count)], {"in a batch": (whole, every)}
    tokens = whole["input_ids"].shape[1]
    lengths = [tokens, tokens - 5, max(4, tokens // 2)]
    rest = {name: value for name, value in whole.items() if name not in ("input_ids", "attention_mask")}
    ids = [np.roll(whole["input_ids"][0], 3 * i)[:length].copy() for i, length in enumerate(lengths)]
    if family.get("eos"):
        for row in ids:
            row[row == family["eos"]] = 7
            row[-1] = family["eos"]
    alone = [dict(input_ids=row[None], attention_mask=np.ones((1, len(row)), np.int64), **{name: value[i : i + 1] for name, value in rest.items()}) for i, row in enumerate(ids)]
    arrangements = {}
    for side in ("padded right", "padded left"):
        feeds = dict(input_ids=np.full((count, tokens), family.get("pad", 0)), attention_mask=np.zeros((count, tokens), np.int64), **rest)
        at = [slice(0, length) if side == "padded right" else slice(tokens - length, tokens) for length in lengths]
        for i, row in enumerate(ids):
            feeds["input_ids"][i, at[i]], feeds["attention_mask"][i, at[i]] = row, 1
        arrangements[side] = ({name: feeds[name] for name in used}, at)
    return [{name: each[name] for name in used} for each in alone], arrangements


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_all(path, all_feeds, packed=False):
    if not packed:
        session = session_of(path)
        return [session.run(None, feeds) for feeds in all_feeds]
    written = [{name: dict(type=str(value.dtype), dims=value.shape, data=value.ravel().tolist()) for name, value in feeds.items()} for feeds in all_feeds]
    with open(path + ".json", "w") as file:
        json.dump(written, file)
    done = subprocess.run(["node", f"{HERE}/run-native.mjs", path, path + ".json"], capture_output=True, text=True, timeout=SECONDS)
    if done.returncode != 0:
        raise RuntimeError(next((line for line in done.stderr.splitlines() if re.match(r"\w*Error", line)), done.stderr[-300:]))
    return [[np.array(each["data"], np.float64).reshape(each["dims"]) for each in outputs] for outputs in json.loads(done.stdout)]


def furthest(answers, own, example, at, tokens):
    """The largest difference of an example in a batch to itself alone, by the size of its answers; infinity for NaN and for other shapes."""
    largest = 0.0
    for one, many in zip(own, answers):
        row = many[example : example + 1]
        if at is not None and row.ndim > 1 and row.shape[1] == tokens and one.shape[1] == at.stop - at.start:
            row = row[:, at]
        if row.shape != one.shape or not np.isfinite(row).all() and np.isfinite(one).all():
            return float("inf")
        finite = np.isfinite(one)
        if finite.any():
            largest = max(largest, float(np.abs(row[finite].astype(float) - one[finite]).max() / max(1, np.abs(one[finite]).max())))
    return largest


def checked(dense, written, draw):
    """@returns (outcome, why): right, wrong, or not exportable"""
    family = FAMILIES[draw["family"]]
    used = [each.name for each in session_of(dense).get_inputs()]
    alone, arrangements = arranged(family, used)
    tokens = alone[0]["input_ids"].shape[1] if "input_ids" in alone[0] else 0
    eight, packed = any(each[0] == "quantize" for each in draw["commands"]), draw["commands"][-1][0] == "pack"
    own, sound = [], {}
    for each in alone:
        try:
            own.append(run_all(dense, [each])[0])
        except Exception:
            own.append(None)  # an export of a fixed length, or of a fixed batch
    if all(each is None for each in own):
        return "not exportable", "the dense file does not run on one example"
    for name, (feeds, at) in arrangements.items():
        try:
            (answers,) = run_all(dense, [feeds])
        except Exception:
            continue
        differences = [float("inf") if one is None else furthest(answers, one, i, at[i], tokens) for i, one in enumerate(own)]
        if min(differences) < 1e-4:
            sound[name] = [i for i, difference in enumerate(differences) if difference < 1e-4]
    examples = [i for i, each in enumerate(own) if each is not None]
    try:
        results = run_all(written, [alone[i] for i in examples] + [arrangements[name][0] for name in sound], packed)
    except Exception as error:
        return "wrong", f"the written file does not run: {str(error)[:300]}"
    limit = 0.1 if eight else 2e-3
    ours = dict(zip(examples, results))
    for i in examples:
        difference = furthest(ours[i], own[i] if draw["exact"] else ours[i], 0, None, tokens)
        if not difference < limit or [each.shape for each in ours[i]] != [each.shape for each in own[i]]:
            return "wrong", f"alone, example {i} differs from the dense file by {difference:.1e}"
    for (name, sound_ones), answers in zip(sound.items(), results[len(examples) :]):
        for i in sound_ones:
            difference = furthest(answers, ours[i], i, arrangements[name][1][i], tokens)
            if not difference < limit:
                return "wrong", f"{name}, example {i} differs from itself alone by {difference:.1e}"
    return "right", f"{len(examples)} alone, {', '.join(sound) or 'no batch'}"


def tried(draw, folder, options):
    os.makedirs(folder, exist_ok=True)
    source = dense = f"{folder}/model.onnx"
    problem = in_child(export, draw, dense)
    if problem is not None:
        return "not exportable", problem, ""
    try:
        session_of(dense)
    except Exception as error:
        return "not exportable", f"onnxruntime: {str(error)[:200]}", ""
    for step, command in enumerate(draw["commands"]):
        target = f"{folder}/step{step}.onnx"
        arguments = ["node", "packages/cli/bin/tp.js", command[0], source, "-o", target, *command[1:], *options]
        try:
            done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return "wrong", f"no end after {SECONDS} s", " ".join(arguments)
        code = re.search(r"^code: (\w+)", done.stderr, re.M)
        if done.returncode != 0:
            said = next((line for line in done.stderr.splitlines() if line.startswith("[")), done.stderr[-300:])
            refused = code is not None and code[1] != "TP_INTERNAL"
            return "refused" if refused else "wrong", f"{code[1] if code else done.returncode}: {said}", " ".join(arguments)
        source = target
    return *checked(dense, source, draw), " ".join(arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--seed", default=subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip())
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--only", default="")
    parser.add_argument("--options", default="", help="further arguments of each command, such as --no-verify")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    folder, began, outcomes = os.path.abspath(options.folder), time.time(), Counter()
    print(f"seed {options.seed}", flush=True)
    prepare()
    for number in [int(each) for each in options.only.split(",") if each] or range(options.draws):
        if time.time() - began > 60 * options.minutes:
            break
        draw, since = drawn(options.seed, number), time.time()
        own = f"{folder}/{number}-{draw['family']}"
        outcome, why, command = tried(draw, own, options.options.split())
        outcomes[outcome if outcome != "refused" else f"refused {why.split(':')[0]}"] += 1
        line = dict(draw, outcome=outcome, why=why, command=command, seconds=round(time.time() - since, 1), repeat=f"python tools/fresh-exports/draw.py {options.folder} --seed {options.seed} --only {number}")
        with open(f"{folder}/draws.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")
        chain = " + ".join(" ".join(each) for each in draw["commands"])
        print(f"{number:4} {outcome:14} {draw['family']} {draw['head'] or ''} {draw['exporter']} {draw['sizes']} {draw['attention']} · {chain} · {why[:160]}", flush=True)
        if outcome in ("right", "not exportable"):
            shutil.rmtree(own)
    print("\n" + "\n".join(f"{count:5}  {outcome}" for outcome, count in outcomes.most_common()))


if __name__ == "__main__":
    main()
