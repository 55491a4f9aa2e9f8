import { factor, inputKind } from '@tp/compare'
import { type Inspection, type inspect, type Plan, readProvenance } from '@tp/compiler'
import { isTpError } from '@tp/core'
import type { ModelFile } from '@tp/data'
import type { Context } from '../command/context.ts'
import { endable } from '../command/endable.ts'
import { withoutItsLayers } from './leave-out.ts'
import { KEPT_ROWS } from './output-tokens.ts'
import { inspectEncoders, type Pruned, type PruningSettings, pruneFile } from './prune-file.ts'
import type { SpeedReport } from './pruned-report.ts'
import { type ReadPlan, readPlan } from './read-plan.ts'
import { safeDefault } from './safe-default.ts'
import { schedulesOf } from './schedules.ts'
import { type MeasuredSpeed, timePruned } from './time-pruned.ts'
import { ASKED_FOR, FILLED_ROWS, wholeHeadNote } from './whole-heads.ts'

/** What of the command line concerns a pruning besides its plan. */
export interface AttemptOptions {
  readonly trace: boolean
  readonly monitor: boolean
  readonly outputTokens: boolean
  readonly deadTokens: boolean
  /** Whether a decoder of its states is repaired, too: then there are as many states as kept tokens. */
  readonly repairs: boolean
  /** What was found in the file. */
  readonly seen: ReturnType<typeof inspect>
  /** Whether nothing was asked for. */
  readonly isDefault: boolean
}

/** A file as it was pruned, not written yet. */
export interface Attempt {
  /** What was pruned: the file, or the file without layers that were to be left out. */
  readonly file: ModelFile
  readonly model: Inspection
  readonly pruned: Pruned
  readonly plan: Plan
  readonly settings: PruningSettings
  /** What is known of models of this kind, in sentences. */
  readonly notes: readonly string[]
  /** Where it was timed. */
  readonly speed?: SpeedReport
}

/** @throws RefusalError; TpError TP_SCHEDULE, TP_PROTECT, TP_WEIGHTS, TP_LAYERS */
export async function pruneByPlan(whole: ModelFile, read: ReadPlan, options: AttemptOptions): Promise<Attempt> {
  const { plan } = read
  const { trace, monitor, outputTokens, deadTokens, repairs, seen, isDefault } = options
  const settings = repairs ? { ...read.settings, restore: 'none' as const } : read.settings
  const file = withoutItsLayers(whole, plan)
  const encoders = inspectEncoders(file, settings.encoder, file === whole ? seen : undefined)
  const schedules = schedulesOf(read, file.model, encoders)
  const known = outputTokens ? KEPT_ROWS : wholeHeadNote(encoders, inputKind(file.model), settings.restore)
  const isPruned = [...schedules.values()].some((schedule) => schedule.size > 0)
  const pruned = await pruneFile(file, { ...settings, trace, monitor, deadTokens }, schedules)
  const isFilled = readProvenance(pruned.model).some(({ filled }) => filled === 'mean')
  const notes = [
    ...(known !== undefined && (isPruned || isDefault) ? [known] : []),
    ...(known !== undefined && isPruned && !isDefault ? [ASKED_FOR] : []),
    ...(isFilled ? [FILLED_ROWS] : []),
  ]
  return { file, model: encoders[0], pruned, plan, settings, notes }
}

/** Times as fast as what is exact that a pruning without examples must be: it may lose something. */
const WORTH_IT = 1.05

/**
 * Prunes a file of which nothing is asked: by what was measured to be safe for its head, if that is faster on this machine than
 * what is exact, which is done otherwise.
 */
export async function pruneByDefault(
  whole: ModelFile,
  given: Parameters<typeof readPlan>[0],
  { beforeTiming, ...options }: Omit<AttemptOptions, 'isDefault'> & { beforeTiming(): Promise<void> },
  context: Context,
): Promise<Attempt> {
  const how = { ...options, isDefault: true }
  const { method, keep, why } = safeDefault(whole, inspectEncoders(whole, given.encoder, options.seen))
  const attempt = async (asked: Parameters<typeof readPlan>[0]): Promise<Attempt> => {
    const read = await readPlan(asked)
    return await endable(() => pruneByPlan(whole, read, how))
  }
  const exact = await attempt({ ...given, method: 'none' })
  await beforeTiming()
  const noting = (one: Attempt, ...notes: string[]): Attempt => ({ ...one, notes: [...one.notes, ...notes] })
  const timed = async (...attempts: Attempt[]): Promise<MeasuredSpeed> =>
    await timePruned(
      whole,
      exact.model,
      attempts.map(({ pruned }) => pruned.model),
      context,
    )
  const withSpeed = (one: Attempt, { speedups, tokens }: MeasuredSpeed, i: number): Attempt => ({
    ...one,
    speed: { ...(speedups[i] as MeasuredSpeed['speedups'][number]), ...(tokens !== undefined && { tokens }) },
  })
  if (keep === undefined) return withSpeed(noting(exact, why), await timed(exact), 0)
  const name = `${method} at keep ${keep}`
  let fast: Attempt
  try {
    fast = await attempt({ ...given, method, keep })
  } catch (error) {
    if (!isTpError(error) || error.code === 'TP_ABORTED') throw error
    const refused = `${name}, which is used for such a head, does not suit this model: ${error.message}`
    return withSpeed(noting(exact, refused), await timed(exact), 0)
  }
  const speed = await timed(exact, fast)
  const [ofExact, ofFast] = speed.speedups.map(({ value }) => value) as [number, number]
  if (ofFast >= WORTH_IT * ofExact) return withSpeed(noting(fast, why), speed, 1)
  const slower = `${name}, which is used for such a head, is ${factor(ofFast)} as fast here, so only what is exact is done`
  return withSpeed(noting(exact, slower), speed, 0)
}
