import { readFile } from 'node:fs/promises'
import { learnedBytes, type MethodEntry, paramsOf, type Runtime, readSafetensors, withValues } from '@tp/core'
import { someExamples } from '@tp/eval'
import { methods as attention } from '@tp/method-attention'
import { methods as gradient, sdtp } from '@tp/method-gradient'
import { mailData } from '@tp/models'
import { wasmRuntime } from '@tp/runtime-web'
import type { Contestant } from '@tp/tune'
import { openMinilm } from '../foundations/minilm.ts'
import { learnForetelling } from '../learned/foretelling.ts'
import type { Subject } from '../measure/subject.ts'
import { writeWhole } from '../output/write-file.ts'
import { openMail } from '../quickstart/mail.ts'
import { reportPath } from '../report/report.ts'
import type { Context } from '../report/section.ts'

/** A model with examples to choose by, and others that are reported. */
export interface TuningCase {
  readonly name: string
  readonly maxLoss: number
  readonly calibration: (context: Context) => Promise<Subject>
  readonly test: (context: Context) => Promise<Subject>
  readonly contestants: (context: Context) => Promise<readonly Contestant[]>
}

/** So many calibration reviews are to choose by; what learns, learns from the others. */
const CHOSEN_BY = 800

/** Mails lose little whatever leaves; reviews lose more. */
export const cases: readonly TuningCase[] = [
  {
    name: 'mail',
    maxLoss: 0.5,
    calibration: ({ runtime }) => openMail(runtime, { data: mailData('calibration') }),
    test: ({ runtime }) => openMail(runtime),
    contestants: async () => withoutTraining,
  },
  {
    name: 'minilm-sentiment',
    maxLoss: 1,
    calibration: (context) => openMinilm(context, ['imdb', 'calibration.tsv'], CHOSEN_BY),
    test: (context) => openMinilm(context, ['imdb', 'test.tsv']),
    contestants: async (context) => [...withoutTraining, { entry: await learnedFromReviews(context) }],
  },
]

/**
 * What comes out: one file, whose loss is within what is allowed as far as can be estimated; or a cascade, whose loss is within
 * it for sure.
 */
export const forms = { file: {}, cascade: { cascade: true, sure: true } } as const

export type Form = keyof typeof forms

export type DeviceName = 'node' | 'web'

/** `web` is the wasm of browsers, run by Node. */
export function deviceOf(name: DeviceName, { runtime }: Context): Runtime {
  return name === 'node' ? runtime : wasmRuntime()
}

const plain = ['received-attention', 'value-aware', 'cls-attention', 'balanced']

const withoutTraining: readonly Contestant[] = [
  ...plain.map((name) => ({ entry: entryOf(name) })),
  { entry: entryOf('balanced'), params: { values: true } },
]

function entryOf(name: string): MethodEntry {
  return [...attention, ...gradient].find((entry) => entry.name === name) as MethodEntry
}

/** Networks of `sdtp`, learned once from reviews that nothing is chosen by, without their labels. */
async function learnedFromReviews(context: Context): Promise<MethodEntry> {
  const path = reportPath('safetensors', 'tuning/sdtp')
  const bytes = await readFile(path).catch(() => learnFromReviews(context, path))
  const weights = readSafetensors(bytes)
  return { ...entryOf('sdtp'), create: () => withValues(sdtp(), (block) => paramsOf(sdtp(), weights, block)) }
}

async function learnFromReviews(context: Context, path: string): Promise<Uint8Array> {
  const calibration = await openMinilm(context, ['imdb', 'calibration.tsv'])
  const others = calibration.inputs.targets.map((_, i) => i).slice(CHOSEN_BY)
  const layers = Array.from({ length: calibration.blocks - 1 }, (_, block) => block)
  const learned = await learnForetelling(
    context,
    { ...calibration, training: someExamples(calibration.inputs, others) },
    layers,
  )
  const bytes = learnedBytes(learned)
  await writeWhole(path, bytes)
  return bytes
}
