import type { MethodEntry } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { methods as attention } from '@tp/method-attention'
import { methods as gradient } from '@tp/method-gradient'
import { mailData } from '@tp/models'
import { wasmRuntime } from '@tp/runtime-web'
import type { Variant } from '@tp/tune'
import { openMinilm } from '../foundations/minilm.ts'
import { CHOSEN_BY, sdtpOfReviews } from '../learned/networks.ts'
import type { Subject } from '../measure/subject.ts'
import { openMail } from '../quickstart/mail.ts'
import type { Context } from '../report/section.ts'

/** A model with examples to choose by, and others that are reported. */
export interface TuningCase {
  readonly name: string
  readonly maxLoss: number
  readonly calibration: (context: Context) => Promise<Subject>
  readonly test: (context: Context) => Promise<Subject>
  readonly variants: (context: Context) => Promise<readonly Variant[]>
}

/** Mails lose little whatever leaves; reviews lose more. */
export const cases: readonly TuningCase[] = [
  {
    name: 'mail',
    maxLoss: 0.5,
    calibration: ({ runtime }) => openMail(runtime, { data: mailData('calibration') }),
    test: ({ runtime }) => openMail(runtime),
    variants: async () => withoutTraining,
  },
  {
    name: 'minilm-sentiment',
    maxLoss: 1,
    calibration: (context) => openMinilm(context, ['imdb', 'calibration.tsv'], CHOSEN_BY),
    test: (context) => openMinilm(context, ['imdb', 'test.tsv']),
    variants: async (context) => {
      const method = await sdtpOfReviews(context)
      return [...withoutTraining, { entry: { ...entryOf('sdtp'), create: () => method } }]
    },
  },
]

/**
 * What comes out: one file or a cascade, whose loss is within what is allowed as far as can be estimated. To be sure of it takes
 * more examples than there are.
 */
export const forms = { file: {}, cascade: { cascade: true } } as const

export type Form = keyof typeof forms

export type DeviceName = 'node' | 'web'

/** `web` is the wasm of browsers, run by Node. */
export function deviceOf(name: DeviceName, { runtime }: Context): Runtime {
  return name === 'node' ? runtime : wasmRuntime()
}

const plain = ['received-attention', 'value-aware', 'cls-attention', 'balanced']

const withoutTraining: readonly Variant[] = [
  ...plain.map((name) => ({ entry: entryOf(name) })),
  { entry: entryOf('balanced'), params: { values: true } },
]

function entryOf(name: string): MethodEntry {
  return [...attention, ...gradient].find((entry) => entry.name === name) as MethodEntry
}
