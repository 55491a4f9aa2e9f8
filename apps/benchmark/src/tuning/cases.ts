import type { MethodEntry, Runtime } from '@tp/core'
import { methods } from '@tp/method-attention'
import { mailData } from '@tp/models'
import { wasmRuntime } from '@tp/runtime-web'
import type { Contestant } from '@tp/tune'
import { openMinilm } from '../foundations/minilm.ts'
import type { Subject } from '../measure/subject.ts'
import { openMail } from '../quickstart/mail.ts'
import type { Context } from '../report/section.ts'

/** A model with examples to choose by, and others that are reported. */
export interface TuningCase {
  readonly name: string
  readonly maxLoss: number
  readonly calibration: (context: Context) => Promise<Subject>
  readonly test: (context: Context) => Promise<Subject>
}

/** Mails lose little whatever leaves; reviews lose more. */
export const cases: readonly TuningCase[] = [
  {
    name: 'mail',
    maxLoss: 0.5,
    calibration: ({ runtime }) => openMail(runtime, { data: mailData('calibration') }),
    test: ({ runtime }) => openMail(runtime),
  },
  {
    name: 'minilm-sentiment',
    maxLoss: 1,
    calibration: (context) => openMinilm(context, ['imdb', 'calibration.tsv'], 800),
    test: (context) => openMinilm(context, ['imdb', 'test.tsv'], 1000),
  },
]

export type DeviceName = 'node' | 'web'

/** `web` is the wasm of browsers, run by Node. */
export function deviceOf(name: DeviceName, { runtime }: Context): Runtime {
  return name === 'node' ? runtime : wasmRuntime()
}

const plain = ['received-attention', 'value-aware', 'cls-attention', 'balanced']

export const contestants: readonly Contestant[] = [
  ...plain.map((name) => ({ entry: entryOf(name) })),
  { entry: entryOf('balanced'), params: { values: true } },
]

function entryOf(name: string): MethodEntry {
  return methods.find((entry) => entry.name === name) as MethodEntry
}
