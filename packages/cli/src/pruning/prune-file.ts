import { ALL_TOKENS, isText, planForFlops } from '@tp/compare'
import {
  fromPlan,
  type Inspection,
  inspect,
  type Plan,
  type PruneReport,
  reportOf,
  transform,
  transformsOf,
  type UnplannedOptions,
} from '@tp/compiler'
import { type Schedule, TpError } from '@tp/core'
import type { ModelFile } from '@tp/data'
import { usageError } from '../arguments/usage-error.ts'
import { interruptible } from '../context/endable.ts'
import { requireKeptRows } from '../model/as-pooled.ts'
import { naming, RefusalError } from '../model/refusal-error.ts'
import type { Pruned } from '../printing/pruned-report.ts'
import type { ReadPlan } from './read-plan.ts'
import { segmentOf } from './segment.ts'
import { requireValues } from './weights.ts'

/**
 * @param encoder the encoder that is meant; default: the first that can be pruned
 * @throws RefusalError; TpError TP_ENCODER
 */
export function inspectFile(file: ModelFile, encoder?: string): Inspection {
  return requireEncoder(file, inspect(file.model, encoder === undefined ? {} : { encoder }))
}

/** @throws RefusalError */
export function requireEncoder({ path }: Pick<ModelFile, 'path'>, found: ReturnType<typeof inspect>): Inspection {
  if (!found.ok) throw new RefusalError(path, found.refusal)
  return found
}

/**
 * Every encoder of a file that can be pruned, or the named one.
 * @param seen what was found in it without a name, if that is known
 * @throws RefusalError; TpError TP_ENCODER
 */
export function inspectEncoders(
  file: ModelFile,
  encoder?: string,
  seen?: ReturnType<typeof inspect>,
): [Inspection, ...Inspection[]] {
  if (encoder !== undefined) return [inspectFile(file, encoder)]
  const first = seen === undefined ? inspectFile(file) : requireEncoder(file, seen)
  const others = first.encoders.filter(({ name, refusal }) => name !== first.encoder && refusal === undefined)
  return [first, ...others.map(({ name }) => inspectFile(file, name))]
}

type PlanToApply = Omit<ReadPlan, 'method' | 'learns'>

/**
 * Prunes a file by a plan, all but the layers that the plan leaves out; without a schedule only dead tokens are removed.
 * @param encoders of the file, those that the plan is about
 * @throws RefusalError; TpError TP_SCHEDULE, TP_PROTECT, TP_WEIGHTS, TP_FLOPS
 */
export async function pruneFile(
  file: ModelFile,
  read: PlanToApply,
  encoders: readonly Inspection[],
  unplanned: UnplannedOptions = {},
): Promise<Pruned> {
  const { methods, values } = read
  const { leaveOut: _, ...plan } = await planFor(file, read, encoders)
  const options = fromPlan(plan, methods, values)
  const among = encoders.map(({ encoder }) => encoder)
  const layers = encoders.flatMap(({ encoder: name, layers: { length: layerCount }, open, tokens }) => {
    if (plan.tokens !== undefined) checkTokens(plan.tokens, tokens)
    const schedule: Schedule = options.schedule({ name, layerCount, open, among })
    return [...schedule.keys()]
  })
  if (layers.length > 0) await requireKeptRows(file)
  requireValues(options.method, layers, values, file.path)
  const transforms = transformsOf(plan, methods, { ...unplanned, values, source: file.hash() })
  const { model, reports } = interruptible(() => naming(file.path, () => transform(file.model, ...transforms)))
  const { layerCount, cuts, encoders: pruned } = reportOf(reports, 'prune') as PruneReport
  const rounded = reportOf(reports, 'quantize')
  return { model, options, layerCount, cuts, encoders: pruned, ...(rounded && { quantized: rounded.nodes }) }
}

/** The plan for one file: with the separator of its texts, and the keep ratio of a share of its FLOPs. @throws TpError TP_USAGE */
export async function planFor(
  file: ModelFile,
  { plan: own, methods, values, flops }: PlanToApply,
  encoders: readonly Inspection[],
): Promise<Plan> {
  const plan = { ...own, ...(await segmentOf(file, own)) }
  const [inspection, ...others] = encoders
  if (flops === undefined || inspection === undefined) return plan
  const { share, tokens } = flops
  if (others.length > 0)
    throw usageError(
      `--flops goes with one encoder; name it: --encoder ${encoders.map((each) => each.encoder).join(' or ')}`,
    )
  if (isText(inspection) && tokens === undefined)
    throw usageError(`--flops ${share} needs the length that it is meant for: --flops ${share}@128`)
  return planForFlops(file.model, inspection, { plan, methods, values, share, tokens })
}

function checkTokens(values: number | readonly number[], tokens: Inspection['tokens']): void {
  if (typeof tokens !== 'number') return
  const beyond = [values].flat().find((count) => count > tokens && count !== ALL_TOKENS)
  if (beyond === undefined) return
  const advice = `give at most ${tokens}, or ${ALL_TOKENS} to insert the cuts and keep every token`
  throw new TpError('TP_SCHEDULE', 'tp', `tokens is ${beyond}, but the model always has ${tokens}; ${advice}`)
}
