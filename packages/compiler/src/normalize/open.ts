import { cloneModel, type Model } from '@tp/onnx'
import { refuseUnknownShape } from '../analyze/refusal-reasons.ts'
import { requireUnpacked } from '../program/packed-mark.ts'
import { Program } from '../program/program.ts'
import { countNames, readProvenance } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { requireModel } from '../program/require-model.ts'
import { gateSinks } from './attention-sinks.ts'
import { viewBatchFirst } from './batch-first.ts'
import { decideBranches } from './branches.ts'
import { gatherConstants } from './constant-reads.ts'
import { countByInputs } from './counted-positions.ts'
import type { Expansion } from './expansion.ts'
import { readByExample } from './flat-reads.ts'
import { type NormalizePass, normalize } from './normalize-pass.ts'
import { repeatHeads } from './repeat-heads.ts'
import { readShiftedRows } from './shifted-rows.ts'
import { writeOutFused } from './unfuse.ts'

/** A model in the form that analysis knows. */
export interface Opened {
  /** Token counts downstream of earlier cuts have names of their own. */
  readonly program: Program
  /** The parts written out of fused operators, which can be put back. */
  readonly expansions: readonly Expansion[]
}

/**
 * The passes that every model goes through when it is opened, in this order: branches hide operators, fused operators hide heads and rows, and
 * views of the batch come last, since analysis looks at them.
 */
export const normalizations: readonly NormalizePass[] = [
  decideBranches,
  writeOutFused,
  gateSinks,
  repeatHeads,
  gatherConstants,
  readShiftedRows,
  readByExample,
  countByInputs,
  viewBatchFirst,
]

/**
 * The one way to open a model, to look at it or to change it. The model itself is not changed.
 * @throws Refused TP_PACK for a packed model, TP_VALUE; TpError TP_NOT_ONNX
 */
export function openModel(model: Model): Opened {
  requireModel(model)
  requireUnpacked(model)
  const copy = cloneModel(model)
  dropIdleDeclarations(copy)
  const empty = copy.proto.graph?.node.find(
    ({ opType, attribute }) => opType === 'Constant' && !attribute.some(({ name }) => /^(sparse_)?value/.test(name)),
  )
  if (empty !== undefined)
    throw new Refused('TP_VALUE', 'the graph cannot be followed: a constant has no contents', empty)
  const program = new Program(copy, openCounts(copy))
  const opened = { program, expansions: [] }
  try {
    normalize(opened, normalizations)
  } catch (error) {
    throw refuseUnknownShape(program, error) ?? error
  }
  return opened
}

/** Leaves of declared values those that the graph computes or holds, each as it was declared last: the others would be copied with every copy. */
function dropIdleDeclarations({ proto: { graph } }: Model): void {
  if (graph === undefined) return
  const values = new Set([...graph.node.flatMap(({ output }) => output), ...graph.initializer.map(({ name }) => name)])
  const own = new Map(graph.valueInfo.filter(({ name }) => values.has(name)).map((info) => [info.name, info]))
  if (own.size < graph.valueInfo.length) graph.valueInfo = [...own.values()]
}

/** Names for the token counts of earlier cuts; where the file fixes one, its shapes have it as a number everywhere. */
function openCounts(model: Model): ReadonlyMap<string, string> {
  const names = countNames(readProvenance(model))
  if (names.size === 0) return names
  const plain = new Program(model)
  const isFixed = (value: string): boolean => plain.knows(value) && typeof plain.tensor(value).dims[1] === 'number'
  return new Map([...names].filter(([value]) => !isFixed(value)))
}
