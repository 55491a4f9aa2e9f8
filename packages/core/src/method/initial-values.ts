import { TpError } from '../errors.ts'
import type { ConstantData } from '../expression/tensor.ts'
import type { LearnedSpec } from './training.ts'

/**
 * Values before anything was learned.
 *
 * @param sizes what named sizes are: `D`, `H`, `T` …
 * @param random numbers from 0 up to 1
 * @throws TpError TP_METHOD for a name without a size
 */
export function initialValues(
  specs: Readonly<Record<string, LearnedSpec>>,
  sizes: Readonly<Record<string, number>>,
  random: () => number,
): Readonly<Record<string, ConstantData & { readonly data: Float32Array }>> {
  const value = ({ dims: named, init }: LearnedSpec, name: string) => {
    const dims = named.map((dim) =>
      typeof dim === 'number' ? dim : (sizeOf(dim, sizes) ?? unknownSize(name, dim, sizes)),
    )
    const data = new Float32Array(dims.reduce((a, b) => a * b, 1))
    const columns = dims.at(-1) ?? 1
    // The first axis of a matrix goes in, the last comes out.
    const reach = Math.sqrt(6 / ((dims[0] ?? 1) + columns))
    for (let i = 0; i < data.length; i++) {
      if (init === 'glorot') data[i] = (2 * random() - 1) * reach
      else if (init === 'identity') data[i] = Math.floor(i / columns) === i % columns ? 1 : 0
      else data[i] = init
    }
    return { dtype: 'float32' as const, dims, data }
  }
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, value(spec, name)]))
}

/** `D`, or a whole part of it, `D/2`. */
function sizeOf(dim: string, sizes: Readonly<Record<string, number>>): number | undefined {
  const [name = '', parts = '1'] = dim.split('/')
  const size = sizes[name]
  return size && Math.floor(size / Number(parts))
}

function unknownSize(name: string, dim: string, sizes: Readonly<Record<string, number>>): never {
  const known = Object.keys(sizes).join(', ')
  throw new TpError('TP_METHOD', 'core', `the learned value ${name} has a size ${dim}; known are ${known} and numbers`)
}
