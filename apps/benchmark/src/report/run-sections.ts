import { parseArgs } from 'node:util'
import { isTpError } from '@tp/core'
import { nodeRuntime } from '@tp/runtime-node'
import { plainTable } from '../output/table.ts'
import { type Report, type ReportForm, readReport, surroundings, writeReport } from './report.ts'
import { type Section, sharedPath } from './section.ts'

/**
 * The command line of a report: measures the sections that it does not have yet, or those that are named (`--only`), or
 * all (`--again`), and writes it after each.
 */
export async function runSections(form: ReportForm, sections: readonly Section[]): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string', multiple: true }, again: { type: 'boolean', default: false } },
  })
  const asked = values.only?.flatMap((names) => names.split(','))
  const isAsked = ({ name }: Section): boolean =>
    asked === undefined || asked.some((prefix) => name === prefix || name.startsWith(`${prefix}-`))
  const names = sections.map(({ name }) => name).join(', ')
  if (!sections.some(isAsked)) {
    process.stderr.write(
      `There is no section ${asked?.join(', ')}; there are ${names} (or the beginning of several).\n`,
    )
    process.exit(2)
  }

  const runtime = nodeRuntime()
  let report: Report = await readReport(form)
  for (const section of sections.filter(isAsked)) {
    const { name, title } = section
    // a run that was broken off goes on where it stopped
    if (report[name] !== undefined && asked === undefined && !values.again) {
      process.stderr.write(`${name}: measured already; again with --only ${name}, or all with --again\n`)
      continue
    }
    const onProgress = (text: string): void => void process.stderr.write(`${name}: ${text} …\n`)
    const start = performance.now()
    try {
      const findings = await section.run({ runtime, shared: sharedPath, found: (other) => report[other], onProgress })
      const seconds = (performance.now() - start) / 1000
      const about = { date: new Date().toISOString(), seconds, ...(await surroundings(runtime)) }
      // read again: another process may have measured another section meanwhile
      report = { ...(await readReport(form)), [name]: { ...about, ...findings } }
      await writeReport(form, report, sections)
      const tables = findings.tables.map((table) => `${table.caption}\n${plainTable(table)}`)
      process.stdout.write(`\n${[title, ...tables, ...findings.notes].join('\n')}\n`)
    } catch (error) {
      // The other sections do not need this one; what is missing here is said.
      process.exitCode = 1
      process.stderr.write(
        `${name}: ${isTpError(error) ? error.message : error instanceof Error ? error.stack : error}\n`,
      )
    }
  }
}
