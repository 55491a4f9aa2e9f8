import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { Graph, type Model, readAttributes, readConstant } from '@tp/onnx'
import { type InputRoles, isText } from '../inputs/input-shapes.ts'
import { mapTensors, rowOf } from '../inputs/rows.ts'
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
export interface TrialExample {
  readonly example: number
  readonly start: number
  readonly length?: number
}

/** Few, since position tables may be short. */
const TOKENS = 16
/** Two are of one length, so that a batch of them has no padding. */
const LENGTHS: readonly number[] = [TOKENS, TOKENS, 5, 11, 3]
/** Images, sounds, and texts of one length. */
const EXAMPLES = 3

/**
 * Random examples, each alone and all in batches. Texts are of unequal lengths, if the mask has an entry for each token; then they are
 * padded on the right and on the left. Where the model takes one length only, they are padded on the right to that in every run; one that takes one
 * size of batch only has batches of it as `alone`.
 * @throws TpError TP_INPUT for inputs that cannot be generated
 */
export function trialsFor(model: Model, roles: InputRoles, seed = 1): readonly Trial[] {
  const { batch } = roles
  const length = maskLength(model, roles)
  if (typeof length === 'number') return fixedTrials(model, roles, seed, length)
  if (typeof batch !== 'number')
    return length === undefined ? plainTrials(model, roles, seed) : textTrials(model, roles, seed)
  const inputs = sampleInputs(model, roles, { batch, tokens: isText(roles) ? TOKENS : undefined, seed })
  return [{ arrangement: 'alone', inputs, examples: examplesOf(batch) }]
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

function plainTrials(model: Model, roles: InputRoles, seed: number): Trial[] {
  const inputs = sampleInputs(model, roles, { batch: EXAMPLES, tokens: isText(roles) ? TOKENS : undefined, seed })
  const examples = examplesOf(EXAMPLES)
  const alone = examples.map(
    (own): Trial => ({ arrangement: 'alone', inputs: rowOf(inputs, own.example), examples: [own] }),
  )
  return [...alone, { arrangement: 'in a batch', inputs, examples }]
}

function textTrials(model: Model, roles: InputRoles, seed: number): Trial[] {
  const whole = sampleInputs(model, roles, { batch: LENGTHS.length, tokens: TOKENS, seed })
  const examples = LENGTHS.map((length, example) => ({ example, start: 0, length }))
  const equal = examples.filter(({ length }) => length === TOKENS)
  const padded = paddedBy(model, roles, whole, TOKENS)
  const atTheEnd = examples.map((own) => ({ ...own, start: TOKENS - own.length }))
  return [
    ...examples.map((own): Trial => {
      const inputs = mapTensors(rowOf(whole, own.example), (tensor) =>
        hasTokens(tensor, TOKENS) ? tokensOf(tensor, 0, own.length, TOKENS) : tensor,
      )
      return { arrangement: 'alone', inputs, examples: [own] }
    }),
    { arrangement: 'in a batch', inputs: firstRows(whole, equal.length), examples: equal },
    { arrangement: 'padded right', inputs: padded(examples), examples },
    { arrangement: 'padded left', inputs: padded(atTheEnd), examples: atTheEnd },
  ]
}

/** Examples that end where others go on, for a model that takes `tokens` only. */
function fixedTrials(model: Model, roles: InputRoles, seed: number, tokens: number): Trial[] {
  const { batch } = roles
  const rows = typeof batch === 'number' ? batch : EXAMPLES
  return Array.from({ length: Math.ceil(EXAMPLES / rows) }, (_, run) => {
    const examples = Array.from({ length: rows }, (_, row) => {
      const example = run * rows + row
      return { example, start: 0, length: Math.ceil((tokens * (EXAMPLES - (example % EXAMPLES))) / EXAMPLES) }
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
