/** The share of the tokens to keep at some layers. */
export interface SettingBudget {
  readonly keep: number
  readonly layers: readonly number[]
}

/** One way to run a model, as plain data. */
export type Setting =
  | /** The file unchanged. */ { readonly kind: 'dense' }
  /** The same without its dead tokens; everything below is without them, too. */
  | { readonly kind: 'none' }
  | PrunedSetting
  /** Texts cut by the tokenizer, so that they cost at most as much as a method does at a budget. */
  | { readonly kind: 'truncated'; readonly budget: SettingBudget; readonly like: string }

export interface PrunedSetting {
  readonly kind: 'pruned'
  readonly method: string
  readonly seed?: number
  readonly budget: SettingBudget
}

/** A row of a table before it is measured. */
export interface MeasuredCandidate {
  readonly name: string
  /** Several with other random numbers stand for chance together; the first is timed. */
  readonly settings: readonly [Setting, ...Setting[]]
}

export function candidate(setting: Setting): MeasuredCandidate {
  const { kind } = setting
  return { name: kind === 'pruned' ? setting.method : kind === 'truncated' ? 'truncation' : kind, settings: [setting] }
}

export function pruned(method: string, budget: SettingBudget): PrunedSetting {
  return { kind: 'pruned', method, budget }
}

/** Random tokens, over five seeds. */
export function chance(budget: SettingBudget): MeasuredCandidate {
  const [first, ...others] = [0, 1, 2, 3, 4].map((seed): Setting => ({ ...pruned('random', budget), seed }))
  return { name: 'random', settings: [first as Setting, ...others] }
}
