import { batch } from '@preact/signals'
import { timeInTurns } from '@tp/compare'
import type { Plan } from '@tp/compiler'
import { type Memory, measureAccuracy } from '../engine/accuracy.ts'
import { readTrace } from '../engine/token-trace.ts'
import type { OpenVariant } from '../engine/variants.ts'
import type { Content } from '../inputs/content.ts'
import { prepare } from '../inputs/prepare.ts'
import type { DemoAnswers, WorkbenchFindings } from './findings.ts'
import type { ModelSource } from './model-source.ts'
import type { WorkbenchModel } from './open-model.ts'
import { densePlan } from './settings.ts'

/** The answers of both models, and the pruned tokens: shown first. */
export async function answer(
  model: WorkbenchModel,
  plan: Plan,
  content: Content,
  found: WorkbenchFindings,
  signal: AbortSignal,
): Promise<void> {
  // The first answer is part of the opening. Afterwards nothing is hidden: somebody types there.
  if (found.stage.value !== 'opening') found.stage.value = 'running'
  const sample = await prepare(content, model.known)
  const { session } = await model.dense.use(densePlan, signal)
  const traced = await model.traced.use(plan, signal)
  const dense = await session.run(sample.feeds, { signal })
  const pruned = await traced.session.run(sample.feeds, { signal })
  batch(() => {
    found.result.value = { plan, content, sample, trace: readTrace(pruned, sample.real), dense, pruned }
    found.stage.value = 'timing'
    found.problem.value = undefined
  })
}

const TIMING = { rounds: 30, leastRounds: 9, budgetMs: 5000 }

/** The file without traces, and how long it takes on the input at hand. */
export async function time(
  model: WorkbenchModel,
  plan: Plan,
  found: WorkbenchFindings,
  signal: AbortSignal,
): Promise<OpenVariant> {
  const { sample } = found.result.value as DemoAnswers
  const dense = await model.dense.use(densePlan, signal)
  const pruned = await model.pruned.use(plan, signal)
  found.file.value = pruned
  await timeInTurns([dense.session, pruned.session], [sample.feeds], {
    ...TIMING,
    signal,
    onRound([dense = [], pruned = []]) {
      found.times.value = { dense, pruned }
    },
  })
  return pruned
}

/** The cost on the labeled examples, where there are some and it is not known yet. */
export async function measure(
  model: WorkbenchModel,
  { set }: ModelSource,
  pruned: OpenVariant,
  memory: Memory,
  found: WorkbenchFindings,
  signal: AbortSignal,
): Promise<void> {
  const accuracy = found.accuracy.value
  if (set === undefined || (accuracy !== undefined && accuracy.done === accuracy.of)) return
  found.stage.value = 'measuring'
  const dense = await model.dense.use(densePlan, signal)
  await measureAccuracy(
    { dense: dense.session, pruned: pruned.session },
    await set.load(),
    memory,
    async (content) => (await prepare(content, model.known)).feeds,
    (progress) => {
      found.accuracy.value = progress
    },
    signal,
  )
}
