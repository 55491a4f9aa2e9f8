import { percent } from '../output/numbers.ts'
import type { Table } from '../output/table.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { brokenPromises, calibrated, cascadeOn, cascadeTable, promises, promiseText } from './cascades.ts'
import { type Guarded, openGuarded } from './guarded.ts'
import { type Detection, detection, type FalseAlarms, falseAlarms, RATES } from './monitors.ts'
import { type GuardedModel, openDigits, openMails, openSentiment } from './subjects.ts'

export const guardSentiment: Section = {
  name: 'minilm',
  title: 'minilm-sentiment, calibrated on IMDB reviews',
  run: async (context) => report(context, await openSentiment(context)),
}

export const guardMails: Section = {
  name: 'mail',
  title: 'mail, calibrated on mails',
  run: async (context) => report(context, await openMails(context)),
}

export const guardDigits: Section = {
  name: 'digits',
  title: 'digits-vit, calibrated on digits',
  run: async (context) => report(context, await openDigits(context)),
}

async function report(context: Context, subject: GuardedModel): Promise<Findings> {
  const guarded = await openGuarded(context, subject)
  const tables: (Table & { caption: string })[] = []
  const notes: string[] = []
  const values: object[] = []
  for (const own of guarded) {
    const { name } = own.setting
    context.onProgress(`${subject.name}, ${name}: promises`)
    const chosen = promises.map((promise) => ({ promise, ...calibrated(own, promise) }))
    const figures = [own.test, ...own.shifts].flatMap((set) =>
      promises.map((promise, i) => cascadeOn(set, promise, chosen[i] as (typeof chosen)[number])),
    )
    const size = Math.min(1000, own.calibration.dense.logits.length)
    const broken = promises.map((promise) => ({ promise, size, ...brokenPromises(own, promise, size) }))
    context.onProgress(`${subject.name}, ${name}: monitors`)
    const alarms: FalseAlarms[] = []
    for (const rate of RATES) alarms.push(await falseAlarms(own, rate))
    const detections: Detection[] = []
    for (const set of own.shifts) detections.push(await detection(own, set, RATES[0] as number))
    tables.push(
      { caption: `${name}: thresholds and what the calibration expects of them`, ...calibrationTable(chosen, broken) },
      { caption: `${name}: the cascade on data that it was not calibrated on`, ...cascadeTable(figures) },
      {
        caption: `${name}: false alarms, of ${alarms[0]?.streams} streams drawn as the calibration was`,
        ...alarmTable(alarms),
      },
      {
        caption: `${name}: streams of 300 inputs as in the calibration, then shifted ones; false-alarm rate ${RATES[0]} an input`,
        ...detectionTable(detections),
      },
    )
    notes.push(...sentences(own, figures, alarms))
    values.push({ setting: name, chosen, broken, figures, alarms, detections })
  }
  return { tables, notes, values }
}

type Chosen = ReturnType<typeof calibrated> & { readonly promise: (typeof promises)[number] }
type Broken = ReturnType<typeof brokenPromises> & { readonly size: number }

function calibrationTable(chosen: readonly Chosen[], broken: readonly Broken[]): Table {
  return {
    headings: [
      'promised',
      'examples',
      'differ',
      'threshold',
      'may still differ',
      'run again',
      'FLOPs',
      'broken in draws',
      'mean disagreement',
    ],
    rows: chosen.map((row, i) => [
      promiseText(row.promise),
      `${row.examples}`,
      `${row.disagreements}`,
      row.threshold === null ? 'none' : row.threshold.toPrecision(3),
      `${row.remaining}`,
      `${percent(row.share.estimate)} (${percent(row.share.low)} … ${percent(row.share.high)})`,
      row.cost?.estimate.toFixed(2) ?? '',
      percent(broken[i]?.broken ?? Number.NaN),
      percent(broken[i]?.mean ?? Number.NaN, 2),
    ]),
  }
}

function alarmTable(alarms: readonly FalseAlarms[]): Table {
  return {
    headings: ['rate an input', 'inputs', 'at most', 'measured, drawn anew', 'measured, test set in other orders'],
    rows: alarms.map(({ rate, inputs, bound, drawn: [share, low, high], shipped }) => [
      `${rate}`,
      `${inputs}`,
      percent(bound),
      `${percent(share)} (${percent(low)} … ${percent(high)})`,
      percent(shipped),
    ]),
  }
}

function detectionTable(detections: readonly Detection[]): Table {
  return {
    headings: ['shift', 'inputs', 'alarm within 100', 'alarm', 'median delay', 'first seen by'],
    rows: detections.map(({ set, inputs, within100, detected, delay, by }) => [
      set,
      `${inputs}`,
      percent(within100, 0),
      percent(detected, 0),
      delay === undefined ? '–' : `${delay}`,
      Object.entries(by)
        .sort(([, a], [, b]) => b - a)
        .map(([signal, count]) => `${signal} ${count}`)
        .join(', '),
    ]),
  }
}

function sentences(
  { setting, shifts }: Guarded,
  figures: readonly ReturnType<typeof cascadeOn>[],
  alarms: readonly FalseAlarms[],
): string[] {
  const onTest = figures.filter(({ set }) => set === 'test')
  const confident = onTest.filter(({ promise }) => promise.confidence !== 'mean')
  const kept = confident.filter(({ agreement, promise }) => agreement.estimate >= promise.agreement)
  const elsewhere = figures.filter(({ set, promise }) => set !== 'test' && promise === promises[0])
  const broken = elsewhere.filter(({ agreement, promise }) => agreement.estimate < promise.agreement)
  const loud = alarms.filter(({ drawn: [, low], bound }) => low > bound)
  return [
    `${setting.name}: on the test set ${kept.length} of the ${confident.length} promises with confidence were kept ` +
      `(${onTest.map(({ agreement, promise }) => `${percent(agreement.estimate, 2)} for ${promiseText(promise)}`).join(', ')}). ` +
      `On ${elsewhere.length - broken.length} of ${shifts.length} shifts, where nothing is promised, the first of them held, too` +
      `${broken.length === 0 ? '' : `; not on ${broken.map(({ set }) => set).join(', ')}`}. False alarms came ` +
      `${loud.length === 0 ? 'no more often than promised' : 'MORE often than promised'}.`,
  ]
}
