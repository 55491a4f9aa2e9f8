import { readFileSync } from 'node:fs'
import { inspect, type PruneOptions, pack, prune, quantize, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { createNode, decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'

export interface MailOptions extends Partial<PruneOptions> {
  readonly packed?: boolean
  /** The states of its last layer, [batch, sequence, 128], as its one output. */
  readonly states?: boolean
  /** In 8 bits, with a scale for each token. */
  readonly eightBits?: boolean
}

/** The mail model as bytes: plain, pruned, or packed. */
export function mailModel({
  packed = false,
  states = false,
  eightBits = false,
  ...pruning
}: MailOptions = {}): Uint8Array {
  const dense = decodeModel(readFileSync(modelPath('mail')))
  if (states) withStates(dense)
  const options = { method: receivedAttention(), ...pruning } as PruneOptions
  const pruned = pruning.schedule === undefined ? dense : transform(dense, prune(options)).model
  const model = eightBits ? transform(pruned, quantize()).model : pruned
  return encodeModel(packed ? packedOf(model) : model)
}

export const half: PruneOptions['schedule'] = schedule(6, { keep: 0.5 })

/** Another number of tokens in every example. */
export const byThreshold: PruneOptions['schedule'] = schedule(6, { threshold: 0.004, layers: [1, 2, 3, 4] })

function withStates(model: Model): void {
  const found = inspect(model)
  const graph = new Graph(model)
  graph.removeOutput('logits')
  graph.addOutput(found.ok ? (found.layers.at(-1)?.output as string) : '', 'float32', ['batch', 'sequence', 128])
  graph.removeDeadNodes()
}

function packedOf(model: Model): Model {
  const result = transform(model, pack())
  return result.model
}

/** Texts of these tokens as one batch, padded to the longest. */
export function textBatch(texts: readonly (readonly number[])[]): NamedTensors {
  const length = Math.max(...texts.map((ids) => ids.length))
  const fill = (valueAt: (ids: readonly number[], i: number) => number): TensorLike => ({
    type: 'int64',
    dims: [texts.length, length],
    data: BigInt64Array.from(
      texts.flatMap((ids) => Array.from({ length }, (_, i) => BigInt(i < ids.length ? valueAt(ids, i) : 0))),
    ),
  })
  return { input_ids: fill((ids, i) => ids[i] as number), attention_mask: fill(() => 1) }
}

/** The mail model with one logit, as models that rank pairs of texts have it. */
export function ranker(): Uint8Array {
  const model = decodeModel(mailModel())
  const graph = new Graph(model)
  graph.addInitializer('against', { type: 'float32', dims: [2, 1], data: Float32Array.of(-1, 1) })
  graph.insert([createNode({ type: 'MatMul', inputs: ['logits', 'against'], outputs: ['score'] })])
  graph.addOutput('score', 'float32', ['batch', 1])
  graph.removeOutput('logits')
  return encodeModel(model)
}

/** The mail model whose graph does not say what it gives: probabilities, each of its own, or logits, none of which is below 0. */
export function unsettled(form: 'probabilities' | 'logits'): Uint8Array {
  const model = decodeModel(mailModel())
  const graph = new Graph(model)
  const opType = form === 'logits' ? 'Relu' : 'Sigmoid'
  graph.insert([
    createNode({ type: opType, inputs: ['logits'], outputs: ['own'] }),
    createNode({ type: 'Abs', inputs: ['own'], outputs: ['answer'] }),
  ])
  graph.addOutput('answer', 'float32', ['batch', 2])
  graph.removeOutput('logits')
  return encodeModel(model)
}
