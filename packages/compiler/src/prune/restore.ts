import { createNode, type NodeProto } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import { type Layer, stackEnd } from '../analyze/layer.ts'
import type { WholeHead } from '../analyze/whole-head.ts'
import { batchFirst } from '../program/batch-first.ts'
import type { Program } from '../program/program.ts'
import type { Filling } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { copyOutput } from './copy-output.ts'
import { fillWithMean } from './fill-mean.ts'
import { fillWithNearest } from './fill-nearest.ts'
import { PRUNE_DEFAULTS, type PruneOptions } from './prune-options.ts'
import type { Pruning } from './pruning.ts'
import { RestorePoint } from './restore-point.ts'

/** Inserts the points where tokens are restored, if outputs or the user ask for that. */
export function insertRestorePoints(pruning: Pruning): void {
  const { program, encoder, schedule, cutLayers, options } = pruning
  const restoring = cutLayers.size === 0 ? undefined : restoringOf(program, encoder, options)
  if (restoring !== undefined) {
    const make = restoring.atOutputs ? outputPoints : restorePoints
    const restored = make(program, encoder, cutLayers)
    pruning.fill = restoring.fill
    pruning.atOutputs = restoring.atOutputs
    pruning.points = restored.points
    pruning.encoder = restored.encoder
  }
  pruning.returning.insertPoints(program, pruning.encoder, schedule)
}

/** Puts removed tokens back at the restore points. */
export function restoreTokens({ program, encoder, points, fill, returning, cuts }: Pruning): void {
  for (const point of points) {
    if (fill === 'mean') fillWithMean(point, program, encoder, cuts)
    else if (fill === 'nearest') fillWithNearest(point, program, encoder, cuts)
    else point.restore(returning.awayAt(cuts, point), { final: point.before === encoder.layers.length })
  }
}

type Restoring = Pick<Pruning, 'fill' | 'atOutputs'>

const withOwnStates: Restoring = { fill: 'state', atOutputs: false }

/** The rows by which removed tokens are restored, and the point, if they are. */
function restoringOf(program: Program, encoder: Encoder, options: PruneOptions): Restoring | undefined {
  const { earlier, tokenOutputs, countedOutputs, wholeHead } = encoder
  const { restore = PRUNE_DEFAULTS.restore, method } = options
  const needed = tokenOutputs.length + countedOutputs.length > 0 || wholeHead !== undefined
  if (earlier === undefined) {
    if (restore === 'all') return withOwnStates
    if (restore === 'none' || restore === 'weighed') {
      if (wholeHead !== undefined) throw notRestored(wholeHead)
      return undefined
    }
    const atOutputs = needed && givesStatesOnly(program, encoder)
    if (restore === 'nearest') return { fill: 'nearest', atOutputs }
    if (method.completes && pools(encoder)) return withOwnStates
    if (!(needed || method.returns)) return undefined
    if (method.returns) return withOwnStates
    if (!encoder.readsIds) return { fill: 'nearest', atOutputs }
    return atOutputs ? { fill: 'mean', atOutputs } : withOwnStates
  }
  const { restored } = earlier
  if (restore === 'auto' && method.completes && pools(encoder)) {
    const reason = `${method.name} restores tokens upstream of the head, and those that were pruned before are not there`
    throw new Refused('TP_RESTORE', `${reason}; use it in the first pruning, or do not restore`)
  }
  if (restored !== undefined) {
    const { filled, atOutputs } = restored
    requireSameRestoring(restore, filled)
    if (filled === 'mean' && earlier.cuts.some(({ merged }) => merged)) {
      const reason =
        'rows of pruned tokens hold a mean that counts merged tokens by their size, and cannot by what is kept now'
      throw new Refused('TP_PRUNED', `${reason}; prune the file it was made from`)
    }
    return { fill: filled ?? 'state', atOutputs }
  }
  if (restore === 'all' || restore === 'nearest') {
    const reason = 'tokens that were pruned before are not restored, so not all tokens can be'
    throw new Refused('TP_RESTORE', `${reason}; prune the file it was made from with all of them restored`)
  }
  return restore === 'auto' && needed ? withOwnStates : undefined
}

/** The message for a head that needs every token, where none is restored. */
function notRestored({ refused: { refusal } }: WholeHead): Refused {
  const reason = `the head needs every token at its position (${refusal.message})`
  return new Refused(refusal.code, `${reason}; restore them upstream of it: omit restore`, refusal.node)
}

/** Whether an output depends on more tokens than some that are read by their positions. */
function pools({ head }: Encoder): boolean {
  const single = ['class-token', 'last-token', 'chosen-token']
  return head.some(({ reads }) => reads.some(({ kind }) => !single.includes(kind)))
}

const whatFills: Readonly<Record<Pruning['fill'], string>> = {
  state: 'the states that they had',
  mean: 'the mean of the kept ones',
  nearest: 'the nearest kept ones',
}

