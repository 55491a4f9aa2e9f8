import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { encodeModel } from '@tp/onnx'
import { median } from 'simple-statistics'
import { show, showTimes } from '../measure/columns.ts'
import { largestDifference, rowsThatDiffer, sliced } from '../measure/compare-outputs.ts'
import { candidate, measure, type Row } from '../measure/measure.ts'
import { fileOf, prepare } from '../measure/prepare.ts'
import { processCost } from '../measure/process-cost.ts'
import { profileFiles, profileTable } from '../measure/profile.ts'
import { feedsOfShape, feedsOfTurns, shapeText, speedShapes, stratifiedSample } from '../measure/shapes.ts'
import { nodeTimer, type ShapeRow, type ShapeTiming, timeShapes } from '../measure/speed.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import { type Budget, DENSE, NONE, pruned, type Setting } from '../registry/settings.ts'
import { subjects } from '../registry/subjects.ts'
import { differenceText, factor, points } from '../report/numbers.ts'
import type { Context, Report, Section } from '../report/section.ts'
import { type Columns, type Table, tableOf } from '../report/table.ts'
import { embeddings } from './embeddings.ts'
import { minilmSections } from './minilm.ts'

/** So many reviews give enough long ones for every shape. */
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
  more: (context: Context, subject: Subject) => Promise<readonly Table[]> = async () => [],
): Section {
  return {
    name,
    async run(context) {
      const subject = await openSubject(context, subjects['minilm-imdb'], 'test', LONG)
      const candidates = Object.entries(settings).map(([name, setting]) => candidate(setting, name))
      const rows = await timeShapes(context, subject, candidates, timing, nodeTimer(context.runtime))
      const tables = await more(context, subject)
      return { tables: [tableOf('One thread, all models in turns', columns, rows), ...tables], values: rows }
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

const deadShapes = [16, 32, 128, 512].map((tokens) => ({ batch: 1, tokens }))

/** Dead-token elimination alone: how much faster, and that the answers stay the same. */
const deadTokens = speed(
  'dead-tokens',
  { dense: DENSE, none: NONE },
  { shapes: deadShapes, turns: 8, rounds: 500, budgetMs: 20_000 },
  perShape,
  async ({ runtime }, subject) => {
    await using dense = await runtime.load(subject.file, { threads: 1 })
    await using none = await runtime.load(await fileOf(subject, NONE), { threads: 1 })
    const rows: string[][] = []
    for (const shape of deadShapes) {
      const differences: number[] = []
      for (const feeds of await feedsOfTurns(subject.inputs, shape, 8)) {
        differences.push(largestDifference(await dense.run(feeds), await none.run(feeds)))
      }
      rows.push([shapeText(shape), differenceText(Math.max(...differences))])
    }
    return [{ caption: 'Largest difference of a logit', headings: ['shape', 'difference'], rows }]
  },
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

/** Where the time goes, operator by operator, dense and pruned. */
const profile: Section = {
  name: 'profile',
  async run(context) {
    const subject = await openSubject(context, subjects['minilm-imdb'], 'test', LONG)
    const settings = [DENSE, NONE, pruned('cls-attention', later(0.5)), pruned('received-attention', later(0.5))]
    const files: Record<string, Uint8Array> = {}
    for (const setting of settings) files[candidate(setting).name] = await fileOf(subject, setting)
    const tables: Table[] = []
    for (const { tokens, runs } of [
      { tokens: 128, runs: 100 },
      { tokens: 512, runs: 30 },
    ]) {
      context.onProgress(`${tokens} tokens`)
      const feeds = await feedsOfShape(subject.inputs, { batch: 1, tokens }, 0)
      const found = await profileFiles(context.runtime, files, feeds, runs)
      tables.push(profileTable(`1×${tokens} tokens, keep 0.5, ms a run by operator`, found))
    }
    return { tables, values: tables }
  },
}

/** Texts of the test split, how many make a batch, and columns of padding beyond a text's own length. */
const [TEXTS, BATCH, PADDING] = [64, 8, 37]

/** An example's answer must not depend on what it is batched or padded with. */
const batchInvariance: Section = {
  name: 'batch-invariance',
  async run(context) {
    const rows: { model: string; method: string; padded: number; shuffled: number; otherTokens: number }[] = []
    for (const name of ['mail', 'minilm-imdb'] as const) {
      const subject = await openSubject(context, subjects[name], 'test')
      for (const method of ['cls-attention', 'received-attention', 'value-weighted', 'balanced', 'random']) {
        context.onProgress(`${name}, ${method}`)
        const { model, file } = await tracedFile(subject, pruned(method, later(0.5)))
        await using session = await context.runtime.load(file, { threads: 1 })
        rows.push({ model, method, ...(await comparedToAlone(session, subject)) })
      }
    }
    const columns: Columns<(typeof rows)[number]> = {
      'model, method': ({ model, method }) => `${model}, ${method}`,
      'padded: largest difference': ({ padded }) => differenceText(padded),
      'shuffled: largest difference': ({ shuffled }) => differenceText(shuffled),
      'texts that kept other tokens': ({ otherTokens }) => `${otherTokens}`,
    }
    const caption = `${TEXTS} texts of the test split, keep 0.5 in each layer but the first; alone against ${PADDING} columns of padding, and against shuffled batches of ${BATCH}`
    return { tables: [tableOf(caption, columns, rows)], values: rows }
  },
}

async function comparedToAlone(session: Session, { inputs, lengths }: Subject) {
  const positions = stratifiedSample(lengths, TEXTS)
  const found = { padded: 0, shuffled: 0, otherTokens: 0 }
  const alone: NamedTensors[] = []
  const judge = (way: 'padded' | 'shuffled', own: NamedTensors, other: NamedTensors): void => {
    found[way] = Math.max(found[way], largestDifference(own, other))
    found.otherTokens += rowsThatDiffer(own, other).size
  }
  for (const position of positions) {
    const feeds = await inputs.feeds([position])
    const own = await session.run(feeds)
    alone.push(own)
    judge('padded', own, await session.run(widened(feeds)))
  }
  // another order, always the same: 29 shares no factor with 64
  const order = positions.map((_, i) => (i * 29 + 7) % positions.length)
  for (let start = 0; start < order.length; start += BATCH) {
    const batch = order.slice(start, start + BATCH)
    const outputs = await session.run(await inputs.feeds(batch.map((i) => positions[i] as number)))
    for (const [row, i] of batch.entries()) judge('shuffled', alone[i] as NamedTensors, sliced(outputs, row))
  }
  return found
}

/** One text followed by columns of padding; of ids, 0 is padding in these vocabularies. */
function widened(feeds: NamedTensors): NamedTensors {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, dims, data }]) => {
      const width = Math.min((dims[1] as number) + PADDING, 512)
      const wide = new BigInt64Array(width)
      wide.set(data as BigInt64Array)
      return [name, { type, dims: [1, width], data: wide }]
    }),
  )
}

async function tracedFile(subject: Subject, setting: Setting) {
  const { model } = await prepare(subject, setting, { trace: true })
  return { model: subject.name, file: encodeModel(model) }
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
  sections: [
    ...minilmSections,
    minilmSpeed,
    deadTokens,
    profile,
    int8Speed,
    int8Accuracy,
    embeddings,
    batchInvariance,
    pruneCost,
  ],
}
