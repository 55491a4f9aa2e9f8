import type { WeighStatesReport } from '@tp/compiler'
import type { NamedTensors } from '@tp/core/runtime'
import { Graph } from '@tp/onnx'
import { requireClose, requireFiniteDense } from '../differences.ts'
import { roundingOf } from '../rounding.ts'
import type { ModelPair } from './model-pair.ts'
import { otherFeed, stateFeed } from './state-feeds.ts'

/** The states of an encoder, for a decoder that was changed to read any number of them, or to weigh them. */
export interface StatesToRead {
  /** Inputs with an entry for each state. */
  readonly inputs: readonly string[]
  /** How many states the decoder was made for; absent where it reads any number. */
  readonly count: number | undefined
  /** How states come about, where the decoder was changed to weigh them. */
  readonly norm?: WeighStatesReport['norm'] | undefined
}

/**
 * Runs a decoder, and the one that was made to read any number of states, side by side: on as many states as were built in; and the repaired one on a part of them, next to
 * the old one on each of these several times, which an attention does not tell from once. Merged decoders in both branches.
 * @returns the largest difference, relative for numbers beyond 1
 * @throws TpError TP_VERIFY, TP_DENSE where the decoder itself does not hold, TP_INPUT for inputs that cannot be generated
 */
export async function verifyStates(options: ModelPair & StatesToRead): Promise<number> {
  const { source, dense, changed, inputs, count = 1, signal } = options
  const run = signal && { signal }
  const declared = new Graph(source).inputs
  const tolerance = roundingOf(source)
  let largest = 0
  for (const cached of declared.some(({ type }) => type === 'bool') ? [false, true] : [true]) {
    for (const times of [1, smallestDivisor(count)]) {
      const feeds = (repeat: number): NamedTensors =>
        Object.fromEntries(
          declared.map((input) => [
            input.name,
            inputs.includes(input.name) ? stateFeed(input, count / times, repeat) : otherFeed(input, cached),
          ]),
        )
      const expected = await dense.run(feeds(times), run)
      requireFiniteDense(expected)
      const actual = await changed.run(feeds(1), run)
      // Keys and values of the states are as many as these.
      const compared = times === 1 ? expected : ofNoState(expected, actual)
      largest = Math.max(largest, requireClose(actual, compared, tolerance))
    }
  }
  return largest
}

/** Outputs that have the same shape whatever the number of states. */
function ofNoState(expected: NamedTensors, actual: NamedTensors): NamedTensors {
  const entries = Object.entries(expected)
  return Object.fromEntries(entries.filter(([name, { dims }]) => String(actual[name]?.dims) === String(dims)))
}

function smallestDivisor(count: number): number {
  let divisor = 2
  while (divisor * divisor <= count && count % divisor !== 0) divisor++
  return count % divisor === 0 ? divisor : count
}
