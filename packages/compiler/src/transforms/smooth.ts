import { requireOptions } from '../plan/require-options.ts'
import { type SmoothedSite, smoothModel } from '../quantize/smooth-model.ts'
import type { ChannelRanges } from '../quantize/smooth-scales.ts'
import type { Transform } from './transform.ts'

export interface SmoothOptions {
  /** Ranges of the values of `smoothSites`, on examples. */
  readonly ranges: ReadonlyMap<string, ChannelRanges>
}

export interface SmoothReport {
  readonly transform: 'smooth'
  readonly sites: readonly SmoothedSite[]
}

/**
 * Prepares a float32 model for 8 bits: where a few channels of a value are far louder than the others, which would set the scale of them
 * all, they are divided by powers of 2, and their rows of the weights multiplied. In float32 the result computes the same, bit for bit.
 * @throws TpError TP_OPTION, once applied, for ranges of another number of channels
 * @example
 * const { model } = transform(dense, smooth({ ranges }), quantize())
 */
export function smooth(options: SmoothOptions): Transform<SmoothReport> {
  requireOptions(options, ['ranges'])
  const { ranges } = options
  return {
    name: 'smooth',
    requires: [],
    ensures: [],
    apply({ model: loud }) {
      const { model, sites } = smoothModel(loud, ranges)
      return { model, report: { transform: 'smooth', sites } }
    },
  }
}
