import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NamedTensors, Runtime, Session } from '@tp/core/runtime'
import { type OperatorTotal, readProfile } from '@tp/runtime-node'
import type { Table } from '../report/table.ts'

/** Milliseconds a run by operator type, of each model. */
export type Profiles = Readonly<Record<string, readonly OperatorTotal[]>>

/** Runs models in turns and says where their time goes. */
export async function profileFiles(
  runtime: Runtime,
  files: Readonly<Record<string, Uint8Array>>,
  feeds: NamedTensors,
  runs: number,
): Promise<Profiles> {
  const folder = await mkdtemp(join(tmpdir(), 'tp-profile-'))
  const sessions: [string, Session][] = []
  try {
    for (const [name, file] of Object.entries(files)) {
      sessions.push([name, await runtime.load(file, { threads: 1, profile: join(folder, `${sessions.length}.json`) })])
    }
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

/** Operators below this share of a model's time are taken together. */
const LEAST_SHARE = 0.01

export function profileTable(caption: string, models: Profiles): Table {
  const names = Object.keys(models)
  const of = (name: string, op: string): number => models[name]?.find((total) => total.op === op)?.ms ?? 0
  const total = (name: string): number => (models[name] ?? []).reduce((sum, { ms }) => sum + ms, 0)
  const ops = [...new Set(names.flatMap((name) => (models[name] ?? []).map(({ op }) => op)))]
  const large = ops.filter((op) => names.some((name) => of(name, op) >= LEAST_SHARE * total(name)))
  const others = (name: string): number => total(name) - large.reduce((sum, op) => sum + of(name, op), 0)
  const row = (label: string, ms: (name: string) => number): string[] => [
    label,
    ...names.map((name) => ms(name).toFixed(3)),
  ]
  return {
    caption,
    headings: ['operator', ...names],
    rows: [
      ...large.map((op) => row(op, (name) => of(name, op))),
      row(`${ops.length - large.length} others`, others),
      row('all', total),
    ],
  }
}
