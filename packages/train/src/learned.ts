import type { Learned, LearnedSpec, Method } from '@tp/core'
import { initialValues, learnedAt } from '@tp/core/host'
import { randomNumbers } from '@tp/core/statistics'
import { names } from './names.ts'
import type { Settings } from './settings.ts'
import type { SoftMethod } from './soft-method.ts'
import type { Weight, Weights } from './weights.ts'

/** Initial values of a method: weights by the names of a training graph. */
export function learnedWeights(
  { method, layers }: SoftMethod,
  sizes: Readonly<Record<string, number>>,
  { seed, learningRate, methodRate }: Settings,
): Weights {
  const random = randomNumbers(seed)
  const weights = new Map<string, Weight>()
  for (const layer of layers) {
    const specs = learnedAt(method, layer)
    for (const [name, { dims, data }] of Object.entries(initialValues(specs, sizes, random))) {
      const { rate = 1, range } = specs[name] ?? {}
      const own = nameAt(specs, layer, name)
      if (weights.has(own)) continue
      weights.set(own, {
        type: 'float32',
        dims,
        data,
        rate: (rate * methodRate) / learningRate,
        ...(range && { range }),
      })
    }
  }
  return weights
}

/** The learned values of a method, by layer. */
export function learnedOf(method: Method, layers: readonly number[], weights: Weights): Map<number, Learned> {
  return new Map(
    layers.map((layer) => {
      const specs = learnedAt(method, layer)
      const values = Object.keys(specs).map((name) => {
        const { dims, data } = weights.get(nameAt(specs, layer, name)) as Weight
        return [name, { dtype: 'float32' as const, dims, data }] as const
      })
      return [layer, Object.fromEntries(values)]
    }),
  )
}

/** The name among the weights of a value of one layer, or of all layers. */
function nameAt(specs: Readonly<Record<string, LearnedSpec>>, layer: number, name: string): string {
  return names.learned(specs[name]?.per === 'model' ? 'all' : layer, name)
}
