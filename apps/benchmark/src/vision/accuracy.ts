import type { ModelInputs } from '@tp/eval/inputs'
import type { Interval } from '@tp/eval/metrics'
import { type Budget, behind } from '../measure/compare.ts'
import { evaluateFile, inParallel } from '../measure/parallel.ts'
import type { Subject } from '../measure/subject.ts'
import { dense, totalFlops, withoutDeadTokens } from '../measure/variant.ts'
import { factor, points } from '../output/numbers.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { type Encoder, encoders, openEncoder } from './encoders.ts'
import { candidates, cut, type Setting, settingsOf, settingText } from './settings.ts'

/** Examples that each seed is tried on at most: five seeds on all of them would take longer than all the other methods. */
const SEED_EXAMPLES = 1000

/** A setting with what it costs in answers and saves in work. */
export interface AccuracyLine {
  readonly method: string
  readonly budget: Budget
  /** Multiply-adds of dense over those of this. */
  readonly flops: number
  /** Points lost against dense, paired by example: where settings are chosen (absent for controls), and on test data. */
  readonly calibration?: Interval | undefined
  readonly test: Interval
  /** Percent right of the test data: that of dense less the loss. */
  readonly accuracy: number
}

export interface AccuracyValues {
  /** Percent right. */
  readonly dense: number
  /** Multiply-adds of dense over those without its dead tokens. */
  readonly noneFlops: number
  readonly lines: readonly AccuracyLine[]
}

/** Accuracy against multiply-adds of every candidate at every budget. */
export const accuracySections: readonly Section[] = encoders.map((encoder) => ({
  name: `${encoder.name}-accuracy`,
  title: `${encoder.title}: accuracy against FLOPs`,
  run: (context) => measure(context, encoder),
}))

async function measure(context: Context, encoder: Encoder): Promise<Findings> {
  const settings = settingsOf(encoder)
  const test = await openEncoder(context, encoder, 'test')
  const chosenOn = encoder.calibration === undefined ? undefined : await openEncoder(context, encoder, 'calibration')
  const choices = settings.filter(({ candidate }) => candidate.methods.length === 1)
  const calibration = chosenOn && (await lossesOf(context, chosenOn, choices)).losses
  const { losses, dense: denseAccuracy } = await lossesOf(context, test, settings)
  const denseFlops = totalFlops(test.model, test.lengths)
  const lines = settings.map(
    (setting, i): AccuracyLine => ({
      method: setting.candidate.name,
      budget: setting.budget,
      flops: denseFlops / totalFlops(cut(test, setting).model, test.lengths),
      calibration: calibration?.[choices.indexOf(setting)],
      test: losses[i] as Interval,
      accuracy: denseAccuracy - (losses[i] as Interval).estimate,
    }),
  )
  const noneFlops = denseFlops / totalFlops(withoutDeadTokens(test).model, test.lengths)
  const values: AccuracyValues = { dense: denseAccuracy, noneFlops, lines }
  const split = chosenOn
    ? `chosen on the first ${chosenOn.inputs.targets.length} examples, tested on the last ${test.inputs.targets.length}`
    : `${test.inputs.targets.length} examples, from which nothing is chosen`
  return {
    tables: [
      {
        caption: `Dense is right in ${denseAccuracy.toFixed(1)} % of the test data; ${split}; random: 5 seeds on the first ${Math.min(SEED_EXAMPLES, test.inputs.targets.length)}`,
        headings: ['method', 'budget', 'FLOPs', 'loss where chosen', 'test loss', 'test accuracy'],
        rows: lines.map((line) => [
          line.method,
          settingText(line.budget),
          factor(line.flops),
          line.calibration ? points(line.calibration) : '',
          points(line.test),
          `${line.accuracy.toFixed(1)} %`,
        ]),
      },
    ],
    notes: [],
    values,
  }
}

interface Losses {
  /** Percent right. */
  readonly dense: number
  /** Points lost against dense, by setting. */
  readonly losses: readonly Interval[]
}

/** Runs a subject's examples through dense and all settings, paired by example. */
export async function lossesOf(
  { runtime, onProgress }: Context,
  subject: Subject,
  settings: readonly Setting[],
): Promise<Losses> {
  const { inputs } = subject
  const runs = settings.flatMap((setting) =>
    setting.candidate.methods.map((_, which) => ({
      setting,
      file: () => cut(subject, setting, which).file,
      inputs: setting.candidate.methods.length === 1 ? inputs : firstOf(inputs, SEED_EXAMPLES),
    })),
  )
  let done = 0
  const rightOf = async (file: Uint8Array, those: ModelInputs): Promise<number[]> => {
    const { correct } = await evaluateFile(runtime, file, those)
    done += 1
    if (done % 10 === 0) onProgress(`${done} of ${runs.length + 1} models, ${inputs.targets.length} examples`)
    return correct.map(Number)
  }
  const [reference, ...rights] = (await inParallel([
    () => rightOf(dense(subject).file, inputs),
    ...runs.map(
      ({ file, inputs }) =>
        () =>
          rightOf(file(), inputs),
    ),
  ])) as [number[], ...number[][]]
  const losses = settings.map((setting) => {
    const own = rights.filter((_, run) => runs[run]?.setting === setting)
    const shares = (own[0] as number[]).map((_, i) => mean(own.map((right) => right[i] as number)))
    return behind(reference.slice(0, shares.length), shares)
  })
  return { dense: 100 * mean(reference), losses }
}

function firstOf(inputs: ModelInputs, count: number): ModelInputs {
  return { ...inputs, targets: inputs.targets.slice(0, count) }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/**
 * The fastest setting of each candidate (by FLOPs) whose loss where settings are chosen is small enough; where none is,
 * the one that loses least.
 */
export function chosenLines({ lines }: AccuracyValues, allowed: number): AccuracyLine[] {
  return candidates.flatMap(({ name }) => {
    const own = lines.filter(({ method, calibration }) => method === name && calibration !== undefined)
    const loss = ({ calibration }: AccuracyLine): number => calibration?.estimate ?? Number.POSITIVE_INFINITY
    const within = own.filter(({ calibration }) => calibration && isSmall(calibration, allowed))
    const [best] = within.length > 0 ? within.sort((a, b) => b.flops - a.flops) : own.sort((a, b) => loss(a) - loss(b))
    return best === undefined ? [] : [best]
  })
}

/** The estimate is at most what is allowed, and the interval ends at most a point beyond. */
export function isSmall({ estimate, high }: Interval, allowed: number): boolean {
  return estimate <= allowed && high <= allowed + 1
}
