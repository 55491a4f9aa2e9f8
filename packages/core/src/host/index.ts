// For programs that call methods: the compiler, training, the command line.

// Calls: a method at one site: tokens reduced, softened and returned.

export { learnedAt, leastRatioAt, paramsAt } from './at-layer.ts'
export { callMethod } from './call-method.ts'
export { reduceTokens, startedState } from './reduce.ts'
export { returnedState } from './returning.ts'
export type { SiteSource } from './site-source.ts'
export { type SoftInputs, type SoftReduced, softenTokens } from './soften.ts'
export { countTokens, initialState, type TokenState } from './state.ts'

// Amounts: how much is kept, checked and in words.

export { type AmountName, type AmountRule, amountKinds, amountNames, amountRules } from '../method/amount-rules.ts'
export {
  amountText,
  checkLayers,
  checkSchedule,
  keepsAll,
  keptCount,
  scheduleOfShares,
  wholeAmount,
} from '../method/schedule.ts'

// Options and entries: methods by name, with options from a text or JSON.

export { type OptionValue, type OptionValues, parseOptions } from '../method/options.ts'
export { findEntry } from '../method/plugin.ts'

// Learned values: their first values, what a method needs of them, and the files that they are kept in.

export { initialValues } from '../method/initial-values.ts'
export { learnedBytes, needsValues, paramsOf, trainedLayers, valuesOf } from '../method/weights.ts'
export { readSafetensors, safetensorsMetadata, writeSafetensors } from '../safetensors/safetensors.ts'

// Messages: unknown values in an error, and an error in another.

export { asError, bareMessage } from '../errors.ts'
export { isRecord } from '../is-record.ts'
export { shellWord } from '../shell-word.ts'
export { shown } from '../shown.ts'
