import { ALL_TOKENS, type FlopsShare, planForFlops } from '@tp/compare'
import { type Inspection, inspect, type Plan, Refused, type TrainedValues } from '@tp/compiler'
import { type MethodEntry, TpError } from '@tp/core'
import { loadTokenizer, type ModelFile, readModelFolder } from '@tp/data'
import type { Model } from '@tp/onnx'

/** A plan with its methods and trained values. */
export interface FilePlan {
  readonly plan: Plan
  /** The methods among which that of the plan is found. */
  readonly methods: readonly MethodEntry[]
  /** Values that it has learned. */
  readonly values?: TrainedValues | undefined
  /** In place of a keep ratio, which is found for the model. */
  readonly flops?: FlopsShare | undefined
}

/**
 * Every encoder of a model that can be pruned, or the named one.
 * @param seen its inspection without a name, if that is known
 * @throws Refused; TpError TP_ENCODER
 */
export function inspectEncoders(
  model: Model,
  encoder?: string,
  seen?: ReturnType<typeof inspect>,
): [Inspection, ...Inspection[]] {
  if (encoder !== undefined) return [requireEncoder(inspect(model, { encoder }))]
  const first = requireEncoder(seen ?? inspect(model))
  const others = first.encoders.filter(({ name, refusal }) => name !== first.encoder && refusal === undefined)
  return [first, ...others.map(({ name }) => requireEncoder(inspect(model, { encoder: name })))]
}

/** @throws Refused for a model that cannot be pruned */
export function requireEncoder(found: ReturnType<typeof inspect>): Inspection {
  if (found.ok) return found
  const { code, message, node } = found.refusal
  throw new Refused(code, message, node)
}

/**
 * The plan for one file: with the separator of its texts, and the keep ratio for a share of its FLOPs.
 * @param encoders that the plan is about
 * @throws TpError TP_ENCODER for a share of the FLOPs and several encoders; TP_SCHEDULE for more tokens than the model always has; and as
 * `planForFlops`
 */
export async function planForFile(
  file: ModelFile,
  { plan: own, methods, values, flops }: FilePlan,
  encoders: readonly [Inspection, ...Inspection[]],
): Promise<Plan> {
  for (const { tokens } of encoders) if (own.tokens !== undefined) checkTokens(own.tokens, tokens)
  const plan = { ...own, ...(await segmentOf(file, own)) }
  if (flops === undefined) return plan
  const [inspection, ...others] = encoders
  if (others.length === 0) return planForFlops(file.model, inspection, { plan, methods, values, ...flops })
  const names = encoders.map(({ encoder }) => encoder).join(' or ')
  throw new TpError('TP_ENCODER', 'plans', `a share of the FLOPs goes with one encoder; name it: --encoder ${names}`)
}

function checkTokens(values: number | readonly number[], tokens: Inspection['tokens']): void {
  if (typeof tokens !== 'number') return
  const beyond = [values].flat().find((count) => count > tokens && count !== ALL_TOKENS)
  if (beyond === undefined) return
  const advice = `give at most ${tokens}, or ${ALL_TOKENS} to insert the cuts and keep every token`
  throw new TpError('TP_SCHEDULE', 'plans', `tokens is ${beyond}, but the model always has ${tokens}; ${advice}`)
}

type Segment = Pick<Plan, 'protectSegment' | 'separator'>

/**
 * The segment that is to be protected. Where the model has no numbers of segments and no separator is named, it is the one that
 * the tokenizer next to the model puts between two texts.
 */
export async function segmentOf({ path, model }: ModelFile, { protectSegment, separator }: Segment): Promise<Segment> {
  const segment = {
    ...(protectSegment !== undefined && { protectSegment }),
    ...(separator !== undefined && { separator }),
  }
  if (protectSegment === undefined || separator !== undefined) return segment
  const found = inspect(model)
  const { tokenizer } = await readModelFolder(path)
  if (!found.ok || found.segments !== undefined || tokenizer === undefined) return segment
  const known = (await loadTokenizer(tokenizer)).pairSeparator()
  return { ...segment, ...(known !== undefined && { separator: known }) }
}
