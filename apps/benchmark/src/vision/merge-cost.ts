import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Method, quasiRandom, schedule } from '@tp/core'
import { tome, withMerge } from '@tp/method-hybrid'
import { type OperatorTotal, readProfile } from '@tp/runtime-node'
import type { Subject } from '../measure/subject.ts'
import { pruned } from '../measure/variant.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { type Encoder, encoders, openEncoder } from './encoders.ts'

const cuts: readonly Method[] = [quasiRandom(), withMerge(quasiRandom()), tome()]
const BATCHES = [
  { size: 1, runs: 100 },
  { size: 16, runs: 12 },
] as const
/** Operators that take less than this share of a run are drawn together. */
const LEAST_SHARE = 0.01

/** Where the time of a model with one cut goes: dropping, merging what was dropped, and bipartite merging. */
export const mergeCost: Section = {
  name: 'merge-cost',
  title: 'fashion-vit: where the time of a cut goes',
  async run(context) {
    const encoder = encoders.find(({ name }) => name === 'fashion-vit') as Encoder
    const subject = await openEncoder(context, encoder, 'calibration')
    const tables: Findings['tables'][number][] = []
    for (const { size, runs } of BATCHES) tables.push(await profileBatch(context, subject, size, runs))
    return { tables, notes: [], values: tables }
  },
}

async function profileBatch(
  { runtime, onProgress }: Context,
  subject: Subject,
  size: number,
  runs: number,
): Promise<Findings['tables'][number]> {
  const folder = await mkdtemp(join(tmpdir(), 'tp-profile-'))
  try {
    const feeds = await subject.inputs.feeds(Array.from({ length: size }, (_, i) => i))
    const totals: (readonly OperatorTotal[])[] = []
    for (const method of cuts) {
      onProgress(`batch ${size}, ${method.name}`)
      const { file } = pruned(subject, method, schedule(subject.layerCount, { keep: 0.6, layers: [1] }))
      const session = await runtime.load(file, { threads: 1, profile: join(folder, method.name) })
      for (let run = 0; run < runs; run++) await session.run(feeds)
      totals.push(await readProfile((await session.endProfile()) as string))
      await session.dispose()
    }
    const ms = (which: number, op: string): number => (totals[which]?.find((total) => total.op === op)?.ms ?? 0) / runs
    const sums = totals.map((total) => total.reduce((sum, { ms }) => sum + ms, 0) / runs)
    const ops = [...new Set(totals.flatMap((total) => total.map(({ op }) => op)))]
    const large = ops.filter((op) => cuts.some((_, i) => ms(i, op) >= LEAST_SHARE * (sums[i] as number)))
    const row = (label: string, value: (which: number) => number): string[] => [
      label,
      ...cuts.map((_, i) => (1000 * value(i)).toFixed(0)),
    ]
    return {
      caption: `Batch ${size}, keep 0.6 once in layer 1, µs a run by operator`,
      headings: ['operator', ...cuts.map(({ name }) => name)],
      rows: [
        ...large.map((op) => row(op, (i) => ms(i, op))),
        row('others', (i) => (sums[i] as number) - large.reduce((sum, op) => sum + ms(i, op), 0)),
        row('all', (i) => sums[i] as number),
      ],
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
