import type { NamedTensors, Session } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { boundedProcess, boundsFor } from '../bounded/bounded-runtime.ts'
import {
  largestDifference,
  notVerified,
  relativeDistance,
  requireFiniteDense,
  requireSameShapes,
} from '../model/compare-outputs.ts'
import { inputRoles } from '../model/input-shapes.ts'
import { type ModelFile, sizeOfFiles } from '../model/model-file.ts'
import { roundingOf } from '../model/rounding.ts'
import { rowOf } from '../model/rows.ts'
import { sampleInputs } from '../model/sample-inputs.ts'

export interface PackVerification {
  /** Largest difference of any output, relative for numbers beyond 1. */
  readonly difference: number
  /** Of a quantised file, where single numbers say little. */
  readonly quantised?: QuantisedDistances
}

interface QuantisedDistances {
  /** Distance of the packed file's outputs, as a share of their size (2-norms). */
  readonly distance: number
  /** The same between the file's own outputs for an example alone and in a batch; absent where the batch is fixed. */
  readonly own?: number
}

const BATCH = 3

/** Of a quantised file: what the rounding of 8 bits may change, since a sum in another order rounds otherwise at the next layer. */
const STEPS = 0.1
/** … or so many times what a file's own answers change with the batch, whose range they are rounded by. */
const TIMES = 3

/**
 * Runs a packed model and the one it was made from on sentences of one length.
 * @throws TpError TP_VERIFY, TP_DENSE where the model itself does not hold, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyPacked(file: ModelFile, packed: string, signal: AbortSignal): Promise<PackVerification> {
  const roles = inputRoles(file.model)
  const batch = typeof roles.batch === 'number' ? roles.batch : BATCH
  const inputs = sampleInputs(file.model, roles, { batch, tokens: 40 })
  const bounds = boundsFor(await sizeOfFiles(file))
  await using process = boundedProcess(signal)
  await using padded = await process.load(file.path, { runtime: 'node', bounds })
  const expected = await padded.run(inputs, { signal })
  requireFiniteDense(expected)
  await using session = await process.load(packed, { runtime: 'native', bounds })
  const seen = await session.run(inputs, { signal })
  requireSameShapes(seen, expected)
  const difference = Math.max(
    ...Object.entries(expected).map(([name, tensor]) => largestDifference(seen[name], tensor)),
  )
  if (!isQuantised(file.model)) {
    if (difference <= roundingOf(file.model)) return { difference }
    throw notVerified(`packed, the outputs differ by ${difference} from those of ${file.path}`)
  }
  const distance = distanceOf(seen, expected)
  const own = typeof roles.batch === 'number' ? undefined : await ownDistance(padded, inputs, expected, signal)
  if (distance <= Math.max(STEPS, TIMES * (own ?? 0))) {
    return { difference, quantised: { distance, ...(own !== undefined && { own }) } }
  }
  const seenText = `the outputs differ by ${percent(distance)} from those of ${file.path}`
  throw notVerified(`packed, ${seenText}, which is more than rounding in 8 bits explains`)
}

function isQuantised({ proto }: Model): boolean {
  return proto.graph?.node.some(({ opType }) => /QuantizeLinear$|^QAttention$/.test(opType)) ?? false
}

/** How far the answers to examples alone are from those in a batch. */
async function ownDistance(
  session: Session,
  inputs: NamedTensors,
  together: NamedTensors,
  signal: AbortSignal,
): Promise<number> {
  let most = 0
  for (let row = 0; row < BATCH; row++) {
    const alone = await session.run(rowOf(inputs, row), { signal })
    most = Math.max(most, distanceOf(alone, rowOf(together, row)))
  }
  return most
}

function distanceOf(actual: NamedTensors, expected: NamedTensors): number {
  return Math.max(...Object.entries(expected).map(([name, tensor]) => relativeDistance(actual[name], tensor)))
}

/** What was verified, in words. */
export function packVerificationText({ difference, quantised }: PackVerification): string {
  const seen = `verified: differs by at most ${difference.toExponential(1)}`
  if (quantised === undefined) return seen
  const { distance, own } = quantised
  const why = `${percent(distance)} of their size: rounding in 8 bits, by ranges that depend on the batch`
  const self = own === undefined ? '' : ` (the file's own outputs differ by ${percent(own)} alone and in a batch)`
  return `${seen}, ${why}${self}`
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`
}
