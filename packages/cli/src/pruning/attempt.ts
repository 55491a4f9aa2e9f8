import { inputKind } from '@tp/compare'
import { type Inspection, type inspect, type Plan, readProvenance } from '@tp/compiler'
import type { Method } from '@tp/core'
import { type ModelFile, readModelFolder } from '@tp/data'
import { loadSession } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import { pruneSafely } from '@tp/optimize'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../context/context.ts'
import { endable } from '../context/endable.ts'
import type { Pruned, SpeedReport } from '../printing/pruned-report.ts'
import { FILLED_ROWS, KEPT_ROWS, NAMED_METHOD, safeChoiceNote, wholeHeadNote } from '../printing/pruning-notes.ts'
import { withoutItsLayers } from './leave-out.ts'
import { inspectEncoders, pruneFile } from './prune-file.ts'
import { type ReadPlan, readPlan } from './read-plan.ts'

/** The part of the command line that concerns a pruning besides its plan. */
export interface AttemptOptions {
  readonly trace: boolean
  readonly monitor: boolean
  readonly outputTokens: boolean
  readonly deadTokens: boolean
  /** Whether a decoder of its states is repaired, too: then there are as many states as kept tokens. */
  readonly repairs: boolean
  /** The findings about the file. */
  readonly seen: ReturnType<typeof inspect>
  /** Whether no option says how to prune. */
  readonly isDefault: boolean
}

/** A file as it was pruned, not written yet. */
export interface Attempt {
  /** The pruned model: the file, or the file without layers that were to be left out. */
  readonly file: ModelFile
  readonly inspection: Inspection
  readonly pruned: Pruned
  /** That of `pruned`. */
  readonly model: Model
  readonly plan: Plan
  readonly method: Method
  /** Remarks about models of this kind, in sentences. */
  readonly notes: readonly string[]
  /** Where it was timed. */
  readonly speed?: SpeedReport
}

/** @throws RefusalError; TpError TP_SCHEDULE, TP_PROTECT, TP_WEIGHTS, TP_LAYERS */
export async function pruneByPlan(whole: ModelFile, read: ReadPlan, options: AttemptOptions): Promise<Attempt> {
  const { trace, monitor, outputTokens, deadTokens, repairs, seen, isDefault } = options
  const plan = repairs ? { ...read.plan, restore: 'none' as const } : read.plan
  const file = withoutItsLayers(whole, plan)
  const encoders = inspectEncoders(file, plan.encoder, file === whole ? seen : undefined)
  const pruned = await pruneFile(file, { ...read, plan }, encoders, { trace, monitor, deadTokens })
  const known = outputTokens ? KEPT_ROWS : wholeHeadNote(encoders, inputKind(file.model), plan.restore)
  const isPruned = pruned.encoders.some(({ schedule }) => schedule.size > 0)
  const isFilled = readProvenance(pruned.model).some(({ filled }) => filled === 'mean')
  const notes = [
    ...(known !== undefined && (isPruned || isDefault) ? [known] : []),
    ...(known !== undefined && isPruned && !isDefault ? [NAMED_METHOD] : []),
    ...(isFilled ? [FILLED_ROWS] : []),
  ]
  return { file, inspection: encoders[0], pruned, model: pruned.model, plan: read.plan, method: read.method, notes }
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
  const { maxTokens } = await readModelFolder(whole.path)
  const { made, why, speed, tokens } = await pruneSafely(whole.model, {
    encoders: inspectEncoders(whole, args.encoder, options.seen),
    async prune({ method, keep }) {
      const read = await readPlan({ ...args, method, ...(keep !== undefined && { keep: `${keep}` }) })
      return await endable(() => pruneByPlan(whole, read, { ...options, isDefault: true }))
    },
    load: (model) =>
      model === whole.model
        ? nodeRuntime().load(whole.path, { threads: 1, signal })
        : loadSession(nodeRuntime(), model, whole, { threads: 1, signal }),
    async onTiming() {
      await beforeTiming()
      progress.stage('timing')
    },
    ...{ maxTokens, timingMs, signal },
  })
  const note = safeChoiceNote(why, inputKind(whole.model))
  return { ...made, notes: [...made.notes, note], speed: { ...speed, ...(tokens !== undefined && { tokens }) } }
}
