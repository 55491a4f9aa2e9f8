import { type AbortSignalLike, type NamedTensors, pause, type Session } from '@tp/core/runtime'
import type { ModelInputs, TextTokenizer } from '@tp/data/inputs'
import { mean, rankCorrelation, type Trajectory, trajectoriesOf } from '@tp/metrics'
import { classify } from '../answers/classify.ts'
import { type PatchGrid, patchGrid } from './patch-grid.ts'
import { tokenText } from './token-text.ts'

/** A token of an example, and how much it counts for the model's answer. */
export interface ExplainedToken {
  /** Of texts: as the tokenizer writes it, special ones by their name. */
  readonly text?: string
  /** 0 … 1: as a share of that of the example's most salient token */
  readonly saliency: number
  /** Layer at which the method prunes it; null: it is kept to the end. Only with a method. */
  readonly prunedAt?: number | null
  /** Its score there, or at the last site; null: the method selects without a score. */
  readonly score?: number | null
}

/** The tokens that matter to a model in one example. */
export interface Explanation {
  readonly example: number
  /** −1 where the example has none. */
  readonly label: number
  readonly answer: number
  /** Of the answer, by softmax: 0 … 1 */
  readonly probability: number
  /** In the order of the example. */
  readonly tokens: readonly ExplainedToken[]
  /** Of images whose patches are found again in the tokens. */
  readonly grid: PatchGrid | undefined
  readonly pruned: PrunedAnswer | undefined
}

/** The answer of the pruned model, and its order of pruning. */
interface PrunedAnswer {
  readonly answer: number
  /**
   * Spearman's, of how long tokens are kept and their saliency, without protected ones: 1 if the least salient are pruned
   * first. Undefined if all are pruned at the same layer.
   */
  readonly correlation: number | undefined
}

export interface ExplainOptions {
  /** Classifies the examples. */
  readonly dense: Session
  readonly inputs: ModelInputs
  /** How much each token of an example counts for the answer, 0 … 1: what `saliencyOf` of `@tp/train` returns. */
  readonly saliency: (example: number) => ArrayLike<number>
  /** The batch that the models take. Default 1. */
  readonly batchSize?: number | undefined
  /** Of texts: what tokens are called. */
  readonly tokenizer?: TextTokenizer | undefined
  /** The model pruned with `trace: 'scores'`, and its protected positions. */
  readonly pruned?: { readonly session: Session; readonly protectedPositions: readonly number[] } | undefined
  readonly signal?: AbortSignalLike | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** Over the examples that have one. */
export function meanCorrelation(explanations: readonly Explanation[]): number | undefined {
  const values = explanations.flatMap(({ pruned }) => pruned?.correlation ?? [])
  return values.length === 0 ? undefined : mean(values)
}

/**
 * The tokens that matter to a classifier in each example; for a pruned model also which tokens it prunes where, and how far that agrees.
 * @throws TpError TP_OUTPUT, TP_DATA, TP_ABORTED
 *
 * @example
 * const saliency = await saliencyOf({ model, runtime, inputs })
 * for (const { answer, tokens } of await explain({ dense, inputs, saliency, tokenizer })) console.log(answer, tokens)
 */
export async function explain(options: ExplainOptions): Promise<Explanation[]> {
  const { dense, inputs, saliency, batchSize = 1, tokenizer, pruned, signal } = options
  const { predictions, logits, classes } = await classify(dense, inputs, { batchSize, signal })
  const traces = pruned && (await traceAll(pruned.session, options))
  const explanations: Explanation[] = []
  for (const [example, label] of inputs.targets.entries()) {
    await pause(signal, 'compare')
    const feeds = await inputs.feeds(examplesWith(example, batchSize))
    const values = Array.from(saliency(example)).slice(0, inputs.lengths?.[example])
    const ids = tokenizer && (feeds.input_ids ?? feeds.input)
    const ways = traces?.follow(example, values.length)
    const left = ways?.map(({ prunedAt }) => prunedAt)
    const answer = predictions[example] as number
    explanations.push({
      ...{ example, label, answer },
      probability: probabilityOf(logits.subarray(example * classes, (example + 1) * classes), answer),
      tokens: values.map((value, position) => ({
        ...(tokenizer && ids && { text: tokenText(tokenizer, Number(ids.data[position])) }),
        saliency: value,
        ...(ways && wayOf(ways[position] as Trajectory)),
      })),
      grid: patchGrid(Object.values(feeds)[0]?.dims ?? [], values.length),
      pruned: traces &&
        left && {
          answer: traces.predictions[example] as number,
          correlation: agreement(left, values, pruned.protectedPositions),
        },
    })
  }
  return explanations
}

/** Positions of a batch that begins with an example, with the model's batch size. */
function examplesWith(example: number, batchSize: number): number[] {
  return new Array<number>(batchSize).fill(example)
}

interface Traces {
  readonly predictions: readonly number[]
  /** The ways of an example's tokens. */
  follow(example: number, tokens: number): Trajectory[]
}

async function traceAll(
  session: Session,
  { inputs, batchSize = 1, signal, onProgress }: ExplainOptions,
): Promise<Traces> {
  const { predictions } = await classify(session, inputs, { batchSize, signal })
  const runs: NamedTensors[] = []
  for (const example of inputs.targets.keys()) {
    await pause(signal, 'compare')
    runs.push(await session.run(await inputs.feeds(examplesWith(example, batchSize)), { signal }))
    onProgress?.(example + 1, inputs.targets.length)
  }
  return {
    predictions,
    follow: (example, tokens) => trajectoriesOf(runs[example] as NamedTensors, [tokens])[0] ?? [],
  }
}

function wayOf({ prunedAt, scores }: Trajectory): Pick<ExplainedToken, 'prunedAt' | 'score'> {
  return { prunedAt: prunedAt ?? null, score: [...scores.values()].at(-1) ?? null }
}

function agreement(
  left: readonly (number | undefined)[],
  saliency: readonly number[],
  protectedPositions: readonly number[],
): number | undefined {
  const count = left.length
  const protectedTokens = new Set(protectedPositions.map((position) => (position < 0 ? count + position : position)))
  const free = saliency.map((_, i) => i).filter((i) => !protectedTokens.has(i))
  return rankCorrelation(
    free.map((i) => left[i] ?? Number.MAX_SAFE_INTEGER),
    free.map((i) => saliency[i] as number),
  )
}

function probabilityOf(logits: Float32Array, answer: number): number {
  const top = logits[answer] as number
  return 1 / logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0)
}
