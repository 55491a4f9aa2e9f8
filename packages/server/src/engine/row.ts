import { TpError } from '@tp/core'
import { isTypedArray, type NamedTensors, type TensorLike, type TypedArray, type ValueInfo } from '@tp/core/runtime'
import { maskOf } from '@tp/data/inputs'

/** One example: each input without its batch axis. */
export interface ExampleRow {
  readonly values: NamedTensors
  /** Its share of a budget: its attended tokens, and where a model's tokens are not known 256. */
  readonly tokens: number
  /** Rows with the same key can be run as one batch. */
  readonly key: string
}

/** An image or a recording counts as so many tokens. */
const EXAMPLE_TOKENS = 256

/** How the rows of a model become a batch. */
export interface RowForm {
  readonly inputs: readonly ValueInfo[]
  /** Rows of different lengths are filled up, which the mask hides. */
  readonly padded: boolean
  /** Examples of one run, where the model has their number fixed. */
  readonly batch: number | undefined
  /** Token id at padding. */
  readonly padId: number
}

/**
 * @param inputs what the model declares
 * @throws TpError TP_SERVE for a model whose examples cannot be batched
 */
export function rowForm(inputs: readonly ValueInfo[], padId = 0): RowForm {
  const refuse = (problem: string): never => {
    throw new TpError('TP_SERVE', 'server', `the model cannot be served: ${problem}`)
  }
  for (const { name, type, dims } of inputs) {
    if (type === 'string') refuse(`its input "${name}" takes strings`)
    if (dims.length === 0) refuse(`its input "${name}" is a single number, without a batch axis`)
  }
  const batch = inputs.map(({ dims: [first] }) => first).find((size) => typeof size === 'number' && size > 0)
  if (typeof batch === 'number' && batch > 1)
    refuse(`it takes batches of exactly ${batch}; export it with a free batch axis`)
  const ofTokens = inputs.every(({ type, dims }) => (type === 'int64' || type === 'int32') && dims.length === 2)
  const mask = maskOf(Object.fromEntries(inputs.map((input) => [input.name, input])))
  const free = mask !== undefined && inputs.every(({ dims }) => typeof dims[1] !== 'number')
  return { inputs, padded: ofTokens && free, batch: batch === 1 ? 1 : undefined, padId }
}

/**
 * Divides inputs [b,…] that have been checked into their rows. Padding at the end of a text is cut off.
 * @throws TpError TP_INPUT without examples, or for a text without an attended token
 */
export function rowsOf(form: RowForm, tensors: NamedTensors): ExampleRow[] {
  const counts = new Set(Object.values(tensors).map(({ dims: [rows = 0] }) => rows))
  const [count = 0] = counts
  if (counts.size > 1 || count === 0) {
    const seen = Object.entries(tensors).map(([name, { dims }]) => `${name} [${dims}]`)
    throw new TpError(
      'TP_INPUT',
      'server',
      `all inputs have the same number of rows, 1 or more; got ${seen.join(', ')}`,
    )
  }
  return Array.from({ length: count }, (_, row) => rowOf(form, tensors, row))
}

function rowOf(form: RowForm, tensors: NamedTensors, row: number): ExampleRow {
  const whole = Object.entries(tensors).map(([name, tensor]) => [name, takeRow(tensor, row)] as const)
  if (!form.padded) {
    const key = whole.map(([name, { dims }]) => `${name}:${dims}`).join(' ')
    return { values: Object.fromEntries(whole), tokens: EXAMPLE_TOKENS, key }
  }
  const mask = (maskOf(Object.fromEntries(whole)) as TensorLike).data
  let length = mask.length
  while (length > 0 && Number(mask[length - 1]) === 0) length--
  if (length === 0) throw new TpError('TP_INPUT', 'server', `row ${row} has no token that its mask lets attend`)
  const values = whole.map(([name, { type, data }]) => [name, { type, dims: [length], data: part(data, 0, length) }])
  return { values: Object.fromEntries(values), tokens: length, key: '' }
}

/** One row of a tensor [b,…], as a view. */
export function takeRow({ type, dims, data }: TensorLike, row: number): TensorLike {
  const rest = dims.slice(1)
  const size = rest.reduce((product, dim) => product * dim, 1)
  return { type, dims: rest, data: part(data, row * size, (row + 1) * size) }
}

/** Rows as one batch, texts filled up to the longest. */
export function joinRows(form: RowForm, rows: readonly ExampleRow[]): NamedTensors {
  const [first] = rows as readonly [ExampleRow]
  return Object.fromEntries(
    form.inputs.map(({ name }) => {
      const { type, dims } = first.values[name] as TensorLike
      const padding = form.padded && isIds(name) ? form.padId : 0
      return [
        name,
        stack(
          rows.map(({ values }) => values[name] as TensorLike),
          type,
          dims,
          padding,
        ),
      ]
    }),
  )
}

/**
 * Tensors one on the other, as one more axis in front. Where their first axes differ, they are filled up to the longest.
 * @param length the least that the first axis then has
 */
export function stack(
  rows: readonly TensorLike[],
  type: TensorLike['type'],
  dims: readonly number[],
  padding = 0,
  length = 0,
): TensorLike {
  if (dims.length === 0) return { type, dims: [rows.length], data: joined(rows, 1, padding) }
  const longest = Math.max(length, ...rows.map(({ dims: [size = 0] }) => size))
  const rest = dims.slice(1)
  const size = rest.reduce((product, dim) => product * dim, longest)
  return { type, dims: [rows.length, longest, ...rest], data: joined(rows, size, padding) }
}

function joined(rows: readonly TensorLike[], size: number, padding: number): TensorLike['data'] {
  const data = rows[0]?.data ?? []
  if (!isTypedArray(data)) throw new TpError('TP_OUTPUT', 'server', 'tensors of strings cannot be batched')
  // By name: `data.constructor` may be another realm's.
  const name = data[Symbol.toStringTag] as keyof typeof globalThis
  const all = new (globalThis[name] as new (length: number) => TypedArray)(rows.length * size)
  if (padding !== 0) all.fill((all instanceof BigInt64Array ? BigInt(padding) : padding) as never)
  for (const [i, row] of rows.entries()) all.set(row.data as never, i * size)
  return all
}

function isIds(name: string): boolean {
  return name === 'input_ids' || name === 'input'
}

function part(data: TensorLike['data'], from: number, to: number): TensorLike['data'] {
  return isTypedArray(data) ? data.subarray(from, to) : data.slice(from, to)
}
