import type { Activations } from '../plan/quantize-options.ts'
import { requireOptions } from '../plan/require-options.ts'
import { type SmoothedSite, smoothModel } from '../quantize/smooth-model.ts'
import type { ChannelRanges } from '../quantize/smooth-scales.ts'
import type { Transform } from './transform.ts'

export interface SmoothOptions {
  /** Ranges of the values of `smoothSites`, on examples. */
  readonly ranges: ReadonlyMap<string, ChannelRanges>
  /** How activations are rounded afterwards, as in `quantize`; default `token`. */
  readonly activations?: Activations | undefined
}

export interface SmoothReport {
  readonly transform: 'smooth'
  readonly sites: readonly SmoothedSite[]
}

/**
 * Prepares a float32 model for 8 bits: where some channels of a value are louder than the others, and would set the scale of them
 * all, they are divided by powers of 2, and their rows of the weights multiplied: with a scale for each token all channels, with one for a tensor those that are
 * far louder. In float32 the result computes the same, bit for bit.
 * @throws TpError TP_OPTION, once applied, for ranges of another number of channels
 * @example
 * const { model } = transform(dense, smooth({ ranges }), quantize())
 */
export function smooth(options: SmoothOptions): Transform<SmoothReport> {
  requireOptions(options, ['ranges', 'activations'])
  const { ranges, activations = 'token' } = options
  return {
    name: 'smooth',
    requires: [],
    ensures: [],
    apply({ model: loud }) {
      const { model, sites } = smoothModel(loud, ranges, activations)
      return { model, report: { transform: 'smooth', sites } }
    },
  }
}
