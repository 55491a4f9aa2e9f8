import type { ValueInfo } from '@tp/core/runtime'
import type { ModelFacts, TextTokenizer } from '@tp/data/inputs'

/** The facts about a model that its inputs are made from. */
export interface ModelInputsKnown {
  readonly inputs: readonly ValueInfo[]
  /** Tokens of one example at these sizes of the inputs' free axes, by name; undefined where they do not say. */
  countTokens(sizes: Readonly<Record<string, number>>): Promise<number | undefined>
  /** Positions before the patches or columns: class tokens and the like. */
  readonly protectedTokens: readonly number[]
  readonly facts: Partial<ModelFacts>
  readonly tokenizer: TextTokenizer | undefined
}
