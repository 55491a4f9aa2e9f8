import type { NamedTensors, TensorLike } from '@tp/core/runtime'

/**
 * Other inputs of the same kind: floats, and the words of each text, moved to other positions. Padding, masks and position ids
 * are unchanged.
 */
export function variants(inputs: NamedTensors, maskInput: string | null, count: number): NamedTensors[] {
  const mask = maskInput === null ? undefined : inputs[maskInput]
  return Array.from({ length: count }, (_, i) => {
    const moved = Object.entries(inputs).map(([name, tensor]): [string, TensorLike] => {
      if (tensor.type === 'float32') return [name, roll(tensor, 1 + i * 101)]
      return [name, name === 'input_ids' ? rollWords(tensor, mask, i + 1) : tensor]
    })
    return Object.fromEntries(moved)
  })
}

function roll(tensor: TensorLike, by: number): TensorLike {
  const data = tensor.data as Float32Array
  return { ...tensor, data: data.map((_, i) => data[(i + by) % data.length] as number) }
}

/** Rolls the words between the first and the last attended one of each example. */
function rollWords(tensor: TensorLike, mask: TensorLike | undefined, by: number): TensorLike {
  const data = (tensor.data as BigInt64Array).slice()
  const [batch = 0, tokens = 0] = tensor.dims
  for (let row = 0; row < batch; row++) {
    const all = Array.from({ length: tokens }, (_, i) => row * tokens + i)
    const real = all.filter((i) => mask === undefined || Number(mask.data[i]) !== 0).slice(1, -1)
    const words = real.map((i) => data[i] as bigint)
    for (const [i, at] of real.entries()) data[at] = words[(i + by) % words.length] as bigint
  }
  return { ...tensor, data }
}
