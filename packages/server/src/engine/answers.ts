import { TpError } from '@tp/core'
import { isTypedArray, type NamedTensors, type Session, type TensorLike, type TypedArray } from '@tp/core/runtime'
import { type ExampleRow, joinRows, type RowForm, rowsOf, takeRow } from './row.ts'

/** Output that says which rows of the other outputs are tokens, in a model pruned without restoring. */
const KEPT = 'tp.mask'

/** Two lengths by which outputs with an axis of tokens differ from others; longer than any template. */
const PROBES = [6, 9] as const

/** Names of the outputs whose second axis has the length of the text. */
export type TokenOutputs = ReadonlySet<string>

/**
 * Runs a model of texts twice, and sees which outputs are as long as the text: declarations may leave every axis open. Also warms it up.
 * @throws TpError TP_SERVE if an output has no row for each example; what the run throws
 */
export async function findTokenOutputs(session: Session, form: RowForm): Promise<TokenOutputs> {
  if (!form.padded) return new Set()
  const [short, long] = [await probe(session, form, PROBES[0]), await probe(session, form, PROBES[1])]
  const follow = Object.entries(long).filter(
    ([
      name,
      {
        dims: [, size],
      },
    ]) => {
      return size === PROBES[1] && short[name]?.dims[1] === PROBES[0]
    },
  )
  return new Set(follow.map(([name]) => name))
}

async function probe(session: Session, form: RowForm, length: number): Promise<NamedTensors> {
  const rows = form.batch ?? 2
  const tensors = form.inputs.map(({ name, type }): [string, TensorLike] => {
    const size = rows * length
    const data = type === 'int64' ? new BigInt64Array(size).fill(1n) : new Int32Array(size).fill(1)
    return [name, { type, dims: [rows, length], data }]
  })
  const outputs = await session.run(joinRows(form, rowsOf(form, Object.fromEntries(tensors))))
  for (const [name, { dims }] of Object.entries(outputs)) requireRows(name, dims, rows)
  return outputs
}

/** The outputs of each row of a batch, as if it had been run alone: what belongs to padding is cut off. */
export function answersOf(outputs: NamedTensors, rows: readonly ExampleRow[], byToken: TokenOutputs): NamedTensors[] {
  const named = Object.entries(outputs)
  for (const [name, { dims }] of named) requireRows(name, dims, rows.length)
  const kept = outputs[KEPT]
  return rows.map(({ tokens }, row) => {
    const mask = kept && takeRow(kept, row).data
    return Object.fromEntries(
      named.map(([name, tensor]): [string, TensorLike] => {
        const own = takeRow(tensor, row)
        if (
          mask !== undefined &&
          tensor.dims[1] === mask.length &&
          (byToken.has(name) || name.startsWith('tp.') || tensor.dims.length > 2)
        )
          return [name, takeKept(own, mask)]
        return [name, byToken.has(name) ? takeFirst(own, tokens) : own]
      }),
    )
  })
}

function requireRows(name: string, dims: readonly number[], rows: number): void {
  if (dims[0] === rows) return
  const problem = `its output "${name}" came as [${dims}] for ${rows} examples; every output has the batch as its first axis`
  throw new TpError('TP_SERVE', 'server', `the model cannot be served: ${problem}`)
}

function takeFirst({ type, dims: [size = 0, ...rest], data }: TensorLike, count: number): TensorLike {
  const length = Math.min(size, count)
  const width = rest.reduce((product, dim) => product * dim, 1)
  return { type, dims: [length, ...rest], data: isTypedArray(data) ? data.subarray(0, length * width) : data }
}

function takeKept({ type, dims: [, ...rest], data }: TensorLike, mask: ArrayLike<unknown>): TensorLike {
  const kept = Array.from(mask).flatMap((value, i) => (Number(value) === 0 ? [] : [i]))
  const width = rest.reduce((product, dim) => product * dim, 1)
  const all = (data as TypedArray).slice(0, kept.length * width)
  for (const [i, from] of kept.entries())
    all.set((data as TypedArray).subarray(from * width, (from + 1) * width) as never, i * width)
  return { type, dims: [kept.length, ...rest], data: all }
}
