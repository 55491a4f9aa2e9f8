import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { Graph, type Model, readAttributes, readConstant } from '@tp/onnx'
import { type InputRoles, isText } from '../inputs/input-shapes.ts'
import { mapTensors, rowOf, rowsOf } from '../inputs/rows.ts'
import { sampleInputs } from '../inputs/sample-inputs.ts'

/** How examples are put together; those of equal lengths need no padding. */
export const arrangements = ['alone', 'in a batch', 'padded right', 'padded left'] as const
export type Arrangement = (typeof arrangements)[number]

/** One run of a model. */
export interface Trial {
  readonly arrangement: Arrangement
  readonly inputs: NamedTensors
  /** Row by row of the batch. */
  readonly examples: readonly TrialExample[]
}

/** Which example a row holds, and where its tokens are; images and sounds have no `length`. */
interface TrialExample {
  readonly example: number
  readonly start: number
  readonly length?: number
}

/** Tokens of the longest text of a round. Few, since position tables may be short. */
const TOKENS = 16
/** Images and sounds, which are large … */
const EXAMPLES = 2
/** … and texts of one length. */
const FIXED_EXAMPLES = 3
/** A short text next to a long one: nearly all of its row is padding. */
const SHORT = 7

export interface TrialOptions {
  readonly seed?: number
  /** Tokens of the longest text; default: 16. */
  readonly tokens?: number
}

/**
 * Random examples, each alone and all in batches. Texts are of unequal lengths, if the mask has an entry for each token; then they are
 * padded on the right and on the left. Where the model takes one length only, they are padded on the right to that in every run; one that takes one
 * size of batch only has batches of it as `alone`.
 * @throws TpError TP_INPUT for inputs that cannot be generated
 */
export function trialsFor(
  model: Model,
  roles: InputRoles,
  { seed = 1, tokens = TOKENS }: TrialOptions = {},
): readonly Trial[] {
  const { batch } = roles
  const length = maskLength(model, roles)
  if (typeof length === 'number') return fixedTrials(model, roles, seed, length)
  const ofTexts = isText(roles) ? tokens : undefined
  if (typeof batch !== 'number') {
    return length === undefined
      ? plainTrials(model, roles, seed, ofTexts)
      : textTrials(model, roles, seed, lengthsUpTo(tokens))
  }
  const inputs = sampleInputs(model, roles, { batch, tokens: ofTexts, seed })
  return [{ arrangement: 'alone', inputs, examples: examplesOf(batch) }]
}

/** A long text, alone and next to a short one; none for a model that takes no texts of any length. */
export function longTrials(model: Model, roles: InputRoles, tokens: number): readonly Trial[] {
  if (!isText(roles) || typeof roles.batch === 'number') return []
  const length = maskLength(model, roles)
  if (typeof length === 'number') return []
  return length === undefined
    ? plainTrials(model, roles, 1, tokens)
    : textTrials(model, roles, 1, [tokens, Math.min(SHORT, tokens)])
}

/** Texts that share one row of each input whose batch is only assumed to be that of the others; none where no batch is. */
export function sharedTrials(model: Model, roles: InputRoles): readonly Trial[] {
  const names = (roles.assumed ?? []).filter(({ axis }) => axis === 0).map(({ input }) => input)
  if (names.length === 0 || typeof roles.batch === 'number') return []
  const inputs = sampleInputs(model, roles, { batch: EXAMPLES, tokens: isText(roles) ? SHORT : undefined })
  const shared = names.map((name) => [name, rowsOf(inputs[name] as TensorLike, 0, 1)] as const)
  return together({ ...inputs, ...Object.fromEntries(shared) })
}

/** Two are of one length, so that a batch of them has no padding; one has a single token. */
function lengthsUpTo(most: number): readonly number[] {
  return [most, most, Math.ceil(0.3 * most), Math.floor(0.7 * most), Math.min(3, most), 1]
}

function examplesOf(count: number): TrialExample[] {
  return Array.from({ length: count }, (_, example) => ({ example, start: 0 }))
}

/** The length of a mask that has an entry for each token of a text, or that the model fixes; undefined without one. */
function maskLength(model: Model, roles: InputRoles): string | number | undefined {
  const mask = new Graph(model).inputs.find(({ name }) => name === roles.mask)
  const [, length, ...others] = mask?.dims ?? []
  if (others.length > 0) return undefined
  return typeof length === 'number' || isText(roles) ? length : undefined
}

function plainTrials(model: Model, roles: InputRoles, seed: number, tokens: number | undefined): Trial[] {
  return together(sampleInputs(model, roles, { batch: EXAMPLES, tokens, seed }))
}

/** The examples of a batch, alone and together. */
function together(inputs: NamedTensors): Trial[] {
  const examples = examplesOf(EXAMPLES)
  const [first, ...others] = examples.map(
    (own): Trial => ({
      arrangement: 'alone',
      inputs: mapTensors(inputs, (tensor) => (tensor.dims[0] === EXAMPLES ? rowsOf(tensor, own.example, 1) : tensor)),
      examples: [own],
    }),
  ) as [Trial, ...Trial[]]
  // In this order the batch is compared even where there is no time for all of these runs.
  return [first, { arrangement: 'in a batch', inputs, examples }, ...others]
}

