import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { median } from 'simple-statistics'
import { show, showTimes } from '../measure/columns.ts'
import { candidate, measure, type Row } from '../measure/measure.ts'
import { processCost } from '../measure/process-cost.ts'
import { speedShapes } from '../measure/shapes.ts'
import { nodeTimer, type ShapeRow, type ShapeTiming, timeShapes } from '../measure/speed.ts'
import { openSubject } from '../measure/subject.ts'
import { type Budget, DENSE, NONE, pruned, type Setting } from '../registry/settings.ts'
import { subjects } from '../registry/subjects.ts'
import { factor, points } from '../report/numbers.ts'
import type { Report, Section } from '../report/section.ts'
import { type Columns, type Table, tableOf } from '../report/table.ts'
import { embeddings } from './embeddings.ts'
import { minilmSections } from './minilm.ts'

/** Enough reviews to have long ones for every shape. */
const LONG = 300

/** The same ratio in each layer but the first. */
const later = (keep: number): Budget => ({ keep, layers: [1, 2, 3, 4, 5] })

const perShape: Columns<ShapeRow> = {
  model: ({ name }) => name,
  shape: ({ shape }) => shape,
  ...showTimes.ms,
  ...showTimes.speedup,
  ...showTimes.interval,
  FLOPs: ({ flops }) => factor(flops),
}

function speed(
  name: string,
  settings: Readonly<Record<string, Setting>>,
  timing: ShapeTiming,
  columns: Columns<ShapeRow>,
): Section {
  return {
    name,
    async run(context) {
      const subject = await openSubject(context, subjects['minilm-imdb'], 'test', LONG)
      const candidates = Object.entries(settings).map(([name, setting]) => candidate(setting, name))
      const rows = await timeShapes(context, subject, candidates, timing, nodeTimer(context.runtime))
      return { tables: [tableOf('One thread, all models in turns', columns, rows)], values: rows }
    },
  }
}

const minilmSpeed = speed(
  'minilm-speed',
  {
    dense: DENSE,
    none: NONE,
    'cls-attention 0.7': pruned('cls-attention', later(0.7)),
    'cls-attention 0.5': pruned('cls-attention', later(0.5)),
    'received-attention 0.7': pruned('received-attention', later(0.7)),
    'received-attention 0.5': pruned('received-attention', later(0.5)),
    'received-attention, 32 rows, 0.5': pruned({ method: 'received-attention', params: { queries: 32 } }, later(0.5)),
  },
  { shapes: speedShapes, turns: 4, rounds: 200, budgetMs: 45_000 },
  { ...perShape, 'speed-up / FLOPs': ({ speedup, flops }) => (speedup.value / flops).toFixed(2) },
)

const precisions: Readonly<Record<string, Setting>> = Object.fromEntries(
  ['fp32', 'int8'].flatMap((precision) => {
    const forms: Record<string, Setting> = {
      dense: DENSE,
      none: NONE,
      'keep 0.7': pruned('received-attention', later(0.7)),
      'keep 0.5': pruned('received-attention', later(0.5)),
    }
    const int8 = precision === 'int8' && { int8: true as const }
    return Object.entries(forms).map(([name, setting]) => [`${precision} ${name}`, { ...setting, ...int8 }])
  }),
)

/** Pruning and quantisation together: each alone, and both, as fast as they are. */
const int8Speed = speed(
  'int8-speed',
  precisions,
  { shapes: speedShapes.filter(({ tokens }) => tokens >= 128), turns: 4, rounds: 200, budgetMs: 45_000 },
  {
    ...perShape,
    FLOPs: ({ ownFlops }) => factor(ownFlops),
    'over its own dense': ({ overOwn }) => factor(overOwn),
  },
)

/** What pruning and quantisation each lose, and both together. */
const int8Accuracy: Section = {
  name: 'int8-accuracy',
  async run(context) {
    const tables: Table[] = []
    const values: Record<string, unknown> = {}
    for (const name of ['minilm-imdb', 'minilm-sst2'] as const) {
      const subject = await openSubject(context, subjects[name], 'test')
      const candidates = Object.entries(precisions).map(([name, setting]) => candidate(setting, name))
      const rows = await measure(context, subject, candidates)
      const own = await measure(
        context,
        subject,
        candidates.filter(({ settings: [setting] }) => setting.int8),
      )
      const overOwn = (row: Row): string => points((own.find((one) => one.name === row.name) ?? row).loss)
      const columns = {
        ...show.method,
        ...show.accuracy,
        'loss to fp32 dense': ({ loss }: Row) => points(loss),
        'loss to its own dense': overOwn,
      }
      tables.push(tableOf(name, columns, rows))
      values[name] = rows.map(({ correct: _, ...row }) => row)
    }
    return { tables, values }
  },
}

const RUNS = 5

/** Time and memory of the command on a 91 MB file, as a user meets them: a process of its own, from start to end. */
const pruneCost: Section = {
  name: 'prune-cost',
  async run({ shared, onProgress }) {
    const model = shared('models', 'minilm-sentiment', 'model.onnx')
    const megabytes = (await stat(model)).size / 1e6
    const folder = await mkdtemp(join(tmpdir(), 'tp-prune-'))
    const tp = join(dirname(createRequire(import.meta.url).resolve('@tp/cli/package.json')), 'bin', 'tp.js')
    try {
      const runs = Array.from({ length: RUNS }, (_, run) => {
        onProgress(`run ${run + 1} of ${RUNS}`)
        const out = join(folder, `${run}.onnx`)
        return processCost([tp, 'prune', model, '-o', out, '--method', 'cls-attention', '--keep', '0.5'])
      })
      const idle = processCost([tp, '--help'])
      const seconds = runs.map((run) => run.seconds)
      const peak = Math.max(...runs.map((run) => run.megabytes))
      const rows = [
        ['median time', `${median(seconds).toFixed(2)} s`],
        ['longest time', `${Math.max(...seconds).toFixed(2)} s`],
        ['largest peak of resident memory', `${peak.toFixed(0)} MB`],
        ['the same over the size of the file', (peak / megabytes).toFixed(2)],
        ['of it, the command without a model', `${idle.megabytes.toFixed(0)} MB`],
      ]
      const caption = `File of ${megabytes.toFixed(1)} MB, ${RUNS} runs`
      return { tables: [{ caption, headings: ['', 'value'], rows }], values: { megabytes, seconds, peak, idle } }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

export const foundations: Report = {
  name: 'foundations',
  sections: [...minilmSections, minilmSpeed, int8Speed, int8Accuracy, embeddings, pruneCost],
}
