import { TpError } from '@tp/core'
import { type AbortSignalLike, pause } from '@tp/core/runtime'
import { largest } from '@tp/metrics'
import type { TextDecoder } from './text-decoder.ts'

export interface TextNearnessOptions {
  /** Tokens that are generated after each prompt. */
  readonly tokens: number
  readonly signal?: AbortSignalLike | undefined
  readonly onProgress?: ((at: { readonly done: number; readonly total: number }) => void) | undefined
}

/** How near a decoder's greedy texts are to those of another one, after the same prompts. */
export interface TextNearness {
  readonly prompts: number
  /** Generated after each of them. */
  readonly tokens: number
  /** Prompts that it continues by the same text. */
  readonly kept: number
  /** Share of the tokens of the other decoder's texts that it finds likeliest itself where it has read the same before. */
  readonly similarity: number
  /** Kullback–Leibler divergence of its next token from the other's, in nats, the mean over these tokens. */
  readonly divergence: number
}

/** The next token of a decoder: the likeliest ones, and their log probabilities. */
interface NextToken {
  readonly tokens: readonly number[]
  readonly logs: readonly number[]
}

/** So many of the likeliest tokens are compared one by one, and all others together. */
const LIKELIEST = 16

/**
 * Continues prompts greedily, and returns how others are compared with that. They read these texts token by token: a text of their own is the same if each
 * of its tokens is the likeliest. No token ends a text.
 * @returns compares a decoder on the first `count` prompts, all by default
 * @throws TpError TP_OUTPUT for scores that are not numbers; TP_ABORTED, and what the decoder throws
 */
export async function textNearnessTo(
  dense: TextDecoder,
  prompts: readonly (readonly number[])[],
  options: TextNearnessOptions,
): Promise<(decoder: TextDecoder, count?: number) => Promise<TextNearness>> {
  const { tokens, signal, onProgress } = options
  const texts: (readonly NextToken[])[] = []
  for (const [i, prompt] of prompts.entries()) {
    texts.push(await read(dense, prompt, tokens, (next) => nextOf(next)))
    onProgress?.({ done: i + 1, total: prompts.length })
  }
  return async (decoder, count = prompts.length) => {
    let [kept, same, divergence, steps] = [0, 0, 0, 0]
    for (const [i, text] of texts.slice(0, count).entries()) {
      await pause(signal, 'data')
      let missed = 0
      await read(decoder, prompts[i] as readonly number[], text.length, (logits, at) => {
        const expected = text[at] as NextToken
        if (largest(logits) !== expected.tokens[0]) missed++
        divergence += divergenceOf(expected, logits)
        return expected
      })
      if (missed === 0) kept++
      same += text.length - missed
      steps += text.length
      onProgress?.({ done: i + 1, total: count })
    }
    const whole = Math.max(1, steps)
    return {
      prompts: Math.min(count, texts.length),
      tokens,
      kept,
      similarity: same / whole,
      divergence: divergence / whole,
    }
  }
}

/** Goes on after a prompt by the tokens that are chosen. */
async function read(
  decoder: TextDecoder,
  prompt: readonly number[],
  count: number,
  choose: (logits: Float32Array, at: number) => NextToken,
): Promise<NextToken[]> {
  const chosen: NextToken[] = []
  for (let reading = await decoder.read(prompt); ; ) {
    const next = choose(reading.logits, chosen.length)
    chosen.push(next)
    if (chosen.length === count) return chosen
    reading = await reading.next(next.tokens[0] as number)
  }
}

function nextOf(logits: Float32Array): NextToken {
  if (largest(logits) < 0) {
    throw new TpError('TP_OUTPUT', 'data', 'the decoder returns scores that are not numbers (NaN)')
  }
  const order = Array.from(logits.keys()).sort((a, b) => (logits[b] as number) - (logits[a] as number) || a - b)
  const tokens = order.slice(0, LIKELIEST)
  const whole = logSum(logits)
  return { tokens, logs: tokens.map((token) => (logits[token] as number) - whole) }
}

function divergenceOf({ tokens, logs }: NextToken, logits: Float32Array): number {
  const whole = logSum(logits)
  let [sum, own, other] = [0, 1, 1]
  for (const [i, token] of tokens.entries()) {
    const [log, seen] = [logs[i] as number, (logits[token] as number) - whole]
    sum += Math.exp(log) * (log - seen)
    own -= Math.exp(log)
    other -= Math.exp(seen)
  }
  const rest = Math.max(own, 0)
  return rest === 0 ? sum : sum + rest * Math.log(rest / Math.max(other, Number.EPSILON))
}

function logSum(logits: Float32Array): number {
  let most = Number.NEGATIVE_INFINITY
  for (const value of logits) most = Math.max(most, value)
  let sum = 0
  for (const value of logits) sum += Math.exp(value - most)
  return most + Math.log(sum)
}
