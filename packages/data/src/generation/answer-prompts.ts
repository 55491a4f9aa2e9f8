import { TpError } from '@tp/core'
import { type AbortSignalLike, pause, throwIfAborted } from '@tp/core/runtime'
import type { Figure } from '@tp/metrics'
import { largest } from '@tp/metrics'
import type { TextTokenizer } from '../inputs/tokenizer.ts'
import type { Prompt } from './prompts.ts'
import type { Reading, TextDecoder } from './text-decoder.ts'

export interface AnswerOptions {
  readonly tokenizer: TextTokenizer
  /** Tokens that end a text. */
  readonly ends: readonly number[]
  /** The most tokens that are generated after a prompt with an answer. */
  readonly maxTokens: number
  readonly signal?: AbortSignalLike | undefined
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** The answers of a decoder to prompts; by example, in the order of the prompts of each kind. */
export interface Generation {
  /** Whether each answer occurs in what was generated; undefined where no prompt has one. */
  readonly answers: Figure | undefined
  /** The text generated after each of these. */
  readonly texts: readonly string[]
  /** Nats of each continuation, a token; undefined where no prompt has one. e to the mean is the perplexity. */
  readonly nats: Figure | undefined
  /** Bytes of the caches after each prompt. */
  readonly cacheBytes: readonly number[]
}

/**
 * Generates greedily after prompts with an answer, and reads the continuations of the others.
 * @throws TpError TP_ABORTED, and what the decoder throws
 */
export async function answerPrompts(
  decoder: TextDecoder,
  prompts: readonly Prompt[],
  options: AnswerOptions,
): Promise<Generation> {
  const { tokenizer, signal, onProgress } = options
  const [right, texts, nats, cacheBytes] = [[] as number[], [] as string[], [] as number[], [] as number[]]
  for (const [i, { tokens, answer, continuation }] of prompts.entries()) {
    await pause(signal, 'data')
    const reading = await decoder.read(tokens)
    cacheBytes.push(reading.cacheBytes)
    if (continuation !== undefined) nats.push(await natsOf(reading, continuation))
    if (answer !== undefined) {
      const text = tokenizer.decode(await generate(reading, options))
      texts.push(text)
      right.push(text.includes(answer) ? 1 : 0)
    }
    onProgress?.(i + 1, prompts.length)
  }
  return {
    answers: right.length > 0 ? { got: right, share: true } : undefined,
    texts,
    nats: nats.length > 0 ? { got: nats } : undefined,
    cacheBytes,
  }
}

/** The likeliest token again and again, without the one that ends the text. */
async function generate(first: Reading, { ends, maxTokens, signal }: AnswerOptions): Promise<number[]> {
  const written: number[] = []
  for (let reading = first; ; ) {
    throwIfAborted(signal, 'data')
    const token = largest(reading.logits)
    if (token < 0) throw new TpError('TP_OUTPUT', 'data', 'the decoder returns scores that are not numbers (NaN)')
    if (ends.includes(token)) return written
    written.push(token)
    if (written.length === maxTokens) return written
    reading = await reading.next(token)
  }
}

/** Mean of −log p over the tokens of a continuation. */
async function natsOf(first: Reading, continuation: readonly number[]): Promise<number> {
  let sum = 0
  let reading = first
  for (const [i, token] of continuation.entries()) {
    sum += surprise(reading.logits, token)
    if (i < continuation.length - 1) reading = await reading.next(token)
  }
  return sum / continuation.length
}

/** −log softmax(logits)_token */
function surprise(logits: Float32Array, token: number): number {
  let most = Number.NEGATIVE_INFINITY
  for (const value of logits) most = Math.max(most, value)
  let sum = 0
  for (const value of logits) sum += Math.exp(value - most)
  return most + Math.log(sum) - (logits[token] as number)
}
