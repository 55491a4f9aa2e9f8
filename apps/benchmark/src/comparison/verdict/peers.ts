import type { Interval, Speedup } from '@tp/eval/metrics'
import { listed, lossWords, pointsText, speedupText, speedWords } from './words.ts'

/** One way to save work at the allowed loss. */
export interface Peer {
  readonly name: string
  readonly speedup: Speedup
  readonly loss: Interval
}

/**
 * Which way is the fastest at an equal loss on calibration data.
 * @param over how many times faster the first is than the second, timed in the same rounds
 */
export function peersSentence(
  subject: string,
  allowed: number,
  peers: readonly Peer[],
  over: (first: Peer, second: Peer) => Speedup,
): string {
  const fast = peers.filter(({ speedup }) => speedWords(speedup) === 'faster')
  const where = `On ${subject}, of what loses at most ${allowed} point${allowed === 1 ? '' : 's'} on calibration data`
  const [first, ...others] = fast.toSorted((a, b) => b.speedup.value - a.speedup.value)
  if (first === undefined) return `${where}, nothing is faster than the model without its dead tokens.`
  const equals = others.filter((other) => speedWords(over(first, other)) !== 'faster').map(({ name }) => name)
  const result = `${speedupText(first.speedup)}, at a test loss of ${pointsText(first.loss)}, ${lossWords(first.loss)}`
  if (equals.length === 0) return `${where}, ${first.name} is the fastest: ${result}.`
  return `${where}, ${first.name} is the fastest, but not told apart from ${listed(equals)}: ${result}.`
}

/** What pruning gains on top of 8-bit products. @param over int8 + pruning over int8 alone, in the same rounds */
export function togetherSentence(subject: string, over: Speedup): string {
  const text = speedupText(over)
  switch (speedWords(over)) {
    case 'faster':
      return `On ${subject}, pruning and 8-bit products multiply: both are ${text} as fast as 8-bit products alone.`
    case 'slower':
      return `On ${subject}, pruning makes the model with 8-bit products slower: ${text}.`
    case 'undecided':
      return `On ${subject}, pruning gains nothing that can be told on top of 8-bit products: ${text}.`
  }
}
