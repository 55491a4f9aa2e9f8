import { readFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Runtime } from '@tp/core'
import { markdownTable } from '../output/table.ts'
import { writeWhole } from '../output/write-file.ts'
import type { Findings, Section } from './section.ts'

/** Version of the form of reports/foundations.json. */
const FORMAT = 1

const root = new URL('../../../../', import.meta.url)
const jsonPath = fileURLToPath(new URL('reports/foundations.json', root))
const markdownPath = fileURLToPath(new URL('docs/results/foundations.md', root))

/** A section's findings with when and on what they were measured. */
export interface Measured extends Findings {
  readonly date: string
  readonly seconds: number
  readonly machine: string
  readonly versions: string
}

export type Report = Readonly<Record<string, Measured>>

export async function readReport(): Promise<Report> {
  try {
    const { format, sections } = JSON.parse(await readFile(jsonPath, 'utf8'))
    return format === FORMAT ? sections : {}
  } catch {
    return {} // nothing has been measured yet
  }
}

/** Writes both forms of the report: the numbers for programs, the tables for readers. */
export async function writeReport(report: Report, sections: readonly Section[]): Promise<void> {
  await writeWhole(jsonPath, `${JSON.stringify({ format: FORMAT, sections: report }, undefined, 2)}\n`)
  const parts = sections.flatMap(({ name, title }) => {
    const measured = report[name]
    return measured === undefined ? [] : [sectionText(title, measured)]
  })
  const opening =
    '# Measured: the foundations\n\nWritten by `pnpm --filter benchmark foundations`; the same numbers, unrounded, are in ' +
    '`reports/foundations.json`. Accuracy in percent with half the width of its 95 % bootstrap interval; loss in points ' +
    'against dense, paired by example, with its 95 % interval; FLOPs and speed-up are factors over dense, and speed is ' +
    'measured on one thread with all models in turns. `none` is dense without its dead tokens; every other row has that too.'
  await writeWhole(markdownPath, `${[opening, ...parts].join('\n\n')}\n`)
}

function sectionText(title: string, { tables, notes, date, seconds, machine, versions }: Measured): string {
  const bodies = tables.map((table) => `${table.caption}.\n\n${markdownTable(table)}`)
  const origin = `Measured ${date.slice(0, 10)} in ${seconds.toFixed(0)} s: ${machine}, ${versions}.`
  return [`## ${title}`, ...bodies, ...notes, `*${origin}*`].join('\n\n')
}

/** What the numbers depend on, besides the project. */
export async function surroundings(runtime: Runtime): Promise<Pick<Measured, 'machine' | 'versions'>> {
  const { runtime: name, version, device } = await runtime.diagnose()
  return {
    machine: `${device}, ${cpus().length} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    versions: `${name} ${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
  }
}