function textTrials(model: Model, roles: InputRoles, seed: number, lengths: readonly number[]): Trial[] {
  const tokens = Math.max(...lengths)
  const whole = sampleInputs(model, roles, { batch: lengths.length, tokens, seed })
  const examples = lengths.map((length, example) => ({ example, start: 0, length }))
  const equal = examples.filter(({ length }) => length === tokens)
  const padded = paddedBy(model, roles, whole, tokens)
  const atTheEnd = examples.map((own) => ({ ...own, start: tokens - own.length }))
  const alone = examples.map((own): Trial => {
    const inputs = mapTensors(rowOf(whole, own.example), (tensor) =>
      hasTokens(tensor, tokens) ? tokensOf(tensor, 0, own.length, tokens) : tensor,
    )
    return { arrangement: 'alone', inputs, examples: [own] }
  })
  const sides: Trial[] = [
    { arrangement: 'padded right', inputs: padded(examples), examples },
    { arrangement: 'padded left', inputs: padded(atTheEnd), examples: atTheEnd },
  ]
  const batch: Trial = { arrangement: 'in a batch', inputs: firstRows(whole, equal.length), examples: equal }
  return [...alone, ...sides, ...(equal.length > 1 ? [batch] : [])]
}

/** Examples that end where others go on, for a model that takes `tokens` only. */
function fixedTrials(model: Model, roles: InputRoles, seed: number, tokens: number): Trial[] {
  const { batch } = roles
  const rows = typeof batch === 'number' ? batch : FIXED_EXAMPLES
  return Array.from({ length: Math.ceil(FIXED_EXAMPLES / rows) }, (_, run) => {
    const examples = Array.from({ length: rows }, (_, row) => {
      const example = run * rows + row
      return {
        example,
        start: 0,
        length: Math.ceil((tokens * (FIXED_EXAMPLES - (example % FIXED_EXAMPLES))) / FIXED_EXAMPLES),
      }
    })
    const whole = sampleInputs(model, roles, { batch: rows, seed: seed + run })
    const inputs = paddedBy(model, roles, whole, tokens)(examples)
    if (typeof batch === 'number') return [{ arrangement: 'alone' as const, inputs, examples }]
    const alone = examples.map(
      (own, row): Trial => ({ arrangement: 'alone', inputs: rowOf(inputs, row), examples: [own] }),
    )
    return [...alone, { arrangement: 'in a batch' as const, inputs, examples }]
  }).flat()
}

/** Puts the first tokens of each row of some inputs where examples say, and padding elsewhere. */
function paddedBy(
  model: Model,
  roles: InputRoles,
  whole: NamedTensors,
  tokens: number,
): (placed: readonly TrialExample[]) => NamedTensors {
  const graph = new Graph(model)
  const padding = new Map(
    Object.keys(whole).map((name) => [
      name,
      name === roles.mask ? Number(roles.maskMarksPadding ?? false) : paddingNumber(graph, name),
    ]),
  )
  return (placed) =>
    Object.fromEntries(
      Object.entries(whole).map(([name, tensor]) => [
        name,
        withPadding(tensor, placed, { tokens, padding: padding.get(name) as number }),
      ]),
    )
}

/** The same tensor [B,N,…] with the first tokens of each row where the examples say, and `padding` elsewhere. */
function withPadding(
  tensor: TensorLike,
  examples: readonly TrialExample[],
  { tokens, padding }: { readonly tokens: number; readonly padding: number },
): TensorLike {
  if (!hasTokens(tensor, tokens)) return tensor
  const { type, dims, data } = tensor
  const moved = data.slice() as BigInt64Array
  moved.fill((typeof data[0] === 'bigint' ? BigInt(padding) : padding) as bigint)
  const width = data.length / ((dims[0] as number) * tokens)
  for (const [row, { start, length }] of examples.entries()) {
    const first = row * tokens * width
    moved.set(data.slice(first, first + (length as number) * width) as BigInt64Array, first + start * width)
  }
  return { type, dims, data: moved }
}

/** The number that a model knows padding by (1 in RoBERTa, whose positions depend on it); 0 where it knows none. */
function paddingNumber(graph: Graph, input: string): number {
  for (const { node, index } of graph.consumers(input)) {
    const number = node.opType === 'Equal' ? scalarOf(graph, node.input[1 - index] as string) : undefined
    if (number !== undefined) return number
  }
  return 0
}

function scalarOf(graph: Graph, name: string): number | undefined {
  const weight = graph.initializer(name)
  const node = graph.producer(name)
  const value = weight ? readConstant(weight) : node?.opType === 'Constant' ? readAttributes(node)?.value : undefined
  return typeof value === 'object' && 'data' in value && value.data.length === 1 ? value.data[0] : undefined
}

/** Some of the tokens of a tensor [1,N,…]; `of` is N. */
export function tokensOf({ type, dims, data }: TensorLike, start: number, length: number, of: number): TensorLike {
  const width = data.length / of
  const own = data.slice(start * width, (start + length) * width) as TensorLike['data']
  return { type, dims: [1, length, ...dims.slice(2)], data: own }
}

function hasTokens({ dims }: TensorLike, tokens: number): boolean {
  return dims.length >= 2 && dims[1] === tokens
}

function firstRows(inputs: NamedTensors, count: number): NamedTensors {
  return mapTensors(inputs, ({ type, dims, data }) => {
    const size = data.length / (dims[0] as number)
    return { type, dims: [count, ...dims.slice(1)], data: data.slice(0, count * size) as TensorLike['data'] }
  })
}
