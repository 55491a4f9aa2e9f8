import { TpError } from '@tp/core'
import { isTypedArray, type NamedTensors, type TensorLike, type TypedArray, type ValueInfo } from '@tp/core/runtime'

/** Chosen rows of a tensor [b,…]; of [b,n,…] only the first `columns` of the second axis. */
export function takeRows({ type, dims, data }: TensorLike, rows: readonly number[], columns?: number): TensorLike {
  const [, second = 1, ...rest] = dims
  const width = rest.reduce((product, size) => product * size, 1)
  const taken = (columns ?? second) * width
  const result = emptyLike(data, rows.length * taken)
  for (const [i, row] of rows.entries()) {
    const from = row * second * width
    put(result, data.slice(from, from + taken), i * taken)
  }
  return { type, dims: dims.length < 2 ? [rows.length] : [rows.length, columns ?? second, ...rest], data: result }
}

/** A tensor whose rows at `positions` are those of another one of the same form. @throws TpError TP_CASCADE */
export function replaceRows(
  name: string,
  into: TensorLike,
  from: TensorLike | undefined,
  positions: readonly number[],
): TensorLike {
  const { type, dims } = into
  const isAlike =
    from !== undefined &&
    from.type === type &&
    from.dims.slice(1).join() === dims.slice(1).join() &&
    from.dims.length > 0
  if (!isAlike || from.dims[0] !== positions.length) {
    const seen = `the output ${name} is ${type}[${dims}] of the pruned model and ${from?.type}[${from?.dims}] of the dense one`
    throw new TpError('TP_CASCADE', 'guard', `${seen}, so that their rows cannot stand for each other`)
  }
  const width = dims.slice(1).reduce((product, size) => product * size, 1)
  const data = into.data.slice()
  for (const [i, position] of positions.entries())
    put(data, from.data.slice(i * width, (i + 1) * width), position * width)
  return { type, dims, data }
}

/** The axis of the tokens, where rows may be cut short after their last attended token. */
export interface MaskedAxis {
  /** The input that says which tokens are real. */
  readonly mask: string
  /** Inputs [b,n,…] along that axis, the mask among them. */
  readonly inputs: readonly string[]
}

/**
 * Finds out whether inputs may be cut short: there is a mask [b,n] of a free length, that length is the second axis of
 * inputs only, and no output shows it.
 */
export function tokenAxis(
  inputs: readonly ValueInfo[],
  outputs: readonly ValueInfo[],
  mask: string,
): MaskedAxis | undefined {
  const length = inputs.find(({ name, dims }) => name === mask && dims.length === 2)?.dims[1]
  if (typeof length !== 'string' || length === '') return undefined
  const mayShow = outputs.some(({ dims }) => dims.slice(1).some((dim) => dim === length || dim === ''))
  const along = inputs.filter(({ dims }) => dims.includes(length))
  if (mayShow || along.some(({ dims }) => dims.indexOf(length) !== 1 || dims.lastIndexOf(length) !== 1))
    return undefined
  return { mask, inputs: along.map(({ name }) => name) }
}

/** How many tokens the longest of the chosen rows has, padding in front of its last real one included; at least one. */
function longestOf({ dims, data }: TensorLike, rows: readonly number[]): number {
  const [, width = 1] = dims
  let longest = 1
  for (const row of rows) {
    for (let i = width; i > longest; i--) {
      if (Number(data[row * width + i - 1]) === 0) continue
      longest = i
      break
    }
  }
  return longest
}

/** Inputs with the chosen rows alone, cut short where that is allowed. */
export function takeInputs(inputs: NamedTensors, rows: readonly number[], axis: MaskedAxis | undefined): NamedTensors {
  const columns = axis && longestOf(inputs[axis.mask] as TensorLike, rows)
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => [
      name,
      takeRows(tensor, rows, axis?.inputs.includes(name) ? columns : undefined),
    ]),
  )
}

function emptyLike(data: TensorLike['data'], length: number): TypedArray | string[] {
  return isTypedArray(data) ? new (data.constructor as new (length: number) => TypedArray)(length) : new Array(length)
}

function put(into: TensorLike['data'], values: TensorLike['data'], at: number): void {
  const target = into as { [index: number]: unknown; set?: (values: unknown, at: number) => void }
  if (target.set) target.set(values, at)
  else for (const [i, value] of (values as readonly string[]).entries()) target[at + i] = value
}
