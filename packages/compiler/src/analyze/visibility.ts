import { evaluate, input, isTpError, type Tensor, unsqueeze } from '@tp/core'
import { type Dim, isUnknown, namesIn, substituteDim } from '@tp/core/expression'
import type { TensorLike } from '@tp/core/runtime'
import { unfoldHeads } from '../operators/heads.ts'
import type { Program } from '../program/program.ts'
import { Refused, reasonOf } from '../program/refusal.ts'
import type { Layer } from './layer.ts'
import { quietTerms } from './position-terms.ts'
import { replayScores } from './scores.ts'

/** Weights below it are those of keys that a query does not see; far below what any position bias lets through. */
const SEEN = 1e-12
/** Slices that go to the end say so with the largest integer, which a number cannot hold. */
const FAR = 2 ** 62
/** Token count to try where the model does not fix it. */
const TOKENS = 6
/** The largest size of an input that is tried. */
const MOST = 2 ** 20
/** Attention between more tokens than these is not tried. */
const MOST_TOKENS = 2 ** 13

/**
 * Proves by trying what the masks of a layer hide: softmax is computed over scores of 0, so that only masks and position
 * biases speak.
 *
 * - Without padding, some token sees a later one and some an earlier one, else attention is causal.
 * - The mask must hide exactly the keys where it is 0, or where it is 1 if that is what `padding` says.
 *
 * `masksItself`: the mask is the tokens themselves (0: padding). `stream`: the hidden states that layers start from; what
 * is computed from them hides nothing. `padded`: where padding may be; a layer that counts real tokens hides what is right of so many.
 * @throws Refused TP_MASK
 */
export function visibilityOf(
  program: Program,
  layer: Layer,
  mask: Mask | undefined,
  masksItself: boolean,
  stream: string,
  padded: 'anywhere' | 'right' = 'anywhere',
): Visibility {
  const { attention } = layer
  if (attention.sides.every((side) => isScalar(program.tensor(side)))) return 'bidirectional'
  const trial = new Trial(program, layer, mask?.name, stream)
  const padding = mask?.padding ?? 0
  const ones = Array.from({ length: trial.tokens }, () => 1 - padding)
  const open = trial.seen(ones)
  const visibility: Visibility = isCausal(open) ? 'causal' : 'bidirectional'
  if (mask === undefined) return visibility
  // Numbers of tokens have to count as real whatever they are.
  const values = masksItself ? ones.map((_, i) => ids[i % ids.length] as number) : ones
  const last = trial.tokens - 1
  const trials = padded === 'anywhere' ? [[Math.min(2, last)]] : [[last], [last - 1, last]]
  const obeys = (hidden: readonly number[]): boolean =>
    trial
      .seen(values.map((value, key) => (hidden.includes(key) ? padding : value)))
      .every(
        (row, query) =>
          hidden.includes(query) || row.every((sees, key) => sees === (!hidden.includes(key) && open[query]?.[key])),
      )
  if (!trials.every(obeys)) {
    const reason = `${mask.name} does not say which tokens are real (not 0) and which are padding (0)`
    throw new Refused(
      'TP_MASK',
      `attention is masked by a value that cannot be read: ${reason}`,
      attention.chain.at(-1),
    )
  }
  return visibility
}

/**
 * Whether 1 is what padding is marked by in an input [b,·] that masks are made from, as its reader has to know; undefined
 * if that is not known. With 1 for the first half of it and 0 for the second, the first token sees itself or does not.
 */
export function marksPadding(program: Program, layer: Layer, name: string, stream: string): boolean | undefined {
  const { dims } = program.tensor(name)
  if (dims.length !== 2) return undefined
  try {
    const trial = new Trial(program, layer, name, stream)
    const length = trial.concrete(dims[1] as Dim)
    const [first] = trial.seen(Array.from({ length }, (_, i) => (i < length / 2 ? 1 : 0)))
    return first?.[0] === undefined ? undefined : !first[0]
  } catch (error) {
    if (error instanceof Refused) return undefined
    throw error
  }
}

const ids: readonly number[] = [2, 1, 5, 101, 3, 7]

function isScalar({ hasShape, dims }: Tensor): boolean {
  return hasShape && dims.every((dim) => dim === 1)
}

/** Which keys a query sees: those of all tokens, or only those on one side of it. */
export type Visibility = 'bidirectional' | 'causal'

