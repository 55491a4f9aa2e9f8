import { TpError } from '@tp/core'

/** Kept tokens as a fraction of each example's tokens, averaged over the examples. */
export interface KeptFractions {
  /** By layer: real tokens that enter its FFN over those that enter the model. */
  readonly layers: readonly number[]
  /** Mean over the layers. */
  readonly mean: number
}

/**
 * @param counts kept tokens at each pruned layer, by example; other layers keep what arrives
 * @param lengths real tokens that enter the model, by example
 */
export function keptFractions(
  counts: ReadonlyMap<number, readonly number[]>,
  lengths: readonly number[],
  layerCount: number,
): KeptFractions {
  const beyond = [...counts.keys()].find((layer) => layer >= layerCount)
  if (beyond !== undefined) {
    throw new TpError(
      'TP_OPTION',
      'metrics',
      `the model has a trace of layer ${beyond}, but should have ${layerCount} layers`,
    )
  }
  let left = lengths
  const fractions = Array.from({ length: layerCount }, (_, layer) => {
    left = counts.get(layer) ?? left
    return meanOf(left.map((count, i) => count / (lengths[i] as number)))
  })
  return { layers: fractions, mean: meanOf(fractions) }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
