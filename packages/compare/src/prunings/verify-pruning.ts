import type { Inspection, PruneOptions } from '@tp/compiler'
import type { Method, Schedule } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { isText } from '../inputs/input-shapes.ts'
import { answersTo } from '../verify/answers.ts'
import { type Comparison, compareAnswers } from '../verify/compare-answers.ts'
import { denseSession } from '../verify/dense-session.ts'
import { requireFinite, requireFiniteDense, requireSameShapes } from '../verify/differences.ts'
import { type Invariance, verifyInvariance } from '../verify/invariance.ts'
import { requireZeroPadding } from '../verify/padding-rows.ts'
import { type Trial, trialsFor } from '../verify/trials.ts'
import { ALL_TOKENS, keepingAll } from './keeping-all.ts'
import { type CutsToTime, type SiteCosts, siteCosts } from './site-costs.ts'

/** How a pruning is repeated, to be seen into. */
export interface PruneAgain extends Pick<PruneOptions, 'method' | 'trace' | 'deadTokens' | 'restore'> {
  /** By name of the encoder. */
  readonly schedules: ReadonlyMap<string, Schedule>
}

export interface PruningToVerify extends CutsToTime {
  readonly method: Method
  /** Outputs that the pruned model has; default: all. */
  readonly outputs?: readonly string[] | undefined
  readonly restore?: PruneOptions['restore'] | undefined
  /** Prunes the model once more, in the same way but for what is given, and in float32. */
  prune(how: PruneAgain): Promise<Model>
  /** Opens the source, the pruned model, and others that are made of the source. */
  openSource(): Promise<Session>
  openPruned(): Promise<Session>
  open(model: Model): Promise<Session>
}

/** With every token kept by force, how near outputs are to the dense ones; and more. */
export interface VerifiedPruning extends Comparison {
  /** Batch × tokens (texts) or batch (images, sounds) of the runs. */
  readonly shapes: readonly (readonly number[])[]
  /** Whether examples get the same answers alone, in a batch, and padded; absent where the dense model's own do not. */
  readonly invariance?: Invariance
  /** The cost of choosing the tokens. */
  readonly sites: SiteCosts
}

/**
 * Runs a pruned model on examples of unequal lengths, alone, in batches, and padded on either side: its outputs are finite and have the
 * dense shapes; with the same cuts, but every token kept, they are the dense numbers; and examples get the same answers however they
 * are put together. Also says what the cuts cost.
 * @throws TpError TP_VERIFY, TP_DENSE where the dense model itself does not hold, TP_INPUT
 */
export async function verifyPruning(options: PruningToVerify): Promise<VerifiedPruning> {
  const { source, inspection, pruned, method, outputs: kept, restore, signal } = options
  const trials = trialsFor(source, inspection)
  await using opened = await options.openSource()
  const dense = denseSession(opened)
  const expected: NamedTensors[] = []
  const answers = await answersTo(dense, trials, {
    signal,
    check(outputs) {
      requireFiniteDense(outputs)
      expected.push(Object.fromEntries(Object.entries(outputs).filter(([name]) => kept?.includes(name) ?? true)))
    },
  })
  await using changed = await options.openPruned()
  for (const [i, trial] of trials.entries()) {
    const outputs = await changed.run(trial.inputs, signal && { signal })
    requireFinite(outputs, expected[i])
    requireSameShapes(
      outputs,
      expected[i] as NamedTensors,
      restore === 'none' || restore === 'weighed' ? inspection.tokenOutputs : [],
    )
    requireZeroPadding(outputs, expected[i] as NamedTensors, trial)
  }
  await using forced = await options.open(await options.prune(keepAllTokens(options)))
  const comparison = compareAnswers(await answersTo(forced, trials, { signal }), answers, {
    ...{ source, outputs: kept },
    when: 'with every token kept',
  })
  // The scores are further outputs: a dependence need not change the selection in a few samples.
  const schedules = new Map(pruned.encoders.map(({ name, schedule }) => [name, schedule]))
  await using traced = await options.open(await options.prune({ method, schedules, trace: 'scores' }))
  const where = `plugin ${method.name}`
  const invariance = await verifyInvariance({ source, dense, pruned: traced, where, signal })
  // The saving of dead tokens must not offset the cost of the cuts.
  const cuts = await options.prune({ ...keepAllTokens(options), deadTokens: false })
  await using cutting = await options.open(cuts)
  const sites = await siteCosts(options, { dense, keepingAll: cutting }, cuts)
  return { ...comparison, shapes: shapesOf(trials, inspection), ...(invariance && { invariance }), sites }
}

/** The same cuts, but every token is kept that is not dead. */
function keepAllTokens({ pruned, method }: Pick<PruningToVerify, 'pruned' | 'method'>): PruneAgain {
  const keepingAllAt = (schedule: Schedule): Schedule =>
    new Map([...schedule.keys()].map((layer) => [layer, { kind: 'tokens', value: ALL_TOKENS }]))
  const schedules = new Map(pruned.encoders.map(({ name, schedule }) => [name, keepingAllAt(schedule)]))
  return { schedules, method: keepingAll(method), restore: 'auto' }
}

/** Batch × tokens of texts, batch of all else; each once. */
export function shapesOf(trials: readonly Trial[], model: Inspection): (readonly number[])[] {
  const shapes = trials.map(({ inputs, examples }) =>
    isText(model) ? [examples.length, Object.values(inputs)[0]?.dims[1] ?? 1] : [examples.length],
  )
  return [...new Map(shapes.map((shape) => [shape.join('×'), shape])).values()]
}