/** A value [b,n] that says which tokens are padding: where it is 0, or where it is 1. */
export interface Mask {
  readonly name: string
  readonly padding: 0 | 1
}

/** seen[query][key] */
type Seen = readonly (readonly boolean[])[]

function isCausal(seen: Seen): boolean {
  const later = seen.some((row, query) => row.some((sees, key) => sees && key > query))
  const earlier = seen.some((row, query) => row.some((sees, key) => sees && key < query))
  return seen.length >= 2 && !(later && earlier)
}

/** A layer's masks, computed at concrete sizes. */
class Trial {
  readonly tokens: number
  readonly #program: Program
  readonly #layer: Layer
  readonly #stream: string
  readonly #mask: string | undefined
  readonly #sizes: ReadonlyMap<string, number>
  readonly #probabilities: Tensor
  readonly #scores: Tensor

  constructor(program: Program, layer: Layer, mask: string | undefined, stream: string) {
    this.#program = program
    this.#layer = layer
    this.#stream = stream
    this.#mask = mask
    const { dims } = program.tensor(layer.input)
    const [batch, tokens] = dims
    if (batch === undefined || tokens === undefined)
      throw this.#unknown('is between values of fewer axes than batch × tokens')
    const sizes = new Map<string, number>()
    for (const name of namesIn(batch)) sizes.set(name, 1)
    // Tokens may be many samples each, or patches.
    for (let size = TOKENS; size <= MOST; size *= 2) {
      for (const name of namesIn(tokens)) sizes.set(name, size)
      const count = substituteDim(tokens, sizes)
      if (typeof count !== 'number' || count >= TOKENS) break
    }
    // A mask whose axes have names of their own.
    const [examples, length] = mask === undefined ? [] : program.tensor(mask).dims
    const learn = (dim: Dim, size: number): void => {
      for (const name of namesIn(dim)) if (!sizes.has(name)) sizes.set(name, size)
    }
    learn(examples ?? 1, 1)
    learn(length ?? 1, substituteDim(tokens, sizes) as number)
    this.#sizes = sizes
    this.tokens = this.concrete(tokens)
    // Downstream of an earlier cut a mask says the same as where all tokens are kept.
    for (const name of this.#earlier('indices').flatMap(({ dims }) => [...namesIn(dims[1] ?? 1)]))
      sizes.set(name, this.tokens)
    if (!(this.tokens <= MOST_TOKENS)) throw this.#unknown(`cannot be tried with ${this.tokens} tokens`)
    this.#scores = input('scores', program.tensor(layer.attention.chain[0]?.output[0] as string).dtype, [
      1,
      1,
      this.tokens,
      this.tokens,
    ])
    this.#probabilities = this.#softmaxOf(this.#scores)
  }

  /** Values of earlier cuts. */
  #earlier(which: 'indices' | 'after' | 'valid' | 'keyBias'): Tensor[] {
    const { earlier, graph } = this.#program
    const names = earlier.flatMap((cut) => cut[which] ?? [])
    return names.filter((name) => graph.has(name)).map((name) => this.#program.tensor(name))
  }

  /** The keys that each query of the first example sees, in any head, under a mask. */
  seen(mask: readonly number[]): Seen {
    const [result] = this.#evaluate(mask)
    const { dims, data } = result as TensorLike
    const n = this.tokens
    const heads = dims[1] as number
    return Array.from({ length: n }, (_, query) =>
      Array.from({ length: n }, (_, key) =>
        Array.from({ length: heads }, (_, head) => Number(data[(head * n + query) * n + key])).some(
          (weight) => weight > SEEN,
        ),
      ),
    )
  }

  /** A size at which things are tried. */
  concrete(dim: Dim): number {
    const size = substituteDim(dim, this.#sizes)
    if (typeof size === 'number' && size >= 0 && size <= MOST) return size
    throw this.#unknown(isUnknown(size) ? 'depends on a size that is not known' : `depends on the size ${size}`)
  }

  /** The nodes from Q·Kᵀ to the softmax, on scores of the trial's size. */
  #softmaxOf(scores: Tensor): Tensor {
    const program = this.#program
    return replayScores(program, this.#layer.attention, scores, ({ name, rank }) => {
      const side = this.#resized(program.tensor(name))
      if (rank !== 3 || side.rank !== 3) return side
      const [batch] = program.tensor(this.#layer.input).dims
      const heads = (side.dims[0] as number) / this.concrete(batch as Dim)
      return heads > 1 ? unfoldHeads(side, heads) : unsqueeze(side, [1])
    })
  }

  readonly #sides = new Map<Tensor, Tensor>()

  /** A side operand as a placeholder of the trial's size. */
  #resized(side: Tensor): Tensor {
    const known = this.#sides.get(side)
    if (known !== undefined) return known
    if (!side.hasShape) throw this.#unknown('has a shape that is not known')
    const placeholder = input(
      `side${this.#sides.size}`,
      side.dtype,
      side.dims.map((dim) => this.concrete(dim)),
    )
    this.#sides.set(side, placeholder)
    return placeholder
  }

  #evaluate(mask: readonly number[]): TensorLike[] {
    const n = this.tokens
    try {
      const sides = [...this.#sides.keys()]
      const values = evaluate(sides, this.#feeds(sides, mask))
      const feeds = new Map<Tensor, TensorLike>([
        [
          this.#scores,
          filled(
            this.#scores,
            Array.from({ length: n * n }, () => 0),
          ),
        ],
      ])
      for (const [i, side] of sides.entries()) feeds.set(this.#sides.get(side) as Tensor, values[i] as TensorLike)
      return evaluate([this.#probabilities], feeds, { precision: 'float64' })
    } catch (error) {
      if (!isTpError(error) || error instanceof Refused) throw error
      throw this.#unknown(`cannot be computed: ${reasonOf(error)}`)
    }
  }

  /** The values that side operands are computed from: the mask, and numbers and sizes that are known. */
  #feeds(sides: readonly Tensor[], mask: readonly number[]): Map<Tensor, TensorLike> {
    const feeds = new Map<Tensor, TensorLike>()
    const seen = new Set<Tensor>()
    const queue = [...sides]
    const streams = [this.#program.tensor(this.#stream), ...this.#earlier('after')]
    const terms = quietTerms(sides, streams)
    const indices = new Set(this.#earlier('indices'))
    const valid = new Set(this.#earlier('valid'))
    const biases = new Set(this.#earlier('keyBias'))
    const maskInput = this.#mask === undefined ? undefined : this.#program.tensor(this.#mask)
    for (let tensor = queue.pop(); tensor !== undefined; tensor = queue.pop()) {
      if (seen.has(tensor)) continue
      seen.add(tensor)
      if (tensor.node.op.name === 'Constant') continue
      const known = tensor.value?.map((dim) => substituteDim(dim, this.#sizes))
      if (tensor === maskInput) {
        const batch = this.concrete(tensor.dims[0] as Dim)
        feeds.set(tensor, filled(tensor, Array.from({ length: batch }, () => mask).flat(), [batch, mask.length]))
      } else if (indices.has(tensor) || valid.has(tensor)) {
        const dims = tensor.dims.map((dim) => this.concrete(dim))
        const all = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i % this.tokens)
        feeds.set(tensor, filled(tensor, valid.has(tensor) ? all.map(() => 1) : all, dims))
      } else if (known?.every((dim) => typeof dim === 'number')) {
        feeds.set(
          tensor,
          filled(
            tensor,
            known as number[],
            tensor.dims.map((dim) => this.concrete(dim)),
          ),
        )
      } else if (terms.has(tensor) || biases.has(tensor)) {
        const dims = tensor.dims.map((dim) => this.concrete(dim))
        const size = dims.reduce((a, b) => a * b, 1)
        feeds.set(tensor, filled(tensor, new Array<number>(size).fill(0), dims))
      } else {
        for (const operand of tensor.node.inputs) if (operand !== undefined) queue.push(operand)
      }
    }
    return feeds
  }

  #unknown(reason: string): Refused {
    const node = this.#layer.attention.chain.at(-1)
    return new Refused(
      'TP_MASK',
      `the part that this attention hides ${reason}, so it is not known which tokens are padding`,
      node,
    )
  }
}

function filled(
  { dtype, dims }: Tensor,
  values: readonly number[],
  sizes: readonly number[] = dims as number[],
): TensorLike {
  const shape = { type: dtype as string, dims: sizes }
  if (dtype === 'int64' || dtype === 'uint64')
    return { ...shape, data: BigInt64Array.from(values, (value) => BigInt(Math.max(-FAR, Math.min(FAR, value)))) }
  if (dtype === 'int32') return { ...shape, data: Int32Array.from(values) }
  if (dtype === 'bool') return { ...shape, data: Uint8Array.from(values) }
  return { type: 'float32', dims: sizes, data: Float32Array.from(values) }
}
