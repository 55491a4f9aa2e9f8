import { type Inspection, prune, transform } from '@tp/compiler'
import { type ScheduleOptions, schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { cloneModel, createNode, Graph, type Model, type NodeProto } from '@tp/onnx'
import { dataSets, difference, type Fixture, fullPrecision, rows, runModel } from 'exported-encoders'
import type { LossFindings } from './nothing-lost.ts'

const LIMIT = 1e-5
const cuts = [0, 1]

/**
 * Pruned tokens might as well be hidden, as keys, from all later layers: a dense graph that hides them returns the same.
 * Undefined where there is no simple graph for it: a head that reads more than the kept tokens, attention that is fused,
 * or less precision.
 */
export async function checkHiddenKeys(
  fixture: Fixture,
  model: Model,
  seen: Inspection,
): Promise<LossFindings | undefined> {
  const [set] = dataSets(fixture)
  const { pooling, outputKind, tokens } = fixture.facts
  if (set === undefined || pooling !== 'cls' || outputKind === 'token-level') return undefined
  if (seen.layers.some(({ fused }) => fused !== undefined) || fullPrecision(model) !== undefined) return undefined
  let largest = 0
  for (const amounts of [{ keep: 0.6 }, { mass: 0.8 }])
    largest = Math.max(
      largest,
      (await unlikeHiding(model, { seen, inputs: set.inputs, tokens, amounts }, fixture.folder)) ?? 0,
    )
  const problems = largest < LIMIT ? [] : [`dropping tokens is not like hiding them: outputs differ by ${largest}`]
  return { difference: largest, problems }
}

export interface HidingRun {
  readonly seen: Inspection
  readonly inputs: NamedTensors
  /** Of the input, special ones included. */
  readonly tokens: number
  readonly amounts: Omit<ScheduleOptions, 'layers'>
}

/** Heads that read one token, which is kept. */
const single: ReadonlySet<string> = new Set(['class-token', 'last-token', 'chosen-token'])

/**
 * Largest difference between dropping tokens after the first two layers and hiding them from all later ones: of rows of kept tokens, and of
 * outputs that read one token. Undefined where no output is one of these.
 */
export async function unlikeHiding(model: Model, run: HidingRun, folder?: string): Promise<number | undefined> {
  const { seen, inputs, tokens, amounts } = run
  const own = schedule(seen.layers.length, { layers: cuts, ...amounts })
  const small = transform(model, prune({ method: receivedAttention(), schedule: own, trace: true }))
  const pruned = await runModel(small.model, inputs, folder)
  const kept = cuts.map((layer) => keptAt(pruned, layer))
  const isFolded = (await scoresOf(model, seen, inputs, folder)).dims.length === 3
  const hidden = biases(kept, tokens, seen, isFolded ? seen.heads : 0)
  const dense = await runModel(hiding(model, seen, isFolded), { ...inputs, ...hidden }, folder)
  const differences = Object.keys(dense).flatMap((name) => {
    const reads = seen.head.find(({ output }) => output === name)?.reads ?? []
    const [own, all] = [rows(pruned[name]), rows(dense[name])]
    if (!seen.tokenOutputs.includes(name))
      return reads.every(({ kind }) => single.has(kind)) ? [difference(own.flat(), all.flat())] : []
    if (dense[name]?.dims[1] !== tokens || pruned[name]?.dims[1] !== tokens) return []
    const remaining = kept.at(-1) as readonly number[][]
    return all.flatMap((row, example) =>
      (remaining[example] as readonly number[]).map((token) => {
        const [from, to] = [(row.length / tokens) * token, (row.length / tokens) * (token + 1)]
        return difference((own[example] as number[]).slice(from, to), row.slice(from, to))
      }),
    )
  })
  return differences.length === 0 ? undefined : Math.max(...differences)
}

/** The probabilities of the first layer: [b,h,n,n], or [b·h,n,n]. */
async function scoresOf(
  model: Model,
  { layers }: Inspection,
  inputs: NamedTensors,
  folder?: string,
): Promise<TensorLike> {
  const graph = new Graph(cloneModel(model))
  const name = softmaxOf(graph, layers[0]?.attention as string).output[0] as string
  graph.addOutput(name, 'float32', [undefined, undefined, undefined])
  return (await runModel(graph.model, inputs, folder))[name] as TensorLike
}

function softmaxOf(graph: Graph, attention: string): NodeProto {
  return graph.nodes.find(({ name, output }) => name === attention || output[0] === attention) as NodeProto
}

/** The model with an input for each layer after a pruning one, which is added to its scores [b,h,n,n], or [b·h,n,n] where heads are folded. */
function hiding(model: Model, { layers }: Inspection, isFolded: boolean): Model {
  const graph = new Graph(cloneModel(model))
  for (const { layer, attention } of layers.slice(1)) {
    const softmax = softmaxOf(graph, attention)
    const [bias, sum] = [biasName(layer), `${biasName(layer)}/sum`]
    graph.addInput(bias, 'float32', isFolded ? [undefined, 1, undefined] : [undefined, 1, 1, undefined])
    graph.insert([createNode({ type: 'Add', inputs: [softmax.input[0] as string, bias], outputs: [sum] })], softmax)
    graph.replaceInput(softmax, 0, sum)
  }
  return graph.model
}

/** `folded`: how many heads each example has in the first axis; 0 where they have an axis of their own. */
function biases(
  kept: readonly (readonly number[][])[],
  tokens: number,
  { layers }: Inspection,
  folded: number,
): NamedTensors {
  const entries = layers.slice(1).map(({ layer }): [string, TensorLike] => {
    const remaining = kept[Math.min(layer, cuts.length) - 1] as readonly number[][]
    const data = remaining.flatMap((row) => {
      const own = Array.from({ length: tokens }, (_, token) => (row.includes(token) ? 0 : -1e9))
      return Array.from({ length: Math.max(1, folded) }, () => own).flat()
    })
    const dims = folded === 0 ? [remaining.length, 1, 1, tokens] : [remaining.length * folded, 1, tokens]
    return [biasName(layer), { type: 'float32', dims, data: Float32Array.from(data) }]
  })
  return Object.fromEntries(entries)
}

/** By row: kept tokens, without the fillers of shorter rows. */
function keptAt(results: NamedTensors, layer: number): number[][] {
  const valid = rows(results[`tp.trace.${layer}.valid`])
  return rows(results[`tp.trace.${layer}.indices`]).map((row, b) => row.filter((_, slot) => valid[b]?.[slot] === 1))
}

function biasName(layer: number): string {
  return `hidden_from_layer_${layer}`
}
