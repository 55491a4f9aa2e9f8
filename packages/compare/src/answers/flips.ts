import { TpError } from '@tp/core'
import { type AbortSignalLike, type NamedTensors, type Session, throwIfAborted } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { largest, logitsOf, type Trajectory, trajectoriesOf } from '@tp/metrics'
import type { Evaluation } from './outcome.ts'
import { pause } from './pause.ts'
import type { Progress } from './run-examples.ts'

/** A pruned model in the two forms that the analysis requires. */
export interface FlipModels {
  /** Pruned with `trace`. */
  readonly traced: Session
  /** Pruned in the same way with `protectInput`: its input `tp.protect` names one more token to keep. */
  readonly protecting: Session
}

export interface FlipOptions {
  /** The largest number of examples with a changed answer (default 20). */
  readonly examples?: number | undefined
  /** The largest number of pruned tokens to try per example, the likeliest causes first (default 32). */
  readonly tokens?: number | undefined
  /**
   * How likely the tokens of an example are to have changed its answer, by position: higher is tried first. For example the
   * attention that they receive in the dense model. Default: the later a token is pruned, the likelier.
   */
  readonly likely?: ((example: number) => Promise<ArrayLike<number>>) | undefined
  /** Tokens of an image or sound. */
  readonly inputTokens?: number | undefined
  /** Batch size of the model; each row is the same example with another token kept (default 1). */
  readonly batchSize?: number | undefined
  readonly signal?: AbortSignalLike | undefined
  /** Called after each example. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** An example with another answer of the pruned model than of the dense one, and the answers when single tokens are kept. */
export interface Flip {
  readonly example: number
  /** The right class, the dense model's answer, and the pruned model's. */
  readonly target: number
  readonly dense: number
  readonly pruned: number
  /** Logit of the dense model's answer less the largest other, in the pruned model: below 0, or 0 at most. */
  readonly margin: number
  /** Pruned tokens of the example. */
  readonly prunedTokens: number
  /** Those of them that were tried, the largest change of the margin first. */
  readonly tried: readonly KeptToken[]
}

/** What happens if one token is kept that is pruned otherwise. The number of kept tokens is the same. */
export interface KeptToken extends Pick<Trajectory, 'position' | 'prunedAt'> {
  /** The margin with it. */
  readonly margin: number
  /** How much it is above the margin without it. */
  readonly change: number
  /** The answer is the dense model's again: pruning this token had changed it. */
  readonly turnsBack: boolean
}

export interface FlipAnalysis {
  /** Number of all examples with a changed answer. */
  readonly flipped: number
  readonly flips: readonly Flip[]
}

/**
 * Finds exactly the tokens whose pruning changed an answer: the pruned model is run with one of them kept, one after another.
 * If no single token changes it back, the answer depends on several.
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
): Promise<Pick<Flip, 'margin' | 'prunedTokens' | 'tried'>> {
  const feeds = await inputs.feeds(new Array<number>(batchSize).fill(example))
  const outputs = await traced.run(feeds, { signal })
  const length = inputs.lengths?.[example] ?? inputTokens
  if (length === undefined)
    throw new TpError('TP_OPTION', 'compare', 'say how many tokens an input has, as inputTokens')
  const [ways = []] = trajectoriesOf(outputs, [length])
  const [{ margin }] = answersOf(outputs, answer, batchSize) as [WantedAnswer]
  const prunedTokens = ways.filter(({ prunedAt }) => prunedAt !== undefined)
  const chance = await likely?.(example)
  const likelihood = ({ position, prunedAt = 0 }: Trajectory): number => chance?.[position] ?? prunedAt
  const candidates = [...prunedTokens].sort((a, b) => likelihood(b) - likelihood(a)).slice(0, tokens)
  const tried: KeptToken[] = []
  for (let start = 0; start < candidates.length; start += batchSize) {
    // a run may block the event loop: let timers and signals through
    await pause()
    throwIfAborted(signal, 'compare')
    const group = candidates.slice(start, start + batchSize)
    const places = Array.from({ length: batchSize }, (_, row) => BigInt(group[row]?.position ?? 0))
    const protect = { type: 'int64' as const, dims: [batchSize, 1], data: BigInt64Array.from(places) }
    const answers = answersOf(await protecting.run({ ...feeds, 'tp.protect': protect }, { signal }), answer, batchSize)
    for (const [row, { position, prunedAt }] of group.entries()) {
      const now = answers[row] as WantedAnswer
      tried.push({ position, prunedAt, margin: now.margin, change: now.margin - margin, turnsBack: now.isWanted })
    }
  }
  return { margin, prunedTokens: prunedTokens.length, tried: tried.sort((a, b) => b.change - a.change) }
}

interface WantedAnswer {
  /** The logit of the wanted class less the largest of the others. */
  readonly margin: number
  readonly isWanted: boolean
}

/** By example. */
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
    throw new TpError('TP_OPTION', 'compare', `evaluations of ${counts} examples cannot be compared; evaluate the same`)
  }
  const needs = (form: string, option: string): TpError =>
    new TpError('TP_INPUT', 'compare', `the model has no ${form}; prune it with ${option}`)
  if (!traced.outputs.some(({ name }) => name.startsWith('tp.trace.'))) throw needs('outputs tp.trace…', 'trace')
  if (!protecting.inputs.some(({ name }) => name === 'tp.protect')) throw needs('input tp.protect', 'protectInput')
}
