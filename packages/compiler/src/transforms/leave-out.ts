import { TpError } from '@tp/core'
import { cloneModel, createNode, Graph } from '@tp/onnx'
import { chooseEncoders } from '../analyze/find-encoders.ts'
import { layerOutput } from '../analyze/layer.ts'
import { operatorName } from '../operators/operator.ts'
import { planFields } from '../plan/plan.ts'
import { demand, requireOptions } from '../plan/require-options.ts'
import { addLeftOut, type LeftOutLayers } from '../program/left-out.ts'
import { Refused } from '../program/refusal.ts'
import { encodersOf, opened } from './analysis.ts'
import { hasAllTokens, hasEncoder, isUnpacked, saysWhatIsLeftOut } from './conditions.ts'
import type { Condition, Transform } from './transform.ts'

export interface LeaveOutOptions {
  /** From 0, in the file's own numbering. */
  readonly layers: readonly number[]
  /** Name of the encoder that is meant, in a file that holds several which can be pruned. */
  readonly encoder?: string | undefined
}

export interface LeaveOutReport extends Omit<LeftOutLayers, 'version'> {
  readonly transform: 'leaveOut'
}

/**
 * Leaves layers out of a model, the baseline that pruning tokens has to beat: readers of the stream that a layer returns read
 * the one that the layer has read. Nothing else changes, and nothing is trained; in Fan et al. (arXiv:1909.11556) the
 * network has learned to do with fewer layers, here it has not. The remaining layers are numbered from 0 again, and the file
 * keeps a record (`leftOut` of `inspect`).
 *
 * Refused like what cannot be pruned, and TP_PRUNED for a file whose tokens are pruned already, TP_LAYERS where a layer's
 * beginning and end are not values of the file.
 * @throws TpError TP_LAYERS for what is not a list of layers; TP_OPTION for an unknown option; once applied, TP_LAYERS for a layer that does not
 * exist, or if none would remain; TP_ENCODER for an unknown encoder, or if several could be meant
 * @example
 * const { model } = transform(dense, leaveOut({ layers: [3] }), prune({ method, schedule: schedule(5, { keep: 0.7 }) }))
 */
export function leaveOut(options: LeaveOutOptions): Transform<LeaveOutReport> {
  checkLeaveOut(options)
  const { encoder } = options
  const layers = [...new Set(options.layers)].sort((a, b) => a - b)
  const some = layers.length > 0
  return {
    name: 'leaveOut',
    requires: [isUnpacked, hasEncoder(encoder), ...(some ? [hasOneEncoder(encoder), hasAllTokens(encoder)] : [])],
    ensures: some ? [saysWhatIsLeftOut] : [],
    apply(subject) {
      const found = encodersOf(subject)
      const [{ name, layers: all }] = chooseEncoders(found, encoder)
      const facts = { ...(found.length > 1 && { encoder: name }), layers, of: all.length }
      const report: LeaveOutReport = { transform: 'leaveOut', ...facts }
      if (!some) return { model: subject.model, report }
      requireLayers(all.length, layers)
      const { program } = opened(subject)
      const model = cloneModel(subject.model)
      const graph = new Graph(model)
      // From the last to the first, so that a layer's input is still what it was.
      for (const layer of layers.toReversed())
        bypass(graph, layer, all[layer]?.input as string, layerOutput(program, all, layer))
      graph.removeDeadNodes()
      addLeftOut(model, facts)
      return { model, report }
    },
  }
}

function checkLeaveOut(options: unknown): asserts options is LeaveOutOptions {
  const { layers, encoder } = requireOptions(options, ['layers', 'encoder'])
  demand('layers', layers, planFields.leaveOut)
  if (encoder !== undefined) demand('encoder', encoder, planFields.encoder)
}

/** @param encoder the name of the one that is meant */
function hasOneEncoder(encoder: string | undefined): Condition {
  return {
    name: 'has one encoder that can be pruned, or the one that is named',
    check(subject) {
      if (encoder !== undefined) return
      const names = chooseEncoders(encodersOf(subject), encoder).map(({ name }) => name)
      if (names.length === 1) return
      const seen = `the model has ${names.length} encoders, each with a layer 0`
      throw new TpError('TP_ENCODER', 'compiler', `${seen}; name the one to leave layers out of: ${names.join(' or ')}`)
    },
  }
}

function requireLayers(count: number, without: readonly number[]): void {
  const unknown = without.find((layer) => layer >= count)
  if (unknown !== undefined) {
    throw new TpError('TP_LAYERS', 'compiler', `there is no layer ${unknown}; layers are 0 to ${count - 1}`)
  }
  if (without.length === count) throw new TpError('TP_LAYERS', 'compiler', 'no layer would remain')
}

/** @throws Refused */
function bypass(graph: Graph, layer: number, input: string, output: string | undefined): void {
  const producer = output === undefined ? undefined : graph.producer(output)
  if (output === undefined || producer === undefined || !graph.has(input)) {
    throw new Refused('TP_LAYERS', `where layer ${layer} begins and ends cannot be told from the graph`)
  }
  // A fused residual gives the stream and its norm: readers of the norm would go on reading the layer.
  if (producer.output.some((name) => name !== output && graph.isUsed(name))) {
    const seen = `layer ${layer} ends in ${operatorName(producer)}, which also computes what the next layer reads`
    throw new Refused('TP_LAYERS', `${seen}; leave layers out of the file before it is optimized`, producer)
  }
  if (!graph.isOutput(output)) {
    graph.replaceAllUses(output, input)
    return
  }
  const free = graph.uniqueName(output)
  graph.renameOutput(producer, producer.output.indexOf(output), free)
  graph.replaceAllUses(free, input)
  graph.insert([createNode({ type: 'Identity', inputs: [input], outputs: [output] })])
}
