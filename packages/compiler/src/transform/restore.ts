import { createNode } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import { type Layer, stackEnd } from '../analyze/layer.ts'
import { batchFirst } from '../program/batch-first.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import type { PruneOptions } from './prune-options.ts'
import type { PruningPass } from './pruning.ts'
import { RestorePoint } from './restore-point.ts'

/** Inserts the points where tokens are restored, if outputs or the user ask for that. */
export const insertRestorePoints: PruningPass = {
  name: 'insert restore points',
  requires: [],
  ensures: ['restore points inserted'],
  run(pruning) {
    const { program, encoder, schedule, options } = pruning
    if (schedule.size > 0 && restores(encoder, options)) {
      const restored = restorePoints(program, encoder, schedule.keys())
      pruning.points = restored.points
      pruning.encoder = restored.encoder
    }
    pruning.returning.insertPoints(program, pruning.encoder, schedule)
    return false
  },
}

/** Puts removed tokens back at the restore points. */
export const restoreTokens: PruningPass = {
  name: 'restore tokens',
  requires: ['restore points inserted', 'tokens pruned', 'pooling counts kept tokens', 'single tokens read'],
  ensures: ['tokens restored'],
  run({ points, returning, cuts }) {
    for (const point of points) point.restore(returning.awayAt(cuts, point))
    return false
  },
}

/** Whether removed tokens are restored. */
function restores(
  { earlier, tokenOutputs, countedOutputs }: Encoder,
  { restore = 'auto', method: { returns = false } }: PruneOptions,
): boolean {
  const needed = tokenOutputs.length + countedOutputs.length > 0
  if (earlier === undefined) return restore === 'all' || (restore === 'auto' && (returns || needed))
  const already = earlier.restored !== undefined
  if (already && restore === 'none') {
    const reason =
      'tokens that were pruned before are restored upstream of the head, so those that are pruned now have to be, too'
    throw new Refused('TP_RESTORE', `${reason}; prune the file it was made from without restoring`)
  }
  if (!already && restore === 'all') {
    const reason = 'tokens that were pruned before are not restored, so not all tokens can be'
    throw new Refused('TP_RESTORE', `${reason}; prune the file it was made from with all of them restored`)
  }
  return already || (restore === 'auto' && needed)
}

/**
 * Inserts the points where the tokens that a schedule removes are restored: upstream of the head, and for outputs in between. The
 * encoder has other names for its streams afterwards.
 */
function restorePoints(
  program: Program,
  encoder: Encoder,
  scheduled: Iterable<number>,
): { readonly points: RestorePoint[]; readonly encoder: Encoder } {
  const first = Math.min(...scheduled)
  const { earlier } = encoder
  if (earlier?.restored !== undefined) {
    const points = earlier.restored.points.filter(({ before }) => before > first)
    return { points: points.map(({ from, before }) => new RestorePoint(program, from, before)), encoder }
  }
  const found = stackEnd(program, encoder.layers.at(-1) as Layer)
  const end = found && batchFirst(program, found)
  if (end === undefined)
    throw new Refused(
      'TP_RESTORE',
      'where the last layer ends was not found, so removed tokens cannot be restored for the outputs that need all of them',
    )
  const between = streamOutputs(program, encoder, first)
  const streams = new Map(between.map(({ layer, stream }) => [layer, stream]))
  const last = new RestorePoint(program, end, encoder.layers.length)
  const points = [...between.map(({ output, layer }) => new RestorePoint(program, output, layer)), last]
  const layers = encoder.layers.map((layer, i) => ({
    ...layer,
    input: streams.get(i) ?? layer.input,
    site: layer.site === last.to ? last.from : layer.site,
  }))
  return { points, encoder: { ...encoder, layers } }
}

/**
 * Outputs that are the stream itself between two layers (hidden states), after layer `first`: layer `layer` reads it.
 * Each becomes a copy of `stream`, so that it can be restored while the layers continue with the kept tokens.
 */
function streamOutputs(
  program: Program,
  { layers }: Encoder,
  first: number,
): { readonly output: string; readonly stream: string; readonly layer: number }[] {
  const { graph } = program
  return graph.outputs.flatMap(({ name: output }) => {
    let origin = output
    for (let node = graph.producer(origin); node?.opType === 'Identity'; node = graph.producer(origin))
      origin = node.input[0] as string
    const layer = layers.findIndex(({ input }) => input === origin)
    const producer = graph.producer(output)
    if (layer <= first || producer === undefined) return []
    if (origin !== output) return [{ output, stream: origin, layer }]
    const stream = graph.uniqueName(`tp/${output}`)
    program.setTensor(stream, program.tensor(output))
    graph.renameOutput(producer, producer.output.indexOf(output), stream)
    graph.insert([createNode({ type: 'Identity', name: stream, inputs: [stream], outputs: [output] })])
    graph.sortTopologically()
    return [{ output, stream, layer }]
  })
}
