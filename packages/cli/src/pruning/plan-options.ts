import type { Plan, PlannedOptions } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import { parseOptions } from '@tp/core/host'
import type { Arguments } from '../command/arguments.ts'
import { didYouMean } from '../command/did-you-mean.ts'
import { usageError } from '../command/usage-error.ts'
import type { Amounts } from './amounts.ts'
import { wholeNumber } from './numbers.ts'
import type { PruningSettings } from './request.ts'

/** Options of pruning besides method and amounts; `prune`, `eval` and `bench` take the same. */
export const pruningOptions = {
  encoder: {
    type: 'string',
    value: 'NAME',
    description: 'the encoder to prune in a file of several (tp inspect lists them); default: all that can be pruned',
  },
  param: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    description: 'an option of the method; tp methods lists them',
  },
  weights: {
    type: 'string',
    value: 'FILE',
    reads: 'file',
    description: "the method's trained values (safetensors, named layer.B.NAME or NAME)",
  },
  protect: {
    type: 'string',
    value: 'auto|none|P,P…',
    description:
      "tokens that are always kept, by number among an example's real ones; default auto: those the head reads",
  },
  'protect-segment': {
    type: 'string',
    value: 'N',
    description: 'a segment of pairs that is kept as a whole; 0: the query, with class token and separator',
  },
  separator: {
    type: 'string',
    value: 'ID',
    description:
      'for --protect-segment: the token that ends a segment; default: by token_type_ids, or by the tokenizer',
  },
  outputs: {
    type: 'string',
    value: 'NAME,NAME…',
    description: 'outputs to keep; default: all, or refuse where one shows tokens on their way',
  },
  restore: {
    type: 'string',
    value: 'auto|nearest|none|all',
    description:
      'rows of pruned tokens; default auto, where outputs need them: of frames and patches the nearest kept one, of texts the mean of the kept ones for states, the last state for answers',
  },
  plugin: {
    type: 'string',
    multiple: true,
    value: 'MODULE',
    reads: 'module',
    description: 'path or package with more methods',
  },
} as const

/** The options above, read: what goes into a plan, and what is said alongside it. */
export interface GivenSettings {
  readonly inPlan: Pick<Plan, 'encoder' | 'protect' | 'protectSegment' | 'separator' | 'restore' | 'leaveOut'>
  readonly unplanned: Pick<PruningSettings, 'outputs' | 'weights'>
  /** Options of methods as they were written. */
  readonly params: Readonly<Record<string, string>>
}

/** @throws TpError TP_USAGE */
export function readSettings(options: Arguments<typeof pruningOptions>): GivenSettings {
  const { encoder, protect, 'protect-segment': segment, separator, restore } = options
  return {
    inPlan: {
      ...(encoder !== undefined && { encoder }),
      ...(protect !== undefined && { protect: readProtect(protect) }),
      ...(segment !== undefined && { protectSegment: wholeNumber('protect-segment', segment, 0) }),
      ...(separator !== undefined && { separator: wholeNumber('separator', separator, 0) }),
      ...(restore !== undefined && { restore: readRestore(restore) }),
    },
    unplanned: readUnplanned(options),
    params: readParams(options.param ?? []),
  }
}

/** What the command line says alongside a plan, whether options or a file make it. */
export function readUnplanned({ outputs, weights }: Arguments<typeof pruningOptions>): GivenSettings['unplanned'] {
  return { outputs: outputs?.split(',').map((name) => name.trim()), weights }
}

/** What a plan and the options alongside it say, with the defaults. */
export function settingsOf(
  { encoder, protect = 'auto', protectSegment, separator, restore = 'auto', quantize }: PlannedOptions,
  others: GivenSettings['unplanned'],
): PruningSettings {
  return { encoder, protect, protectSegment, separator, restore, quantize, ...others }
}

/**
 * A plan as the command line says it.
 * @param params options of the method as they were written
 * @throws TpError TP_OPTION
 */
export function planOf(
  entry: MethodEntry,
  params: Readonly<Record<string, string>>,
  settings: GivenSettings['inPlan'],
  amounts: Amounts = {},
): Plan {
  const values = parseOptions(entry.name, entry.options, params)
  return {
    format: 1,
    method: entry.name,
    ...(Object.keys(values).length > 0 && { params: values }),
    ...settings,
    ...amounts,
  }
}

function readParams(texts: readonly string[]): Record<string, string> {
  const params = new Map<string, string>()
  for (const text of texts) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
    if (name === undefined || value === undefined) throw usageError(`--param is "${text}"; it must be name=value`)
    if (params.has(name)) throw usageError(`--param ${name} is given twice`)
    params.set(name, value)
  }
  // Defines properties of its own, so that one called __proto__ is there to be refused.
  return Object.fromEntries(params)
}

function readProtect(text: string): NonNullable<Plan['protect']> {
  if (text === 'auto') return 'auto'
  return text === 'none' ? [] : text.split(',').map((position) => wholeNumber('protect', position, 0))
}

function readRestore(text: string): NonNullable<Plan['restore']> {
  if (text === 'auto' || text === 'nearest' || text === 'none' || text === 'all') return text
  throw usageError(
    `--restore is "${text}"; it must be auto, nearest, none or all${didYouMean(text, ['auto', 'nearest', 'none', 'all'])}`,
  )
}
