import { add, cast, equal, input, mul, type Tensor, TpError } from '@tp/core'
import { createNode } from '@tp/onnx'
import type { Named, Program } from '../program/program.ts'
import { isFirstOfTwo } from '../program/provenance.ts'
import type { InsertedCut } from './cut.ts'
import { lastingCuts } from './dead-tokens.ts'
import { PRUNE_DEFAULTS } from './prune-options.ts'
import type { Pruning } from './pruning.ts'
import { weighRows } from './weigh-rows.ts'

/** Adds the requested outputs: traces, shares to monitor, and the record of which tokens the rows of compact outputs are. */
export function addExtraOutputs(pruning: Pruning): void {
  const { program, encoder, cuts, options, isOneOfSeveral } = pruning
  const { trace, monitor, deadTokens = PRUNE_DEFAULTS.deadTokens, restore } = options
  const { name } = encoder
  if (trace) addTraces(program, cuts, name, isOneOfSeveral)
  if (monitor) addMonitor(program, deadTokens ? lastingCuts(program, encoder, cuts) : cuts, name, isOneOfSeveral)
  if (restore === 'weighed') pruning.weighed = weighRows(pruning)
  const outputs = restore === 'none' || restore === 'weighed' ? encoder.tokenOutputs : []
  if (outputs.length === 0) return
  pruning.compact = [...outputs, ...addRowOutputs(program, cuts, isOneOfSeveral ? `.${name}` : '')]
}

/** Names of trace outputs begin with it: `tp.trace.3.indices`. */
export const TRACE = 'tp.trace'

/** Name of the output that says which rows of compact outputs are real tokens. */
export const MASK = 'tp.mask'

/** Name of the output that says which position of the model's input each row of compact outputs has. */
export const POSITIONS = 'tp.positions'

/** Adds outputs that say which tokens were kept at each cut, and by which scores if they were kept. `several`: other encoders of the file have traces, too. */
function addTraces(program: Program, cuts: readonly InsertedCut[], encoder: string, several: boolean): void {
  for (const cut of cuts) {
    // Where tokens are pruned twice in a layer, its number is that of the last cut, whose tokens its FFN reads.
    const plain = isFirstOfTwo(cut, cuts) ? `${TRACE}.${cut.layer}.input` : `${TRACE}.${cut.layer}`
    const name = several || program.graph.isOutput(`${plain}.indices`) ? `${TRACE}.${encoder}.${cut.layer}` : plain
    const { position, valid, names } = slotsOf(cut)
    addOutputs(program, cut, names, { [`${name}.indices`]: cast(position, 'int64'), [`${name}.valid`]: valid })
    if (cut.scores === undefined) continue
    const scores = input('scores', 'float32', ['B', 'N'])
    addOutputs(program, cut, new Map([[scores, cut.scores]]), { [`${name}.scores`]: scores })
  }
}

/** Names of the outputs that say what share is kept begin with it: `tp.monitor.mass`. */
const MONITOR = 'tp.monitor'

/**
 * Adds outputs float32 [b]: `tp.monitor.mass`, the share of the score that is kept, averaged over the cuts whose method ranks by
 * scores that are not negative; and where the data decide how many are kept `tp.monitor.kept`, the share of the tokens that
 * is kept by all cuts together.
 * @throws TpError TP_MONITOR if there is nothing to say
 */
function addMonitor(program: Program, cuts: readonly InsertedCut[], encoder: string, several: boolean): void {
  const names = new Map<Tensor, string>()
  const share = (name: string): Tensor => {
    const tensor = input(name, 'float32', ['B'])
    names.set(tensor, name)
    return tensor
  }
  const masses = cuts.flatMap(({ mass }) => (mass === undefined ? [] : [share(mass)]))
  const kept = cuts.some(({ ragged }) => ragged) ? cuts.flatMap(({ kept }) => kept ?? []).map(share) : []
  const last = cuts.at(-1)
  if (last === undefined || masses.length + kept.length === 0) {
    const reason = 'how many tokens are kept is fixed, and the method has no scores of which a share could be kept'
    throw new TpError('TP_MONITOR', 'compiler', `there is nothing to monitor: ${reason}; omit monitor`)
  }
  const isTaken = ['mass', 'kept'].some((name) => program.graph.isOutput(`${MONITOR}.${name}`))
  const prefix = several || isTaken ? `${MONITOR}.${encoder}` : MONITOR
  addOutputs(program, last, names, {
    ...(masses.length > 0 && {
      [`${prefix}.mass`]: mul(
        masses.reduce((a, b) => add(a, b)),
        1 / masses.length,
      ),
    }),
    ...(kept.length > 0 && { [`${prefix}.kept`]: kept.reduce((a, b) => mul(a, b)) }),
  })
}

/**
 * Adds what says of the tokens that are kept in the end, int64 [b,k], which of them are real (1) and what positions they have.
 * @returns the names of the outputs
 */
function addRowOutputs(program: Program, cuts: readonly InsertedCut[], suffix: string): string[] {
  const last = cuts.at(-1)
  if (last === undefined) return []
  const { graph } = program
  const { position, valid, names } = slotsOf(last)
  const outputs = { [MASK + suffix]: cast(valid, 'int64'), [POSITIONS + suffix]: cast(position, 'int64') }
  for (const name of Object.keys(outputs)) {
    const earlier = graph.isOutput(name) ? graph.producer(name) : undefined
    if (earlier === undefined) continue
    // That of an earlier pruning; there are fewer tokens now.
    graph.removeOutput(name)
    graph.remove(earlier)
  }
  addOutputs(program, last, names, outputs)
  return Object.keys(outputs)
}

/** The contents of the slots after a cut: float [B,N] the token's position in the input, bool [B,N] whether it is one. */
function slotsOf(cut: InsertedCut): { position: Tensor; valid: Tensor; names: Map<Tensor, string> } {
  const position = input('position', 'float32', ['B', 'N'])
  const names = new Map([[position, cut.position]])
  if (cut.valid === undefined) return { position, valid: equal(position, position), names }
  const valid = input('valid', 'bool', ['B', 'N'])
  return { position, valid, names: names.set(valid, cut.valid) }
}

function addOutputs(
  program: Program,
  cut: InsertedCut,
  names: ReadonlyMap<Tensor, string>,
  outputs: Readonly<Record<string, Tensor>>,
): void {
  const written = program.writeAll(Object.values(outputs), names, { prefix: `tp/layer_${cut.layer}` })
  for (const [i, [name, { dtype, dims }]] of Object.entries(outputs).entries()) {
    const from = (written[i] as Named).name
    program.graph.insert([createNode({ type: 'Identity', name, inputs: [from], outputs: [name] })])
    program.graph.addOutput(
      name,
      dtype,
      dims.map(() => undefined),
    )
  }
}
