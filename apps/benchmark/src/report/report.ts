import { readFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Runtime } from '@tp/core/runtime'
import { markdownTable } from '../output/table.ts'
import { writeWhole } from '../output/write-file.ts'
import type { Findings, Section } from './section.ts'

/** Version of the form of the reports. */
const FORMAT = 1

const root = new URL('../../../../', import.meta.url)

/** A report that is made of sections: `reports/NAME.json` and `docs/results/NAME.md`. */
export interface ReportForm {
  readonly name: string
  /** The heading and what the numbers mean, in Markdown. */
  readonly opening: string
}

/** Path of a report's file for programs or for readers, or of an image beside the latter. */
export function reportPath(kind: 'html' | 'json' | 'jsonl' | 'md' | 'safetensors' | 'svg', name: string): string {
  const folder = kind === 'json' || kind === 'safetensors' ? 'reports' : 'docs/results'
  return fileURLToPath(new URL(`${folder}/${name}.${kind}`, root))
}

/** A section's findings with when and on what they were measured. */
export interface Measured extends Findings {
  readonly date: string
  readonly seconds: number
  readonly machine: string
  readonly versions: string
}

export type Report = Readonly<Record<string, Measured>>

export async function readReport({ name }: ReportForm): Promise<Report> {
  try {
    const { format, sections } = JSON.parse(await readFile(reportPath('json', name), 'utf8'))
    return format === FORMAT ? sections : {}
  } catch {
    return {} // nothing has been measured yet
  }
}

/**
 * Writes both forms of the report: the numbers for programs, the tables for readers. A section of the page whose numbers
 * are not at hand, since they were measured elsewhere, stays as it is.
 */
export async function writeReport(
  { name, opening }: ReportForm,
  report: Report,
  sections: readonly Section[],
): Promise<void> {
  await writeWhole(reportPath('json', name), `${JSON.stringify({ format: FORMAT, sections: report }, undefined, 2)}\n`)
  const page = reportPath('md', name)
  const before = sectionsOf(await readFile(page, 'utf8').catch(() => ''))
  const parts = sections.flatMap(({ name, title }) => {
    const measured = report[name]
    return (measured === undefined ? before.get(title) : sectionText(title, measured)) ?? []
  })
  await writeWhole(page, `${[opening, ...parts].join('\n\n')}\n`)
}

/** The sections of a page by title, each with its heading. */
export function sectionsOf(page: string): Map<string, string> {
  const [, ...parts] = page.split(/^(?=## )/m)
  return new Map(parts.map((part) => [part.slice(3, part.indexOf('\n')), part.trimEnd()]))
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
