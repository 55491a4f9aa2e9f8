import { batch } from '@preact/signals'
import type { Plan } from '@tp/compiler'
import { throwIfAborted } from '@tp/core/runtime'
import { type Memory, measureAccuracy } from '../engine/accuracy.ts'
import { timeInTurns } from '../engine/timing.ts'
import { readTrace } from '../engine/token-trace.ts'
import type { Content } from '../inputs/content.ts'
import { prepare } from '../inputs/prepare.ts'
import type { Findings } from './findings.ts'
import type { ModelSource } from './model-source.ts'
import type { OpenModel } from './open-model.ts'
import { densePlan } from './settings.ts'

/** What both models answer, and which tokens are pruned: shown first. */
export async function answer(
  model: OpenModel,
  plan: Plan,
  content: Content,
  found: Findings,
  signal: AbortSignal,
): Promise<void> {
  found.stage.value = 'running'
  const sample = await prepare(content, model.known)
  const { session } = await model.dense.use(densePlan, signal)
  const traced = await model.traced.use(plan, signal)
  const dense = await session.run(sample.feeds, { signal })
  const pruned = await traced.session.run(sample.feeds, { signal })
  batch(() => {
    found.result.value = { sample, trace: readTrace(pruned, sample.real), dense, pruned }
    found.problem.value = undefined
  })
}

/** The file without traces, and what it saves on the input at hand. */
export async function time(model: OpenModel, plan: Plan, found: Findings, signal: AbortSignal): Promise<void> {
  const result = found.result.value
  if (result === undefined) return
  const { feeds, real } = result.sample
  const dense = await model.dense.use(densePlan, signal)
  const pruned = await model.pruned.use(plan, signal)
  const kept = Object.fromEntries(result.trace.steps.map(({ layer, kept }) => [layer, kept]))
  const work = await model.compiler.work(plan, { batch: 1, tokens: real.length, kept }, signal).catch(() => undefined)
  throwIfAborted(signal, 'demo')
  batch(() => {
    if (found.pruned.value !== pruned) found.accuracy.value = undefined
    found.pruned.value = pruned
    found.work.value = work
    found.stage.value = 'timing'
  })
  const sessions = { dense: dense.session, pruned: pruned.session }
  await timeInTurns(
    sessions,
    feeds,
    (times) => {
      found.times.value = times
    },
    signal,
  )
}

/** What it costs on the labelled examples, where there are some and it is not known yet. */
export async function measure(
  model: OpenModel,
  { set }: ModelSource,
  memory: Memory,
  found: Findings,
  signal: AbortSignal,
): Promise<void> {
  const pruned = found.pruned.value
  const accuracy = found.accuracy.value
  if (set === undefined || pruned === undefined || (accuracy?.done === accuracy?.of && accuracy !== undefined)) return
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
