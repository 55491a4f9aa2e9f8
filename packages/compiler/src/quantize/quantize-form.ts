import { type Activations, checkQuantizeOptions, QUANTIZE_DEFAULTS } from '../plan/quantize-options.ts'
import type { Rounding } from './round-weights.ts'

/** The values to round, and the form of rounding. */
export interface QuantizeForm {
  readonly rounding: Rounding
  readonly activations: Activations
  /** Nodes that remain in float32. */
  readonly exclude: ReadonlySet<string>
}

/**
 * Options of `quantize` as they come from anywhere (a program without types, a plan), with the defaults.
 * @throws TpError TP_OPTION
 */
export function readQuantizeOptions(options: unknown): QuantizeForm {
  checkQuantizeOptions(options)
  const {
    weightType: type = QUANTIZE_DEFAULTS.weightType,
    perChannel = QUANTIZE_DEFAULTS.perChannel,
    reduceRange = QUANTIZE_DEFAULTS.reduceRange,
    activations = QUANTIZE_DEFAULTS.activations,
    exclude = QUANTIZE_DEFAULTS.exclude,
  } = options
  return { rounding: { type, perChannel, reduceRange }, activations, exclude: new Set(exclude) }
}
