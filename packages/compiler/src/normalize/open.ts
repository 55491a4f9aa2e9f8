import { cloneModel, type Model } from '@tp/onnx'
import { isPacked } from '../program/packed-mark.ts'
import { Program } from '../program/program.ts'
import { countNames, readProvenance } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { requireModel } from '../program/require-model.ts'
import { viewBatchFirst } from './batch-first.ts'
import { decideBranches } from './branches.ts'
import { readRowByRow } from './flat-reads.ts'
import { unfuse } from './unfuse.ts'

/** A model to work on, its fused operators written out; token counts behind earlier cuts have names of their own. The model itself is not changed. */
export function openProgram(model: Model): Program {
  requireModel(model)
  if (isPacked(model)) {
    throw new Refused(
      'TP_PACKED',
      'the model is packed already; work on the file it was made from, and pack the result',
    )
  }
  const copy = cloneModel(model)
  const empty = copy.proto.graph?.node.find(
    ({ opType, attribute }) => opType === 'Constant' && !attribute.some(({ name }) => /^(sparse_)?value/.test(name)),
  )
  if (empty !== undefined)
    throw new Refused('TP_VALUE', 'the graph cannot be followed: a constant has no contents', empty)
  decideBranches(copy)
  const steps = readProvenance(model)
  const counts = countNames(steps)
  const expansions = unfuse(copy, counts)
  const kept = steps.flatMap(({ cuts }) => cuts)
  const program = new Program(copy, counts, expansions, kept)
  const edited = [readRowByRow(program), viewBatchFirst(program)]
  return edited.includes(true) ? new Program(copy, counts, expansions, kept) : program
}
