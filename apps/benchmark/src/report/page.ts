import type { Findings, ReportSurroundings } from './section.ts'
import { markdownTable } from './table.ts'

/** A section's findings with when and on what they were measured. */
export interface Measured extends Findings, ReportSurroundings {
  readonly date: string
  readonly seconds: number
}

/** The contents of a section's region of the page: tables, and the sources of the numbers. */
export function regionText({ tables, wrong = [], date, seconds, machine, versions }: Measured): string {
  const bodies = tables.map((table) => `${table.caption ? `${table.caption}.\n\n` : ''}${markdownTable(table)}`)
  const origin = `*Measured ${date.slice(0, 10)} in ${seconds.toFixed(0)} s: ${machine}, ${versions}.*`
  const list = wrong.length === 0 ? [] : [wrong.map((sentence) => `- Wrong: ${sentence}`).join('\n')]
  return [...list, ...bodies, origin].join('\n\n')
}

/**
 * A page with another content in a section's region, between `<!-- measured: NAME -->` and `<!-- end of NAME -->`. The text
 * around it is written by people, and is kept. A page without the region gets it at its end, under the section's name.
 */
export function withRegion(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- measured: ${name} -->`, `<!-- end of ${name} -->`]
  const region = `${begin}\n\n${content}\n\n${end}`
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from === -1 || to < from) return `${page.trimEnd()}\n\n## ${name}\n\n${region}\n`
  return `${page.slice(0, from)}${region}${page.slice(to + end.length)}`
}
