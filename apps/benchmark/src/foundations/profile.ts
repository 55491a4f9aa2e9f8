import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Runtime, Session } from '@tp/core/runtime'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { type OperatorTotal, readProfile } from '@tp/runtime-node'
import { scheduleOf } from '../measure/compare.ts'
import { feedsOfShape, type Shape, shapeText } from '../measure/shapes.ts'
import type { Subject } from '../measure/subject.ts'
import { dense, pruned, withoutDeadTokens } from '../measure/variant.ts'
import type { Findings, Section } from '../report/section.ts'
import { openMinilm } from './minilm.ts'

const cases: readonly { readonly shape: Shape; readonly runs: number }[] = [
  { shape: { batch: 1, tokens: 128 }, runs: 100 },
  { shape: { batch: 1, tokens: 512 }, runs: 30 },
]

/** Operators below this share of the dense model's time are drawn together. */
const LEAST_SHARE = 0.005

/** Where the time goes, operator by operator, dense and pruned. */
export const profile: Section = {
  name: 'profile',
  title: 'minilm-sentiment: where the time goes',
  async run(context) {
    const subject = await openMinilm(context, ['imdb', 'test.tsv'], 300)
    const half = scheduleOf(subject, { keep: 0.5, layers: [1, 2, 3, 4, 5] })
    const files = {
      dense: dense(subject).file,
      none: withoutDeadTokens(subject).file,
      'cls-attention 0.5': pruned(subject, clsAttention(), half).file,
      'received-attention 0.5': pruned(subject, receivedAttention(), half).file,
    }
    const profiles = []
    for (const { shape, runs } of cases) {
      context.onProgress(shapeText(shape))
      profiles.push({
        shape: shapeText(shape),
        models: await profileFiles(context.runtime, files, subject, shape, runs),
      })
    }
    return { tables: profiles.map(tableOf), notes: [], values: profiles }
  },
}

/** Milliseconds a run by operator type, of each model. */
type Profiles = Readonly<Record<string, readonly OperatorTotal[]>>

async function profileFiles(
  runtime: Runtime,
  files: Readonly<Record<string, Uint8Array>>,
  subject: Subject,
  shape: Shape,
  runs: number,
): Promise<Profiles> {
  const folder = await mkdtemp(join(tmpdir(), 'tp-profile-'))
  const sessions: [string, Session][] = []
  try {
    for (const [name, file] of Object.entries(files)) {
      sessions.push([name, await runtime.load(file, { threads: 1, profile: join(folder, `${sessions.length}.json`) })])
    }
    const feeds = await feedsOfShape(subject.inputs, shape, 0)
    for (let run = 0; run < runs; run++) for (const [, session] of sessions) await session.run(feeds)
    const profiles: [string, OperatorTotal[]][] = []
    for (const [name, session] of sessions) {
      const totals = await readProfile((await session.endProfile()) as string)
      profiles.push([name, totals.map(({ op, ms, count }) => ({ op, ms: ms / runs, count: count / runs }))])
    }
    return Object.fromEntries(profiles)
  } finally {
    for (const [, session] of sessions) await session.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}

function tableOf({ shape, models }: { readonly shape: string; readonly models: Profiles }): Findings['tables'][number] {
  const names = Object.keys(models)
  const total = (name: string): number => (models[name] ?? []).reduce((sum, { ms }) => sum + ms, 0)
  const least = LEAST_SHARE * total('dense')
  const of = (name: string, op: string): number => models[name]?.find((entry) => entry.op === op)?.ms ?? 0
  const ops = [...new Set(names.flatMap((name) => (models[name] ?? []).map(({ op }) => op)))]
  const large = ops.filter((op) => names.some((name) => of(name, op) >= least))
  const rest = (name: string): number => total(name) - large.reduce((sum, op) => sum + of(name, op), 0)
  const row = (label: string, ms: (name: string) => number): string[] => [
    label,
    ...names.map((name) => ms(name).toFixed(2)),
    names.length > 2 && ms(names[2] as string) > 0 ? (ms('dense') / ms(names[2] as string)).toFixed(2) : '',
  ]
  return {
    caption: `${shape} tokens, ms a run by operator`,
    headings: ['operator', ...names, `dense / ${names[2]}`],
    rows: [
      ...large.map((op) => row(op, (name) => of(name, op))),
      row(`${ops.length - large.length} others`, rest),
      row('all', total),
    ],
  }
}
