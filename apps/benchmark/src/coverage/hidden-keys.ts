import { type Inspection, prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { cloneModel, createNode, Graph, type Model, type NodeProto } from '@tp/onnx'
import { dataSets, difference, type Fixture, fullPrecision, numbers, rows, runModel } from 'exported-encoders'
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
  for (const amounts of [{ keep: 0.6 }, { mass: 0.8 }]) {
    const own = schedule(seen.layers.length, { layers: cuts, ...amounts })
    const small = transform(model, prune({ method: receivedAttention(), schedule: own, trace: true }))
    const pruned = await runModel(small.model, set.inputs, fixture.folder)
    const kept = cuts.map((layer) => keptAt(pruned, layer))
    const dense = await runModel(hiding(model, seen), { ...set.inputs, ...biases(kept, tokens, seen) }, fixture.folder)
    const whole = Object.keys(dense).filter((name) => !seen.tokenOutputs.includes(name))
    const differences = whole.map((name) => difference(numbers(pruned[name]), numbers(dense[name])))
    largest = Math.max(largest, ...differences)
  }
  const problems = largest < LIMIT ? [] : [`dropping tokens is not like hiding them: outputs differ by ${largest}`]
  return { difference: largest, problems }
}

/** The model with an input for each layer after a pruning one, which is added to its scores [b,h,n,n]. */
function hiding(model: Model, { layers }: Inspection): Model {
  const graph = new Graph(cloneModel(model))
  for (const { layer, attention } of layers.slice(1)) {
    const softmax = graph.nodes.find(({ name, output }) => name === attention || output[0] === attention) as NodeProto
    const [bias, sum] = [biasName(layer), `${biasName(layer)}/sum`]
    graph.addInput(bias, 'float32', [undefined, 1, 1, undefined])
    graph.insert([createNode({ type: 'Add', inputs: [softmax.input[0] as string, bias], outputs: [sum] })], softmax)
    graph.replaceInput(softmax, 0, sum)
  }
  return graph.model
}

function biases(kept: readonly (readonly number[][])[], tokens: number, { layers }: Inspection): NamedTensors {
  const entries = layers.slice(1).map(({ layer }): [string, TensorLike] => {
    const remaining = kept[Math.min(layer, cuts.length) - 1] as readonly number[][]
    const data = remaining.flatMap((row) =>
      Array.from({ length: tokens }, (_, token) => (row.includes(token) ? 0 : -1e9)),
    )
    return [biasName(layer), { type: 'float32', dims: [remaining.length, 1, 1, tokens], data: Float32Array.from(data) }]
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
