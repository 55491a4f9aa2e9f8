import type { Plan } from '@tp/compiler'

/** Ways to divide pruning among layers, by the number of layers; the last prunes nothing that is read later. */
const layerSets: Readonly<Record<string, (layers: number) => readonly number[]>> = {
  every: (layers) => range(0, layers - 1),
  'all but the first': (layers) => range(1, layers - 1),
  thirds: (layers) => [Math.round(layers / 3), Math.round((2 * layers) / 3)],
  middle: (layers) => [Math.floor(layers / 2)],
  early: (layers) => range(0, Math.ceil(layers / 3)),
}

/** Shares of the tokens that are left after the last layer of a set. */
const SHARES = [0.9, 0.8, 0.7, 0.55, 0.4]

/** A method with its options. */
export type GridMethod = Pick<Plan, 'method' | 'params'>

interface GridOptions {
  readonly layers: number
  readonly methods: readonly GridMethod[]
  /** Whether each setting is tried in 8 bits, too. */
  readonly eightBits: boolean
}

/**
 * Every method at every set of layers and every share, the same ratio at each layer of a set; and the model with all tokens in each form. In
 * an order that mixes them, so that the first so many stand for all: what has to stop early is fair to each.
 */
export function gridOf({ layers, methods, eightBits }: GridOptions): Plan[] {
  const forms: Partial<Plan>[] = eightBits ? [{}, { quantize: {} }] : [{}]
  const whole = forms.map((form): Plan => ({ format: 1, method: 'none', ...form }))
  const pruned = methods.flatMap((method) =>
    Object.values(layerSets).flatMap((set) =>
      SHARES.flatMap((share) =>
        forms.map((form): Plan => {
          const own = set(layers)
          const keep = Number((share ** (1 / own.length)).toPrecision(4))
          return { format: 1, ...method, layers: own, keep: own.map(() => keep), ...form }
        }),
      ),
    ),
  )
  return [...whole, ...shuffled(pruned, 1)]
}

/** Fisher and Yates' shuffle by a generator of 32 bits (mulberry32), the same for each seed. */
export function shuffled<T>(all: readonly T[], seed: number): T[] {
  const mixed = [...all]
  let state = seed >>> 0
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[mixed[i], mixed[j]] = [mixed[j] as T, mixed[i] as T]
  }
  return mixed
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
}
