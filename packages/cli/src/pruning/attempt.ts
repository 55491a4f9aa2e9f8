import type { inspect, Plan } from '@tp/compiler'
import { type ModelFile, maxTokensOf } from '@tp/data'
import { loadFile, loadSession } from '@tp/data/files'
import { pruneSafely, pruningNotes, safeChoiceNote } from '@tp/optimize'
import { inspectEncoders, type PrunedModelFile } from '@tp/plans/files'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../context/context.ts'
import { endable } from '../context/endable.ts'
import { laterLayersText } from '../printing/later-layers.ts'
import type { SpeedReport } from '../printing/pruned-report.ts'
import { pruneFile } from './prune-file.ts'
import { type ReadPlan, readPlan } from './read-plan.ts'

/** The part of the command line that concerns a pruning besides its plan. */
export interface AttemptOptions {
  readonly trace: boolean
  readonly monitor: boolean
  readonly outputTokens: boolean
  readonly deadTokens: boolean
  /** The findings about the file. */
  readonly seen: ReturnType<typeof inspect>
  /** Whether no option says how to prune. */
  readonly isDefault: boolean
}

/** A file as it was pruned, not written yet. */
export interface Attempt {
  readonly pruned: PrunedModelFile
  readonly plan: Plan
  /** Remarks about models of this kind, in sentences. */
  readonly notes: readonly string[]
  /** Where it was timed. */
  readonly speed?: SpeedReport
}

/** @throws Refused; TpError TP_SCHEDULE, TP_PROTECT, TP_WEIGHTS, TP_LAYERS */
export async function pruneByPlan(whole: ModelFile, read: ReadPlan, options: AttemptOptions): Promise<Attempt> {
  const { outputTokens, isDefault, ...how } = options
  const later = how.seen.ok ? laterLayersText(how.seen) : undefined
  const pruned = await pruneFile(whole, read, how)
  const notes = [
    ...(later === undefined ? [] : [`later layers: ${later}`]),
    ...pruningNotes({ ...pruned, restore: read.plan.restore, outputTokens, isDefault }),
  ]
  return { pruned, plan: read.plan, notes }
}

/**
 * Prunes a file of which the options say nothing, as `pruneSafely` of `@tp/optimize` does.
 * @throws as `pruneByPlan`
 */
export async function pruneByDefault(
  whole: ModelFile,
  args: Parameters<typeof readPlan>[0],
  { beforeTiming, ...options }: Omit<AttemptOptions, 'isDefault'> & { beforeTiming(): Promise<void> },
  { progress, signal, timingMs }: Context,
): Promise<Attempt> {
  const maxTokens = await maxTokensOf(whole.path)
  const loading = { threads: 1, signal }
  const { made, why, speed, tokens } = await pruneSafely(whole.model, {
    encoders: inspectEncoders(whole.model, args.encoder, options.seen),
    async prune({ method, keep }) {
      const read = await readPlan({ ...args, method, ...(keep !== undefined && { keep: `${keep}` }) })
      const attempt = await endable(() => pruneByPlan(whole, read, { ...options, isDefault: true }))
      return { attempt, model: attempt.pruned.model }
    },
    load: (model) =>
      model === whole.model
        ? loadFile(nodeRuntime(), whole, loading)
        : loadSession(nodeRuntime(), model, whole, loading),
    async onTiming() {
      await beforeTiming()
      progress.stage('timing')
    },
    ...{ maxTokens, timingMs, signal },
  })
  const notes = [...made.attempt.notes, safeChoiceNote(why, whole.model)]
  return { ...made.attempt, notes, speed: { ...speed, ...(tokens !== undefined && { tokens }) } }
}
