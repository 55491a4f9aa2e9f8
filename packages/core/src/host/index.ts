// The part that calls methods: the compiler, training, the command line.

export { asError } from '../errors.ts'
export { isRecord } from '../is-record.ts'
export { type AmountName, type AmountRule, amountKinds, amountNames, amountRules } from '../method/amount-rules.ts'
export { initialValues } from '../method/initial-values.ts'
export { type OptionValue, type OptionValues, parseOptions } from '../method/options.ts'
export { findEntry } from '../method/plugin.ts'
export {
  amountText,
  checkLayers,
  checkSchedule,
  keepsAll,
  keptCount,
  scheduleOfShares,
  wholeAmount,
} from '../method/schedule.ts'
export { learnedBytes, needsValues, paramsOf, trainedLayers, valuesOf } from '../method/weights.ts'
export { readSafetensors, safetensorsMetadata, writeSafetensors } from '../safetensors/safetensors.ts'
export { shown } from '../shown.ts'
export { learnedAt, leastRatioAt, paramsAt } from './at-layer.ts'
export { callMethod } from './call-method.ts'
export { reduceTokens, startedState } from './reduce.ts'
export { returnedState } from './returning.ts'
export type { SiteSource } from './site-source.ts'
export { type SoftInputs, type SoftReduced, softenTokens } from './soften.ts'
export { countTokens, initialState, type TokenState } from './state.ts'
