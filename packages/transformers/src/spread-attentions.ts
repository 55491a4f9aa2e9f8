import { type PreTrainedModel, Tensor } from '@huggingface/transformers'
import { MASK, POSITIONS, WEIGHTS } from '@tp/compiler'

/** Names of a decoder's outputs float [b,heads,tokens,positions] begin with it, where it was exported with its attentions. */
const CROSS_ATTENTIONS = 'cross_attentions'

/** The part of onnxruntime's result that is read here. */
interface Integers {
  readonly dims: readonly number[]
  readonly data: BigInt64Array
}

/**
 * Makes a model's cross-attentions be about all positions of its encoder again, where the decoder reads states of the kept ones alone:
 * each position has the weight of the nearest kept one, and those of a token add up to 1 again. That is what the decoder would attend to
 * if it had that state at each position. Word time stamps are found from these columns, 20 ms each.
 */
export function spreadCrossAttentions(model: PreTrainedModel): void {
  const { model: encoder } = model.sessions
  const { max_source_positions: count } = model.config as { max_source_positions?: number }
  if (count === undefined || !encoder?.outputNames?.includes(POSITIONS)) return
  const isWhole = encoder.outputNames.includes(WEIGHTS)
  // By the tensor of the states: clips are transcribed side by side.
  const columns = new WeakMap<object, readonly Int32Array[]>()
  const run = encoder.run.bind(encoder)
  encoder.run = async (...args: unknown[]) => {
    const outputs = await run(...args)
    const rows = nearestRows(outputs[POSITIONS], outputs[MASK], count)
    for (const output of Object.values<object>(outputs)) columns.set(output, rows)
    return outputs
  }
  const forward = model.forward.bind(model)
  model.forward = async (inputs: { readonly encoder_outputs?: Tensor }) => {
    const outputs = (await forward(inputs)) as Record<string, Tensor>
    const rows = inputs.encoder_outputs && columns.get(inputs.encoder_outputs.ort_tensor)
    if (rows === undefined) return outputs
    for (const [name, attentions] of Object.entries(outputs))
      if (name.startsWith(CROSS_ATTENTIONS)) outputs[name] = spreadWeights(attentions, rows, isWhole)
    return outputs
  }
}

/**
 * For each example: which of the rows with positions int64 [b,k] is nearest to each of `count` positions, the earlier of
 * two. Rows whose mask is 0 are none.
 */
function nearestRows({ dims, data }: Integers, mask: Integers, count: number): Int32Array[] {
  const [batch, width] = dims as [number, number]
  return Array.from({ length: batch }, (_, example) => {
    const start = example * width
    const position = (row: number): number => Number(data[start + row])
    const rows = Array.from({ length: width }, (_, row) => row)
      .filter((row) => mask.data[start + row] === 1n)
      .sort((a, b) => position(a) - position(b))
    let at = 0
    return Int32Array.from({ length: count }, (_, target) => {
      const apart = (slot: number): number => Math.abs(position(rows[slot] as number) - target)
      while (at + 1 < rows.length && apart(at + 1) < apart(at)) at++
      return rows[at] ?? 0
    })
  })
}

/**
 * Weights [b,…,k] → [b,…,n], float32: entry i of the last axis is entry `columns[b][i]` of what was, over the sum of all.
 * @param isWhole a row has the weight of all its positions together, which they share
 */
function spreadWeights(tensor: Tensor, columns: readonly Int32Array[], isWhole: boolean): Tensor {
  const { dims, data } = tensor.to('float32')
  const width = dims.at(-1) as number
  const [{ length: count }] = columns as [Int32Array]
  const rows = data.length / width
  const spread = new Float32Array(rows * count)
  for (let row = 0; row < rows; row++) {
    const own = columns[Math.floor((row * columns.length) / rows)] as Int32Array
    const from = data.subarray(row * width, (row + 1) * width) as Float32Array
    const to = spread.subarray(row * count, (row + 1) * count)
    const shared = isWhole ? sharesOf(own, width) : undefined
    let sum = 0
    for (let i = 0; i < count; i++) {
      const column = own[i] as number
      to[i] = (from[column] as number) / (shared?.[column] ?? 1)
      sum += to[i] as number
    }
    for (let i = 0; i < count; i++) to[i] = (to[i] as number) / sum
  }
  return new Tensor('float32', spread, [...dims.slice(0, -1), count])
}

/** How many positions each of `width` rows stands for. */
function sharesOf(columns: Int32Array, width: number): Float32Array {
  const shares = new Float32Array(width)
  for (const column of columns) shares[column] = (shares[column] as number) + 1
  return shares
}
