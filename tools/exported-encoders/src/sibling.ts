import { type Method, type Schedule, schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { cloneModel, createNode, Graph, type Model } from '@tp/onnx'
import { numbers, rows } from './compare.ts'
import { type ReplayedTokens, replay } from './replay.ts'
import { openModel, runModel } from './session.ts'

/** The compiler, and what the comparison needs to know of the method that it prunes by. */
export interface Pruner {
  /** With traces. */
  prune(model: Model, method: Method, amounts: Schedule): Model
  /** The compiler's name for the attention of each layer: the name of the softmax's node, or of its result. */
  attentions(model: Model): readonly string[]
  /** A method that scores tokens by the attention of the first one. */
  readonly method: Method
  /** Kept tokens, by layer. */
  readonly keep: Readonly<Record<number, number>>
}

/** A model pruned next to its sibling in full precision. */
export interface SiblingComparison {
  /** Largest difference of the two dense runs, and of the pruned ones with the same tokens kept. */
  readonly dense: number
  readonly pruned: number
  /** Rows in all cuts, and in how many of them the two keep the same tokens. */
  readonly rows: number
  readonly same: number
  /** Largest difference of the two runs' scores of one token. */
  readonly scoreError: number
  /**
   * Where they keep others: by how much, at most, the sibling prefers its own token to the one that took its place.
   * 0 where none differ. Rounding explains up to twice the score error.
   */
  readonly gap: number
}

/**
 * Prunes a model and its sibling the same way and compares kept tokens and outputs. The sibling's outputs are those with
 * the tokens that the model kept, so that they can be compared also where a rounded score chose another token. A row
 * that differs at one layer is not looked at in later ones.
 */
export async function compareWithSibling(
  model: Model,
  sibling: Model,
  inputs: readonly NamedTensors[],
  pruner: Pruner,
): Promise<SiblingComparison> {
  const layers = Object.keys(pruner.keep).map(Number)
  const amounts = schedule(1 + Math.max(...layers), { layers, tokens: Object.values(pruner.keep) })
  const batches: SiblingComparison[] = []
  await using dense = await openModel(model)
  await using denseSibling = await openModel(sibling)
  await using own = await openModel(withScores(model, pruner, amounts))
  await using expected = await openModel(withScores(sibling, pruner, amounts))
  for (const feeds of inputs) {
    const wholes = [await dense.run(feeds), await denseSibling.run(feeds)] as const
    const [ours, theirs] = [traced(await own.run(feeds), amounts), traced(await expected.run(feeds), amounts)]
    const replayed = await runModel(pruner.prune(sibling, replay(ours.kept), amounts), feeds)
    const outputs = Object.keys(wholes[0])
    batches.push({
      ...compareKept(ours, theirs, [...amounts.keys()]),
      dense: distance(...wholes, outputs),
      pruned: distance(ours.results, replayed, outputs),
    })
  }
  const largest = (of: (batch: SiblingComparison) => number): number => Math.max(...batches.map(of))
  const total = (of: (batch: SiblingComparison) => number): number => batches.reduce((sum, batch) => sum + of(batch), 0)
  return {
    dense: largest(({ dense }) => dense),
    pruned: largest(({ pruned }) => pruned),
    rows: total(({ rows }) => rows),
    same: total(({ same }) => same),
    scoreError: largest(({ scoreError }) => scoreError),
    gap: largest(({ gap }) => gap),
  }
}

/** An example is no longer compared from the first layer on where the two keep different tokens. */
function compareKept(
  own: Traced,
  expected: Traced,
  layers: readonly number[],
): Omit<SiblingComparison, 'dense' | 'pruned'> {
  const batch = own.kept.get(layers[0] as number)?.length ?? 0
  const errors: number[] = []
  const gaps: number[] = []
  let rows = 0
  for (let row = 0; row < batch; row++) {
    for (const layer of layers) {
      const of = (all: ReplayedTokens): readonly number[] => all.get(layer)?.[row] ?? []
      const [scores, expectedScores] = [of(own.scores), of(expected.scores)]
      rows++
      errors.push(...scores.map((score, i) => Math.abs(score - (expectedScores[i] as number))))
      const [kept, expectedKept] = [of(own.kept), of(expected.kept)]
      if (kept.join() === expectedKept.join()) continue
      const scoreOf = (token: number): number => expectedScores[of(expected.arriving).indexOf(token)] ?? Number.NaN
      const lost = expectedKept.filter((token) => !kept.includes(token)).map(scoreOf)
      const gained = kept.filter((token) => !expectedKept.includes(token)).map(scoreOf)
      gaps.push(Math.max(...lost) - Math.min(...gained))
      break
    }
  }
  return { rows, same: rows - gaps.length, scoreError: Math.max(0, ...errors), gap: Math.max(0, ...gaps) }
}

interface Traced {
  readonly results: NamedTensors
  readonly kept: ReplayedTokens
  /** By layer and row: tokens that arrive there, and their scores. */
  readonly arriving: ReplayedTokens
  readonly scores: ReplayedTokens
}

/** A pruned model that also returns the attention of the layers where tokens are pruned. */
function withScores(model: Model, pruner: Pruner, amounts: Schedule): Model {
  const pruned = cloneModel(pruner.prune(model, pruner.method, amounts))
  const graph = new Graph(pruned)
  const attentions = pruner.attentions(model)
  for (const layer of amounts.keys()) {
    const softmax = graph.nodes.find(({ name }) => name === attentions[layer])
    const [from, to] = [softmax?.output[0] ?? (attentions[layer] as string), scoresName(layer)]
    graph.insert([createNode({ type: 'Cast', name: to, inputs: [from], outputs: [to], attributes: { to: 1 } })])
    graph.addOutput(to, 'float32', [undefined, undefined, undefined, undefined])
  }
  return pruned
}

function traced(results: NamedTensors, amounts: Schedule): Traced {
  const layers = [...amounts.keys()]
  const kept = new Map(layers.map((layer) => [layer, rows(results[`tp.trace.${layer}.indices`])]))
  const attention = (layer: number): TensorLike => results[scoresName(layer)] as TensorLike
  const [batch = 0, , , tokens = 0] = attention(layers[0] as number).dims
  const all = Array.from({ length: batch }, () => Array.from({ length: tokens }, (_, token) => token))
  return {
    results,
    kept,
    arriving: new Map(layers.map((layer, i) => [layer, i === 0 ? all : (kept.get(layers[i - 1] as number) ?? [])])),
    scores: new Map(layers.map((layer) => [layer, scoresOf(attention(layer))])),
  }
}

/** An output that the comparison adds. */
function scoresName(layer: number): string {
  return `attention_of_block_${layer}`
}

/** Attention [b,h,n,n] → [b][n]: the mean over heads of the first row. */
function scoresOf(attention: TensorLike): number[][] {
  const [, heads = 0, queries = 0, tokens = 0] = attention.dims
  return rows(attention).map((row) =>
    Array.from({ length: tokens }, (_, token) => {
      let sum = 0
      for (let head = 0; head < heads; head++) sum += row[head * queries * tokens + token] as number
      return sum / heads
    }),
  )
}

/** Largest difference of two runs. */
function distance(a: NamedTensors, b: NamedTensors, outputs: readonly string[]): number {
  const differences = outputs.map((name) => {
    const [x, y] = [numbers(a[name]), numbers(b[name])]
    return x.length === y.length ? Math.max(0, ...x.map((value, i) => Math.abs(value - (y[i] as number)))) : Number.NaN
  })
  return Math.max(...differences)
}
