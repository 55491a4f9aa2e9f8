import { points } from '@tp/compare'
import type { CalibratedCascade } from '@tp/guard'
import { type CascadeFigures, calibrated, cascadeOn, promises, promiseText } from '../guard/cascades.ts'
import { type GuardedCase, openGuarded } from '../guard/guarded.ts'
import { type Detection, detection, type FalseAlarms, falseAlarms, RATES } from '../guard/monitors.ts'
import { evenly, topics } from '../registry/data.ts'
import { laterLayers, pruned } from '../registry/settings.ts'
import { dataOf, subjects } from '../registry/subjects.ts'
import { percent, percentInterval } from '../report/numbers.ts'
import type { Report, ReportSection } from '../report/section.ts'
import { type Table, type TableColumns, tableOf } from '../report/table.ts'

const OTHERS = 1000
/** Names of data whose classes are others. */
const [TOPICS, CLOTHING] = ['AG news (topics)', 'clothing']

/** Texts are shifted alike. */
const text = {
  shifted: 300,
  shifts: [
    ['typos', 3],
    ['padding-around', 3],
  ],
  unlabeled: [TOPICS],
} as const

const cases: Readonly<Record<string, GuardedCase>> = {
  minilm: {
    ...text,
    subject: 'minilm-imdb',
    examples: 1000,
    elsewhere: async (context) => ({
      'SST-2 (sentences)': await dataOf(subjects['minilm-sst2'], context, 'test'),
      [TOPICS]: await topics(context, OTHERS),
    }),
    settings: [
      pruned({ method: 'balanced', params: { values: true } }, laterLayers(0.62)),
      pruned('received-attention', { mass: 0.8, layers: [1, 2, 3, 4, 5] }),
    ],
  },
  mail: {
    ...text,
    subject: 'mail',
    examples: Number.POSITIVE_INFINITY,
    elsewhere: async (context) => ({ [TOPICS]: await topics(context, OTHERS) }),
    settings: [
      pruned('received-attention', { keep: 0.03, layers: [0] }),
      pruned('received-attention', { keep: 0.1, layers: [0] }),
      pruned('received-attention', { mass: 0.8, layers: [0, 1] }),
    ],
  },
  digits: {
    subject: 'digits-vit',
    examples: Number.POSITIVE_INFINITY,
    shifted: Number.POSITIVE_INFINITY,
    shifts: [
      ['noise', 3],
      ['blur', 5],
      ['translate', 2],
    ],
    unlabeled: [CLOTHING],
    elsewhere: async (context) => ({
      "MNIST's test set": evenly(await dataOf(subjects['vit-mnist'], context, 'test'), OTHERS),
      [CLOTHING]: evenly(await dataOf(subjects['fashion-vit'], context, 'test'), OTHERS),
    }),
    settings: [pruned('received-attention', { keep: 0.55, layers: [1] })],
  },
}

function section(name: string, one: GuardedCase): ReportSection {
  return {
    name,
    async run(context) {
      const tables: Table[] = []
      const values: object[] = []
      for (const own of await openGuarded(context, one)) {
        const chosen = promises.flatMap((promise): Chosen[] => {
          const cascade = calibrated(own, promise)
          return cascade === undefined ? [] : [{ promise, ...cascade }]
        })
        const figures = [own.test, ...own.shifts].flatMap((set) =>
          chosen.map(({ promise, ...cascade }) => cascadeOn(set, promise, cascade)),
        )
        context.onProgress(`${own.name}: monitors`)
        const alarms: FalseAlarms[] = []
        for (const rate of RATES) alarms.push(await falseAlarms(own, rate))
        const detections: Detection[] = []
        for (const set of own.shifts) detections.push(await detection(own, set, RATES[0] as number))
        tables.push(
          tableOf(`${own.name}: thresholds and what the calibration expects of them`, calibrationColumns, chosen),
          tableOf(`${own.name}: the cascade on data that it was not calibrated on`, cascadeColumns, figures),
          tableOf(
            `${own.name}: false alarms, of ${alarms[0]?.streams} streams drawn as the baseline was`,
            alarmColumns,
            alarms,
          ),
          tableOf(
            `${own.name}: streams of 300 inputs as in the calibration, then shifted ones; false-alarm rate ${RATES[0]} an input`,
            detectionColumns,
            detections,
          ),
        )
        values.push({ setting: own.name, chosen, figures, alarms, detections })
      }
      return { tables, values }
    },
  }
}

type Chosen = CalibratedCascade & {
  readonly promise: (typeof promises)[number]
}

const calibrationColumns: TableColumns<Chosen> = {
  promised: ({ promise }) => promiseText(promise),
  examples: ({ examples }) => `${examples}`,
  differ: ({ disagreements }) => `${disagreements}`,
  threshold: ({ threshold }) => (threshold === null ? 'none' : threshold.toPrecision(3)),
  'may still differ': ({ remaining }) => `${remaining}`,
  fallback: ({ share }) => percentInterval(share),
  FLOPs: ({ cost }) => cost?.estimate.toFixed(2) ?? '',
}

const cascadeColumns: TableColumns<CascadeFigures> = {
  data: ({ set, examples }) => `${set} (${examples})`,
  promised: ({ promise }) => promiseText(promise),
  'pruned agrees': ({ alone }) => percent(alone),
  'cascade agrees': ({ agreement }) => percent(agreement.estimate),
  'at least': ({ agreement }) => percent(agreement.low),
  fallback: ({ fallback }) => percent(fallback),
  FLOPs: ({ cost }) => cost.toFixed(2),
  'loss of the pruned model': ({ lossAlone }) => (lossAlone ? points(lossAlone) : ''),
  'loss of the cascade': ({ loss }) => (loss ? points(loss) : ''),
}

const alarmColumns: TableColumns<FalseAlarms> = {
  'rate an input': ({ falseAlarmRate }) => `${falseAlarmRate}`,
  inputs: ({ inputs }) => `${inputs}`,
  'at most': ({ bound }) => percent(bound),
  measured: ({ share }) => percentInterval(share),
}

const detectionColumns: TableColumns<Detection> = {
  shift: ({ set }) => set,
  inputs: ({ inputs }) => `${inputs}`,
  'alarm within 100': ({ within100 }) => percent(within100, 0),
  alarm: ({ detected }) => percent(detected, 0),
  'median delay': ({ delay }) => (delay === undefined ? '–' : `${delay}`),
  'first seen by': ({ by }) =>
    Object.entries(by)
      .sort(([, a], [, b]) => b - a)
      .map(([signal, count]) => `${signal} ${count}`)
      .join(', '),
}

export const guard: Report = {
  name: 'guard',
  sections: Object.entries(cases).map(([name, one]) => section(name, one)),
}
