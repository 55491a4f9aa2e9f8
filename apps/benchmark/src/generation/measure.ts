import { timeInTurns, type VariantLatency, withSessions } from '@tp/compare'
import type { NamedTensors, Runtime, Session, TensorLike } from '@tp/core/runtime'
import {
  type AnswerOptions,
  answerPrompts,
  type Generation,
  openTextDecoder,
  type Prompt,
  type TextDecoder,
} from '@tp/data'
import { accuracyInterval, accuracyLoss, type Figure, figureLoss, type Interval, meanFigure } from '@tp/metrics'
import { encodeModel } from '@tp/onnx'
import { mean } from 'simple-statistics'
import { limits } from '../files.ts'
import { peakMemory } from './peak-memory.ts'
import type { GenerationVariant } from './variants.ts'

/** The answers and speed of a variant; the first of them is dense. */
export interface GenerationRow extends Pick<GenerationVariant, 'method' | 'keep'> {
  readonly seeds: number
  /** Percent of answers that are right, and points fewer than dense; absent where no prompt has an answer. */
  readonly right?: Interval
  readonly loss?: Interval
  /** Perplexity of continuations: dense itself, of the others how many times as high. */
  readonly perplexity?: Interval
  /** Bytes of caches after a prompt, on average. */
  readonly cacheBytes: number
  /** For a process that loads the model and reads the longest prompt. */
  readonly peakBytes?: number
  readonly texts: readonly string[]
  /** For a whole prompt, and for one token after it. */
  readonly prompt: VariantLatency
  readonly token: VariantLatency
}

export interface MeasureGenerationOptions extends Omit<AnswerOptions, 'onProgress'> {
  readonly runtime: Runtime
  readonly prompts: readonly Prompt[]
  /** Whether peak memory is measured. */
  readonly memory?: boolean
  readonly onProgress: (text: string) => void
}

/** Prompts on which rows are timed, one after another. */
const TIMED_PROMPTS = 3
const TIMING_MS = 20_000

/** Answers of all variants, one after another; then times, in turns. */
export async function measureGeneration(
  variants: readonly GenerationVariant[],
  options: MeasureGenerationOptions,
): Promise<GenerationRow[]> {
  const { runtime, prompts, memory, onProgress, ...answering } = options
  const all: (readonly [Generation, ...Generation[]])[] = []
  const peaks: (number | undefined)[] = []
  for (const variant of variants) {
    onProgress(`${variant.method} ${variant.keep}`.trim())
    const generations: Generation[] = []
    const own = prompts.map((prompt) => ({ ...prompt, tokens: tokensFor(variant, prompt) }))
    for (const [seed] of variant.models.entries()) {
      await using opened = await openVariant(runtime, variant, seed)
      generations.push(await answerPrompts(opened.text, own, answering))
    }
    all.push(generations as [Generation, ...Generation[]])
    const longest = own.reduce((a, b) => (b.tokens.length > a.tokens.length ? b : a))
    const { decoder, press, models } = variant
    peaks.push(memory ? await peakMemory({ model: models[0], decoder, press, tokens: longest.tokens }) : undefined)
  }
  onProgress('times')
  const some = prompts.slice(0, TIMED_PROMPTS)
  const times = await timeVariants(runtime, variants, some)
  return variants.map(({ method, keep, models }, i) => ({
    ...{ method, keep, seeds: models.length },
    ...qualityOf(all[i] as (typeof all)[0], (all[0] as (typeof all)[0])[0]),
    ...(peaks[i] !== undefined && { peakBytes: peaks[i] }),
    ...(times[i] as Pick<GenerationRow, 'prompt' | 'token'>),
  }))
}

function tokensFor({ shorten }: GenerationVariant, { tokens }: Prompt): readonly number[] {
  return shorten === undefined ? tokens : shorten(tokens)
}

interface Opened extends AsyncDisposable {
  readonly session: Session
  readonly text: TextDecoder
}

/** Loads one model of a variant, and its press. */
async function openVariant(
  runtime: Runtime,
  { models, decoder, press: path }: GenerationVariant,
  seed = 0,
): Promise<Opened> {
  const session = await runtime.load(encodeModel(models[seed] ?? models[0]), { threads: 1 })
  const press = path === undefined ? undefined : await runtime.load(path, { threads: 1 })
  return {
    session,
    text: openTextDecoder(session, decoder, { press }),
    async [Symbol.asyncDispose]() {
      await session.dispose()
      await press?.dispose()
    },
  }
}

/** All variants in turns: some prompts, and one token after each of them. */
async function timeVariants(
  runtime: Runtime,
  variants: readonly GenerationVariant[],
  prompts: readonly Prompt[],
): Promise<Pick<GenerationRow, 'prompt' | 'token'>[]> {
  const open = variants.map((variant) => () => openVariant(runtime, variant))
  return await withSessions(open, async (opened) => {
    const tokens = variants.map((variant) => prompts.map((prompt) => tokensFor(variant, prompt)))
    const timed = async (sessions: readonly Session[], inputsOf: readonly (readonly NamedTensors[])[]) => {
      const budgetMs = Math.min(TIMING_MS, limits.ms)
      return (await timeInTurns(sessions, inputsOf[0] ?? [], { inputsOf, budgetMs })).latencies
    }
    const whole = opened.map(({ text }, i) => (tokens[i] ?? []).map((own) => text.feeds(own)))
    const reads = await timed(opened.map(readingWhole), whole)
    const steps: NamedTensors[][] = []
    for (const [i, { text }] of opened.entries()) {
      const feeds: NamedTensors[] = []
      for (const own of tokens[i] ?? []) feeds.push((await text.read(own)).feeds(own.at(-1) as number))
      steps.push(feeds)
    }
    const sessions = opened.map(({ session }) => session)
    const stepTimes = await timed(sessions, steps)
    return reads.map((prompt, i) => ({ prompt, token: stepTimes[i] as VariantLatency }))
  })
}

/** A session whose run is a whole prompt, with the press after it. */
function readingWhole({ session, text }: Opened): Session {
  return {
    ...session,
    async run({ input_ids: ids }) {
      await text.read(Array.from((ids as TensorLike).data as BigInt64Array, Number))
      return {}
    },
  }
}

function qualityOf(
  generations: readonly [Generation, ...Generation[]],
  dense: Generation,
): Pick<GenerationRow, 'right' | 'loss' | 'perplexity' | 'cacheBytes' | 'texts'> {
  const [first] = generations
  const figureOf = (name: 'answers' | 'nats'): Figure | undefined => {
    const figures = generations.flatMap((generation) => generation[name] ?? [])
    return figures.length === 0 ? undefined : meanFigure(figures)
  }
  const [answers, nats] = [figureOf('answers'), figureOf('nats')]
  return {
    ...(answers && {
      right: accuracyInterval(answers.got),
      loss: accuracyLoss((dense.answers as Figure).got, answers.got),
    }),
    ...(nats && { perplexity: perplexityOf(nats, first === dense ? undefined : dense.nats) }),
    cacheBytes: mean(generations.flatMap(({ cacheBytes }) => cacheBytes)),
    texts: first.texts,
  }
}

/** e to the nats, or to how many more these are than those of the dense decoder. */
function perplexityOf(nats: Figure, dense: Figure | undefined): Interval {
  const { estimate, low, high } = figureLoss(nats, dense ?? { ...nats, got: nats.got.map(() => 0) })
  return { estimate: Math.exp(estimate), low: Math.exp(low), high: Math.exp(high) }
}
