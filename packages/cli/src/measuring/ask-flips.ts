import type { Inspection } from '@tp/compiler'
import { readModelFolder } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import type { Arguments } from '../command/arguments.ts'
import { usageError } from '../command/usage-error.ts'
import { tokenizerOf, tokenNames } from '../explaining/token-text.ts'
import type { dataOptions } from '../model/open-inputs.ts'
import { wholeNumber } from '../pruning/numbers.ts'
import type { FlipTexts } from './describe-flips.ts'
import type { FlipsAsked } from './find-flips.ts'
import type { ResultRow } from './rows.ts'

/** Options for keeping single tokens of an example to see which changes its answer back. */
const FLIP_TOKENS = 32

export const flipOptions = {
  flips: {
    type: 'string',
    value: 'N',
    description: 'for the first N answers that each pruning changed: which token changes it back if kept',
  },
  'flip-tokens': {
    type: 'string',
    value: 'N',
    description: 'tokens that are tried of each; default 32, those that receive most attention',
  },
} as const

/** @throws TpError TP_USAGE */
export function readFlips({ flips, 'flip-tokens': tokens }: Arguments<typeof flipOptions>): FlipsAsked | undefined {
  if (flips === undefined && tokens === undefined) return undefined
  if (flips === undefined) throw usageError('--flip-tokens requires --flips N')
  const most = tokens === undefined ? FLIP_TOKENS : wholeNumber('flip-tokens', tokens)
  return { examples: wholeNumber('flips', flips), tokens: most }
}

interface FlipTextsOptions {
  readonly inputs: ModelInputs
  readonly batchSize: number
  readonly inspection: Inspection | undefined
  readonly given: Arguments<typeof dataOptions>
}

/** What classes and tokens are called, of the examples that are to be shown. */
export async function flipTexts(
  path: string,
  rows: readonly ResultRow[],
  { inputs, batchSize, inspection, given }: FlipTextsOptions,
): Promise<FlipTexts> {
  const examples = new Set(rows.flatMap(({ flips }) => flips?.flips.map(({ example }) => example) ?? []))
  const names = new Map<number, readonly string[]>()
  if (examples.size === 0) return { classes: undefined, names }
  const tokenizer = await tokenizerOf(path, inputs, given.tokenizer)
  const tokens = typeof inspection?.tokens === 'number' ? inspection.tokens : undefined
  for (const example of examples) {
    names.set(example, await tokenNames(inputs, example, { batchSize, tokenizer, tokens }))
  }
  return { classes: given.labels?.split(',') ?? (await readModelFolder(path)).labels, names }
}
