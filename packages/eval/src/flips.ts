import { setImmediate } from 'node:timers/promises'
import { TpError } from '@tp/core'
import { type AbortSignalLike, type NamedTensors, type Session, throwIfAborted } from '@tp/core/runtime'
import type { ModelInputs } from './inputs/model-inputs.ts'
import { largest, logitsOf } from './metrics/predictions.ts'
import { type Trajectory, trajectoriesOf } from './metrics/trajectories.ts'
import type { Progress } from './run-examples.ts'
import type { Evaluation } from './tasks/outcome.ts'

/** A pruned model in the two forms that it takes to ask it why. */
export interface FlipModels {
  /** Pruned with `trace`. */
  readonly traced: Session
  /** Pruned in the same way with `protectInput`: its input `tp.protect` names one more token that stays. */
  readonly protecting: Session
}

export interface FlipOptions {
  /** Only the first so many examples whose answer was turned (default 20). */
  readonly examples?: number | undefined
  /** Only so many of the tokens that left an example, the likeliest culprits (default 32). */
  readonly tokens?: number | undefined
  /**
   * How likely the tokens of an example are to have turned its answer, by their places: higher is tried first. The
   * attention that they receive in the dense model is cheap, say. Default: the later a token leaves the likelier.
   */
  readonly likely?: ((example: number) => Promise<ArrayLike<number>>) | undefined
  /** Tokens of an image or sound. */
  readonly inputTokens?: number | undefined
  /** Rows that the model takes at once; each is the same example with another token kept (default 1). */
  readonly batchSize?: number | undefined
  readonly signal?: AbortSignalLike | undefined
  /** Called after each example. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** An example that the pruned model answers otherwise than the dense one, and what becomes of that if single tokens stay. */
export interface Flip {
  readonly example: number
  /** Class number that is right, that the dense model answers, and that the pruned one does. */
  readonly target: number
  readonly dense: number
  readonly pruned: number
  /** Logit of the dense model's answer less the largest other, in the pruned model: below 0, or 0 at most. */
  readonly margin: number
  /** Tokens of the example that leave. */
  readonly leaving: number
  /** Those of them that were tried, the largest change of the margin first. */
  readonly tried: readonly KeptToken[]
}

/** What happens if one token stays that leaves otherwise. The number of tokens that stay is the same. */
export interface KeptToken extends Pick<Trajectory, 'position' | 'prunedAt'> {
  /** The margin with it. */
  readonly margin: number
  /** How much it is above the margin without it. */
  readonly change: number
  /** The answer is the dense model's again: that this token left has turned it. */
  readonly turnsBack: boolean
}

export interface FlipAnalysis {
  /** Examples whose answer was turned, of all. */
  readonly flipped: number
  readonly flips: readonly Flip[]
}

/**
 * Finds the tokens whose leaving turned an answer, exactly: the pruned model is run again with one of them kept, one after
 * the other. Where no single token turns it back the answer hangs on several.
 *
 * @param dense and pruned: evaluations of the same examples, on the same inputs
 * @throws TpError TP_OPTION, TP_INPUT if a model is not of the form above, TP_ABORTED
 */
export async function analyseFlips(
  models: FlipModels,
  inputs: ModelInputs,
  { dense, pruned }: { readonly dense: Evaluation; readonly pruned: Evaluation },
  options: FlipOptions = {},
): Promise<FlipAnalysis> {
  const { examples = 20, onProgress } = options
  checkModels(models, dense, pruned)
  const flipped = [...dense.predictions.keys()].filter((i) => dense.predictions[i] !== pruned.predictions[i])
  const asked = flipped.slice(0, examples)
  const flips: Flip[] = []
  for (const example of asked) {
    const answer = dense.predictions[example] as number
    const other = pruned.predictions[example] as number
    const target = inputs.targets[example] as number
    flips.push({
      example,
      target,
      dense: answer,
      pruned: other,
      ...(await keepEach(models, inputs, example, answer, options)),
    })
    onProgress?.({ done: flips.length, total: asked.length })
  }
  return { flipped: flipped.length, flips }
}

async function keepEach(
  { traced, protecting }: FlipModels,
  inputs: ModelInputs,
  example: number,
  answer: number,
  { tokens = 32, likely, inputTokens, batchSize = 1, signal }: FlipOptions,
): Promise<Pick<Flip, 'margin' | 'leaving' | 'tried'>> {
  const feeds = await inputs.feeds(new Array<number>(batchSize).fill(example))
  const outputs = await traced.run(feeds, { signal })
  const length = inputs.lengths?.[example] ?? inputTokens
  if (length === undefined) throw new TpError('TP_OPTION', 'eval', 'say how many tokens an input has, as inputTokens')
  const [ways = []] = trajectoriesOf(outputs, [length])
  const [{ margin }] = answersOf(outputs, answer, batchSize) as [WantedAnswer]
  const leaving = ways.filter(({ prunedAt }) => prunedAt !== undefined)
  const chance = await likely?.(example)
  const likelihood = ({ position, prunedAt = 0 }: Trajectory): number => chance?.[position] ?? prunedAt
  const candidates = [...leaving].sort((a, b) => likelihood(b) - likelihood(a)).slice(0, tokens)
  const tried: KeptToken[] = []
  for (let start = 0; start < candidates.length; start += batchSize) {
    // a run may block the event loop: let timers and signals through
    await setImmediate()
    throwIfAborted(signal, 'eval')
    const group = candidates.slice(start, start + batchSize)
    const places = Array.from({ length: batchSize }, (_, row) => BigInt(group[row]?.position ?? 0))
    const protect = { type: 'int64' as const, dims: [batchSize, 1], data: BigInt64Array.from(places) }
    const answers = answersOf(await protecting.run({ ...feeds, 'tp.protect': protect }, { signal }), answer, batchSize)
    for (const [row, { position, prunedAt }] of group.entries()) {
      const now = answers[row] as WantedAnswer
      tried.push({ position, prunedAt, margin: now.margin, change: now.margin - margin, turnsBack: now.isWanted })
    }
  }
  return { margin, leaving: leaving.length, tried: tried.sort((a, b) => b.change - a.change) }
}

interface WantedAnswer {
  /** The logit of the wanted class less the largest of the others. */
  readonly margin: number
  readonly isWanted: boolean
}

/** By row. */
function answersOf(outputs: NamedTensors, wanted: number, rows: number): WantedAnswer[] {
  const { classes, data } = logitsOf(outputs, rows)
  return Array.from({ length: rows }, (_, row) => {
    const logits = Array.from(data.subarray(row * classes, (row + 1) * classes))
    const others = logits.with(wanted, Number.NEGATIVE_INFINITY)
    const margin = (logits[wanted] as number) - (others[largest(others)] as number)
    return { margin, isWanted: largest(logits) === wanted }
  })
}

function checkModels({ traced, protecting }: FlipModels, dense: Evaluation, pruned: Evaluation): void {
  if (dense.predictions.length !== pruned.predictions.length) {
    const counts = `${pruned.predictions.length} and ${dense.predictions.length}`
    throw new TpError('TP_OPTION', 'eval', `evaluations of ${counts} examples cannot be compared; evaluate the same`)
  }
  const needs = (form: string, option: string): TpError =>
    new TpError('TP_INPUT', 'eval', `the model has no ${form}; prune it with ${option}`)
  if (!traced.outputs.some(({ name }) => name.startsWith('tp.trace.'))) throw needs('outputs tp.trace…', 'trace')
  if (!protecting.inputs.some(({ name }) => name === 'tp.protect')) throw needs('input tp.protect', 'protectInput')
}
