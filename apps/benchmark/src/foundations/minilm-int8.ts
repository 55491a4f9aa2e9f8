import { countFlops } from '@tp/compiler'
import { compareToDense, type Evaluation } from '@tp/eval'
import type { VariantLatency } from '@tp/eval/metrics'
import { receivedAttention } from '@tp/method-attention'
import { scheduleOf } from '../measure/compare.ts'
import { evaluateFile, inParallel } from '../measure/parallel.ts'
import { feedsOfTurns, type Shape, shapeText, speedShapes } from '../measure/shapes.ts'
import type { Subject } from '../measure/subject.ts'
import { timeFiles } from '../measure/time-files.ts'
import { dense, pruned, type Variant, withoutDeadTokens } from '../measure/variant.ts'
import { factor, interval, plusMinus, points } from '../output/numbers.ts'
import type { Table } from '../output/table.ts'
import type { Context, Section } from '../report/section.ts'
import { type MinilmFile, openMinilm } from './minilm.ts'

const shapes = speedShapes.filter(({ tokens }) => tokens >= 128)

/** Different texts of each shape. */
const TURNS = 4

const MS_A_SHAPE = 45_000

const precisions: Readonly<Record<string, MinilmFile>> = { fp32: 'model.onnx', int8: 'model.int8.onnx' }

/** `fp32 dense` … `int8 keep 0.5`: what is compared, all in turns. */
function square(subjects: Readonly<Record<string, Subject>>): Record<string, Variant> {
  const entries = Object.entries(subjects).flatMap(([precision, subject]) => {
    const keep = (share: number): Variant =>
      pruned(subject, receivedAttention(), scheduleOf(subject, { keep: share, layers: [1, 2, 3, 4, 5] }))
    return [
      [`${precision} dense`, dense(subject)],
      [`${precision} none`, withoutDeadTokens(subject)],
      [`${precision} keep 0.7`, keep(0.7)],
      [`${precision} keep 0.5`, keep(0.5)],
    ] as const
  })
  return Object.fromEntries(entries)
}

async function openBoth(
  context: Context,
  data: readonly string[],
  limit?: number,
): Promise<Record<keyof typeof precisions, Subject>> {
  const open = ([precision, file]: [string, MinilmFile]) =>
    openMinilm(context, data, limit, file).then((subject) => [precision, subject] as const)
  return Object.fromEntries(await Promise.all(Object.entries(precisions).map(open)))
}

interface Time {
  readonly shape: string
  readonly variant: string
  readonly p50Ms: number
  readonly overFp32: VariantLatency['speedup']
  /** Over the dense model of the same precision. */
  readonly overOwn: number
  readonly flops: number
}

/** Pruning and quantisation together: each alone, and both, as fast as they are. */
export const int8Speed: Section = {
  name: 'int8-speed',
  title: 'minilm-sentiment: pruned and quantised, speed at fixed shapes',
  async run(context) {
    const subjects = await openBoth(context, ['imdb', 'test.tsv'], 300)
    const { fp32 } = subjects as { fp32: Subject }
    const variants = square(subjects)
    const times: Time[] = []
    for (const shape of shapes) {
      context.onProgress(shapeText(shape))
      times.push(...(await timesOf(context, fp32, variants, shape)))
    }
    const table: Table = {
      headings: ['model', 'shape', 'p50 ms', 'over its own dense', 'over fp32 dense', '95 % interval', 'FLOPs'],
      rows: times.map(({ variant, shape, p50Ms, overOwn, overFp32: { value, low, high }, flops }) => [
        variant,
        shape,
        p50Ms.toFixed(2),
        factor(overOwn),
        factor(value),
        interval({ low, high }),
        factor(flops),
      ]),
    }
    const caption = 'received-attention, each share kept in each layer but the first; one thread, all models in turns'
    return { tables: [{ caption, ...table }], notes: [], values: times }
  },
}

async function timesOf(
  { runtime }: Context,
  subject: Subject,
  variants: Readonly<Record<string, Variant>>,
  shape: Shape,
): Promise<Time[]> {
  const files = Object.fromEntries(Object.entries(variants).map(([name, { file }]) => [name, file]))
  const inputs = await feedsOfTurns(subject.inputs, shape, TURNS)
  const { variants: times } = await timeFiles(runtime, files, inputs, { rounds: 200, budgetMs: MS_A_SHAPE })
  return Object.entries(variants).map(([variant, { model }]) => {
    const own = `${variant.split(' ')[0]} dense`
    const { p50Ms, speedup } = times[variant] as VariantLatency
    return {
      shape: shapeText(shape),
      variant,
      p50Ms,
      overFp32: speedup,
      overOwn: (times[own] as VariantLatency).p50Ms / p50Ms,
      flops: countFlops((variants[own] as Variant).model, shape) / countFlops(model, shape),
    }
  })
}

/** What pruning and quantisation each lose, and both together. */
export const int8Accuracy: Section = {
  name: 'int8-accuracy',
  title: 'minilm-sentiment: pruned and quantised, accuracy',
  async run(context) {
    const sets = { 'IMDB test': ['imdb', 'test.tsv'], 'SST-2 dev': ['sst2', 'dev.tsv'] }
    const rows: string[][] = []
    for (const [set, data] of Object.entries(sets)) {
      const subjects = await openBoth(context, data)
      const { fp32 } = subjects as { fp32: Subject }
      const variants = Object.entries(square(subjects))
      let done = 0
      const evaluations = await inParallel(
        variants.map(([, { file }]) => async () => {
          const evaluation = await evaluateFile(context.runtime, file, fp32.inputs)
          done += 1
          context.onProgress(`${set}: ${done} of ${variants.length} evaluated`)
          return evaluation
        }),
      )
      const of = (name: string): Evaluation =>
        evaluations[variants.findIndex(([variant]) => variant === name)] as Evaluation
      for (const [i, [variant]] of variants.entries()) {
        const evaluation = evaluations[i] as Evaluation
        const lossTo = (reference: string): string =>
          variant === reference ? '' : points(compareToDense(evaluation, of(reference)).loss)
        rows.push([
          variant,
          set,
          plusMinus(evaluation.accuracy),
          lossTo(`${variant.split(' ')[0]} dense`),
          lossTo('fp32 dense'),
        ])
      }
    }
    const headings = ['model', 'texts', 'accuracy', 'loss to its own dense', 'loss to fp32 dense']
    const caption = 'received-attention, each share kept in each layer but the first'
    return { tables: [{ caption, headings, rows }], notes: [], values: rows }
  },
}