/** @throws Refused TP_RESTORE for what does not go with an earlier restoring */
function requireSameRestoring(restore: PruneOptions['restore'], filled: Filling | undefined): void {
  if (restore === 'none' || restore === 'weighed') {
    const reason =
      'tokens that were pruned before are restored upstream of the head, so those that are pruned now have to be, too'
    throw new Refused('TP_RESTORE', `${reason}; prune the file it was made from without restoring`)
  }
  const form = restore === 'all' ? undefined : restore === 'nearest' ? restore : filled
  if (form !== filled) {
    const reason = `tokens that were pruned before are restored with ${whatFills[filled ?? 'state']}, not with ${whatFills[form ?? 'state']}`
    throw new Refused('TP_RESTORE', `${reason}; prune the file it was made from, or omit restore`)
  }
}

/**
 * Whether all outputs with a row for each token [b,n,D] are states, not what a head makes of each: then they are pooled
 * outside, if at all, and a mean over states from early layers would be worse than one over the kept tokens.
 */
function givesStatesOnly(
  program: Program,
  { head, tokenOutputs, countedOutputs, wholeHead, batch, tokens }: Encoder,
): boolean {
  if (wholeHead !== undefined) return false
  const isStates = (name: string): boolean => {
    const { rank, dims } = program.tensor(name)
    const reads = head.find(({ output }) => output === name)?.reads ?? []
    return rank === 3 && dims[0] === batch && dims[1] === tokens && reads.every(({ kind }) => kind === 'token-states')
  }
  return countedOutputs.length === 0 && tokenOutputs.every(isStates)
}

/** The points where an earlier pruning restored its tokens, downstream of layer `first`; undefined if it did nowhere. */
function earlierPoints(program: Program, { earlier }: Encoder, first: number): RestorePoint[] | undefined {
  return earlier?.restored?.points
    .filter(({ before }) => before > first)
    .map(({ from, before }) => new RestorePoint(program, from, before))
}

/**
 * Points at the outputs themselves: what else reads these values has the kept tokens. Each output becomes a copy, so that it alone
 * is restored.
 */
function outputPoints(
  program: Program,
  encoder: Encoder,
  cutLayers: Iterable<number>,
): ReturnType<typeof restorePoints> {
  const first = Math.min(...cutLayers)
  const again = earlierPoints(program, encoder, first)
  if (again !== undefined) return { points: again, encoder }
  const renamed = new Map<string, string>()
  const points = encoder.tokenOutputs.flatMap((output) => {
    const sources = program.before(output)
    const before = encoder.layers.filter(({ site }) => sources.has(site)).length
    if (before <= first) return []
    renamed.set(output, copyOutput(program, output))
    return [new RestorePoint(program, output, before)]
  })
  const nameOf = (name: string): string => renamed.get(name) ?? name
  const layers = encoder.layers.map((layer) => ({ ...layer, input: nameOf(layer.input), site: nameOf(layer.site) }))
  return { points, encoder: { ...encoder, layers } }
}

/**
 * Inserts the points where the tokens that are removed at some layers are restored: upstream of the head, and for outputs in between. The
 * encoder has other names for its streams afterwards.
 */
function restorePoints(
  program: Program,
  encoder: Encoder,
  cutLayers: Iterable<number>,
): { readonly points: RestorePoint[]; readonly encoder: Encoder } {
  const first = Math.min(...cutLayers)
  const again = earlierPoints(program, encoder, first)
  if (again !== undefined) return { points: again, encoder }
  const found = stackEnd(program, encoder.layers.at(-1) as Layer)
  const end = found && batchFirst(program, found)
  if (end === undefined)
    throw new Refused(
      'TP_RESTORE',
      'the end of the last layer was not found, so removed tokens cannot be restored for the outputs that need all of them',
    )
  const ofHead = (encoder.wholeHead?.reads ?? [])
    .filter(({ layer }) => layer > first && layer < encoder.layers.length)
    .map(({ stream, readers, layer }) => ({ output: copyFor(program, stream, readers), layer }))
  const between = streamOutputs(program, encoder, first)
  const streams = new Map(between.map(({ layer, stream }) => [layer, stream]))
  const last = new RestorePoint(program, end, encoder.layers.length)
  const points = [...[...ofHead, ...between].map(({ output, layer }) => new RestorePoint(program, output, layer)), last]
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
    return [{ output, stream: copyOutput(program, output), layer }]
  })
}

/** Lets some nodes read a copy of a stream, and returns its name. */
function copyFor(program: Program, stream: string, readers: readonly NodeProto[]): string {
  const { graph } = program
  const copy = graph.uniqueName(`tp/head/${stream}`)
  for (const reader of readers) {
    for (const [index, name] of reader.input.entries()) if (name === stream) graph.replaceInput(reader, index, copy)
  }
  graph.insert([createNode({ type: 'Identity', name: copy, inputs: [stream], outputs: [copy] })])
  program.setTensor(copy, program.tensor(stream))
  graph.sortTopologically()
  return copy
}
