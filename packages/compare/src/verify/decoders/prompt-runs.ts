import type { DecoderInspection } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { AbortSignalLike, NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import { type DeclaredValue, Graph, type Model } from '@tp/onnx'
import { tensorOf } from '../../inputs/sample-inputs.ts'
import type { Arrangement } from '../trials.ts'
import { stateFeed } from './state-feeds.ts'

/** States of an encoder that the decoder reads, where it reads any. */
const STATES = 11
/** As optimum calls it. */
const STATES_MASK = 'encoder_attention_mask'

/** New tokens of each run: a prompt, and what is generated after it. */
const RUNS = [16, 1, 1]

/** Tokens of each prompt, in rows of as many as the first run has, and where padding is. */
export interface Prompts {
  readonly lengths: readonly number[]
  readonly padded: 'left' | 'right'
}

/** One prompt, and two of unequal lengths. */
const trials: readonly Prompts[] = [
  { lengths: [16], padded: 'right' },
  { lengths: [16, 9], padded: 'left' },
  { lengths: [16, 9], padded: 'right' },
]

/** This operator counts tokens from the left, and takes padding there for tokens. */
const COUNTS_FROM_THE_LEFT = 'com.microsoft.GroupQueryAttention'

/** A decoder of a fixed batch takes one prompt, and one that reads no padding prompts of one length. */
export function promptTrials(model: Model, { fused }: DecoderInspection): readonly Prompts[] {
  const [first] = new Graph(model).inputs
  if (typeof first?.dims?.[0] === 'number') return trials.slice(0, 1)
  return fused === COUNTS_FROM_THE_LEFT ? [...trials.slice(0, 1), { lengths: [16, 16], padded: 'right' }] : trials
}

export function arrangementOf({ lengths, padded }: Prompts): Arrangement {
  if (lengths.length === 1) return 'alone'
  return new Set(lengths).size === 1 ? 'in a batch' : `padded ${padded}`
}

/** The first of some trials, and those that are begun within some milliseconds. */
export function* within<T>(milliseconds: number, trials: readonly T[]): Generator<T> {
  const began = performance.now()
  for (const [i, trial] of trials.entries()) if (i === 0 || performance.now() - began < milliseconds) yield trial
}

/** How many tokens each prompt ends after, counted from the left. */
export function lastTokens({ lengths, padded }: Prompts): number[] {
  return lengths.map((length) => (padded === 'left' ? RUNS[0] : length) as number)
}

/** A run of a decoder: the inputs, and the outputs. */
interface DecoderRun {
  readonly feeds: NamedTensors
  readonly answer: NamedTensors
}

/** The outputs of a decoder for each run, with the caches that it has returned itself. */
export async function* generating(...options: Parameters<typeof generatingRuns>): AsyncGenerator<NamedTensors> {
  for await (const { answer } of generatingRuns(...options)) yield answer
}

/** The same with the inputs: a prompt, and what is generated after it. */
export async function* generatingRuns(
  session: Session,
  model: Model,
  decoder: DecoderInspection,
  prompts: Prompts,
  signal: AbortSignalLike | undefined,
): AsyncGenerator<DecoderRun> {
  const { inputs } = new Graph(model)
  const empty = emptyCaches(session, decoder, prompts.lengths.length)
  let seen = 0
  let answer: NamedTensors = {}
  for (const tokens of RUNS) {
    const feeds = { ...feedsOf(inputs, decoder, { prompts, seen, tokens }), ...cachesFor(empty, decoder, answer) }
    answer = await session.run(feeds, signal && { signal })
    yield { feeds, answer }
    seen += tokens
  }
}

/**
 * The inputs of a step after a pruned prompt, with as many slots in all caches: those that are added come first and hold no token, which a
 * key of zeros says. They are not seen where an example has padding. Undefined where all caches are of one length, or where an operator counts their slots.
 */
export function withEmptySlots(feeds: NamedTensors, { caches, fused }: DecoderInspection): NamedTensors | undefined {
  if (fused === COUNTS_FROM_THE_LEFT) return undefined
  const pasts = caches.flatMap(({ keys, values }) => [keys.past, values.past])
  const slotsOf = (name: string): number => feeds[name]?.dims[2] as number
  const longest = Math.max(...pasts.map(slotsOf))
  const shorter = pasts.filter((name) => slotsOf(name) < longest)
  if (shorter.length === 0) return undefined
  const filled = shorter.map((name) => [name, fillFront(feeds[name] as TensorLike, longest)] as const)
  return { ...feeds, ...Object.fromEntries(filled) }
}

/** [b,h,p,d] → [b,h,slots,d] */
function fillFront({ type, dims, data }: TensorLike, slots: number): TensorLike {
  const [batch = 1, heads = 1, tokens = 0, size = 1] = dims
  const filled = new (data.constructor as Float32ArrayConstructor)(batch * heads * slots * size)
  for (let head = 0; head < batch * heads; head++) {
    const own = data.slice(head * tokens * size, (head + 1) * tokens * size) as Float32Array
    filled.set(own, (head * slots + slots - tokens) * size)
  }
  return { type, dims: [batch, heads, slots, size], data: filled }
}

/** The last example of an output. */
export function lastExample({ type, dims, data }: TensorLike): TensorLike {
  const own = data.slice(data.length - data.length / (dims[0] as number)) as Float32Array
  return { type, dims: dims.with(0, 1), data: own }
}

/** [b,n,V] → [b,1,V]: of the last row of each example, or of row `ends` − 1. */
export function lastRows({ type, dims, data }: TensorLike, ends?: readonly number[]): TensorLike {
  const [rows = 1, tokens = 1, width = 1] = dims
  const last = data.slice(0, rows * width) as Float32Array
  for (let row = 0; row < rows; row++) {
    const end = (row * tokens + (ends?.[row] ?? tokens)) * width
    last.set(data.slice(end - width, end) as Float32Array, row * width)
  }
  return { type, dims: [rows, 1, width], data: last }
}

interface Run {
  readonly prompts: Prompts
  readonly seen: number
  readonly tokens: number
}

/** Random tokens, besides caches: their numbers, positions counted from the first one of each prompt, a mask, and states of an encoder. */
function feedsOf(
  inputs: readonly DeclaredValue[],
  decoder: DecoderInspection,
  { prompts: { lengths, padded }, seen, tokens }: Run,
): NamedTensors {
  const pasts = new Set(cachesOf(decoder).map(({ past }) => past))
  const others = inputs.filter(({ name }) => !pasts.has(name))
  const [longest] = RUNS as [number]
  const isReal = (row: number, i: number): boolean => {
    const padding = longest - (lengths[row] as number)
    return padded === 'left' ? i >= padding : i < longest - padding || i >= longest
  }
  return Object.fromEntries(
    others.map((input) => {
      const { name, type } = input
      // States of an encoder, or keys and values of them, which nothing is joined to; and their mask.
      if (type.startsWith('float') || name === STATES_MASK)
        return [name, forRows(stateFeed(input, STATES, 1), lengths.length)]
      if (type !== 'int64') {
        throw new TpError('TP_INPUT', 'compare', `input "${name}" is ${type}; for decoders int64 can be generated`)
      }
      const isMask = /mask/.test(name)
      const length = isMask ? seen + tokens : tokens
      const number = (row: number, i: number): number => {
        if (isMask) return Number(isReal(row, i))
        if (name !== decoder.positions) return 3 + ((seen + 7 * i + 5 * row) % 40)
        const padding = padded === 'left' ? longest - (lengths[row] as number) : 0
        return Math.max(0, seen + i - padding)
      }
      const numbers = lengths.flatMap((_, row) => Array.from({ length }, (_, i) => BigInt(number(row, i))))
      return [name, { type, dims: [lengths.length, length], data: BigInt64Array.from(numbers) }]
    }),
  )
}

/** The same states for every prompt. */
function forRows({ type, dims, data }: TensorLike, rows: number): TensorLike {
  const all = new (data.constructor as Float32ArrayConstructor)(data.length * rows)
  for (let row = 0; row < rows; row++) all.set(data as Float32Array, row * data.length)
  return { type, dims: [rows, ...dims.slice(1)], data: all }
}

/** Caches of no tokens, by the names of the decoder's inputs. */
function emptyCaches(session: Session, decoder: DecoderInspection, rows: number): NamedTensors {
  const { byHead, keyHeads, headSize, dtype } = decoder
  const dimsOf = (name: string): number[] => {
    const found = [rows, Number(keyHeads), 0, Number(headSize)]
    if (byHead && found.every(Number.isInteger) && typeOf(name) === dtype) return found
    const declared = session.inputs.find((input) => input.name === name)?.dims ?? []
    return declared.map((dim, axis) => (axis === 0 ? rows : typeof dim === 'number' ? dim : 0))
  }
  const typeOf = (name: string): string => session.inputs.find((input) => input.name === name)?.type ?? dtype
  return Object.fromEntries(
    cachesOf(decoder).map(({ past }) => [past, tensorOf(past, typeOf(past), dimsOf(past), new Float64Array())]),
  )
}

/** Keys, values, and the scales of those that are in 8 bits. */
function cachesOf({ caches }: DecoderInspection): { readonly past: string; readonly present: string }[] {
  return caches
    .flatMap(({ keys, values }) => [keys, values])
    .flatMap((cache) => (cache.scale === undefined ? [cache] : [cache, cache.scale]))
}

/** Caches as a run has returned them; before the first one without tokens. */
function cachesFor(empty: NamedTensors, decoder: DecoderInspection, answer: NamedTensors): NamedTensors {
  return Object.fromEntries(
    cachesOf(decoder).map(({ past, present }) => [past, (answer[present] ?? empty[past]) as TensorLike]),
  )
}
