import type { SoftInput } from '@tp/compiler'
import { TpError } from '@tp/core'
import { type Dim, substituteDim } from '@tp/core/expression'
import type { NamedTensors, ValueInfo } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import type { BatchInput, BatchInputs } from './batch-parts.ts'

export interface SoftFeedOptions {
  readonly inputs: readonly SoftInput[]
  /** Tokens of the encoder, in the sizes of the model's inputs. */
  readonly tokens: Dim
  /** The inputs of the model, with names of their sizes. */
  readonly declared: readonly Pick<ValueInfo, 'name' | 'dims'>[]
  /** How often each example stands in the batch. */
  readonly copies: number
  /** The least share that a layer may have to keep. */
  readonly lowest: number
  /** How much each token of an example counts, in its own order; for methods that ask for it. */
  readonly saliency: ((row: number) => Float32Array) | undefined
}

/** Inputs of the soft form of a method in one step; the same for the same seed. */
export function softFeeds(
  feeds: NamedTensors,
  rows: readonly number[],
  seed: number,
  { inputs, tokens, declared, copies, lowest, saliency }: SoftFeedOptions,
): BatchInputs {
  if (inputs.length === 0) return {}
  const random = randomNumbers(seed)
  const sizes = { B: rows.length * copies, N: tokensOf(feeds, tokens, declared) }
  const made: Record<string, BatchInput> = {}
  for (const { kind, name, dims: named } of inputs) {
    const dims = named.map((dim) => (typeof dim === 'number' ? dim : sizes[dim]))
    const data = new Float32Array(dims.reduce((a, b) => a * b, 1))
    if (kind === 'noise') for (let i = 0; i < data.length; i++) data[i] = random()
    if (kind === 'ratio')
      for (let i = 0; i < data.length; i++) data[i] = ratioOf(Math.floor(i / rows.length), lowest, random)
    if (kind === 'saliency') {
      if (saliency === undefined) throw new TpError('TP_OPTION', 'train', 'the method learns from saliency: give it')
      for (let row = 0; row < sizes.B; row++) {
        data.set(saliency(rows[row % rows.length] as number).subarray(0, sizes.N), row * sizes.N)
      }
    }
    const axis = named.indexOf('B')
    made[name] = { tensor: { type: 'float32', dims, data }, axis: axis < 0 ? undefined : axis }
  }
  return made
}

/** The first copy of an example keeps everything, the second as little as may be, the others what chance says. */
function ratioOf(copy: number, lowest: number, random: () => number): number {
  if (copy < 2) return copy === 0 ? 1 : lowest
  return lowest + (1 - lowest) * random()
}

function tokensOf(feeds: NamedTensors, tokens: Dim, declared: SoftFeedOptions['declared']): number {
  if (typeof tokens === 'number') return tokens
  const sizes: Record<string, number> = {}
  for (const { name, dims } of declared) {
    dims.forEach((dim, axis) => {
      const size = feeds[name]?.dims[axis]
      if (typeof dim === 'string' && size !== undefined) sizes[dim] = size
    })
  }
  const count = substituteDim(tokens, sizes)
  if (typeof count === 'number') return count
  throw new TpError('TP_SIZES', 'train', `how many tokens an example has (${tokens}) does not follow from the inputs`)
}
