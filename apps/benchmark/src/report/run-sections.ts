import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { isTpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { beginTrial, projectPath, reportsPath, sharedPath, writeWhole } from '../files.ts'
import { type Measured, regionText, withRegion } from './page.ts'
import { type Findings, type Report, type ReportSection, surroundings } from './section.ts'
import { plainTable } from './table.ts'

/** Version of the form of `reports/NAME.json`. */
const FORMAT = 1

type AllMeasured = Readonly<Record<string, Measured>>

/**
 * Measures the sections of a report that have not been measured, or those that are named (`--only`), or all (`--again`),
 * and writes each as soon as it is done. `--trial` sees whether they run, on few examples, and writes nothing. @returns the exit code
 */
export async function runSections(
  { name: report, page = `docs/results/${report}.md`, sections, next }: Report,
  runtime: Runtime,
  args: readonly string[],
): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true },
      again: { type: 'boolean', default: false },
      trial: { type: 'boolean', default: false },
    },
  })
  if (values.trial) beginTrial()
  const selected = values.only?.flatMap((names) => names.split(','))
  const isSelected = ({ name }: ReportSection): boolean =>
    selected === undefined || selected.some((prefix) => name === prefix || name.startsWith(`${prefix}-`))
  if (!sections.some(isSelected)) {
    const names = sections.map(({ name }) => name).join(', ')
    process.stderr.write(
      `${report} has no section ${selected?.join(', ')}; it has ${names} (or the beginning of several).\n`,
    )
    return 2
  }
  const found = new Map<string, Findings>()
  let code = 0
  for (const section of sections.filter(isSelected)) {
    const { name } = section
    const known = await readMeasured(report)
    // a run that was broken off goes on where it stopped
    if (known[name] !== undefined && page !== false && selected === undefined && !values.again && !values.trial) {
      process.stderr.write(`${name}: measured already; --only ${name} measures it once more, --again all\n`)
      continue
    }
    const onProgress = (text: string): void => void process.stderr.write(`${name}: ${text} …\n`)
    const start = performance.now()
    try {
      const findings = await section.run({
        runtime,
        shared: sharedPath,
        found: (other) => found.get(other) ?? known[other],
        onProgress,
      })
      const seconds = (performance.now() - start) / 1000
      const measured = { date: new Date().toISOString(), seconds, ...(await surroundings(runtime)), ...findings }
      if (!values.trial) await write(report, page, name, measured)
      found.set(name, findings)
      const tables = findings.tables.map((table) => `${table.caption}\n${plainTable(table)}`)
      process.stdout.write(`\n${[name, ...tables, findings.verdict ?? [], findings.note ?? []].flat().join('\n')}\n`)
      for (const sentence of findings.wrong ?? []) process.stderr.write(`${name}: wrong: ${sentence}\n`)
      if (findings.wrong?.length) code = 1
    } catch (error) {
      // The other sections do not need this one; the error says what is missing here.
      code = 1
      const text = isTpError(error) ? error.message : error instanceof Error ? error.stack : error
      process.stderr.write(`${name}: ${text}\n`)
    }
  }
  if (next !== undefined && code === 0) process.stdout.write(`\nnext  ${next}\n`)
  return code
}

async function readMeasured(report: string): Promise<AllMeasured> {
  try {
    const { format, sections } = JSON.parse(await readFile(reportsPath(`${report}.json`), 'utf8'))
    return format === FORMAT ? sections : {}
  } catch {
    return {} // nothing has been measured yet
  }
}

/** The numbers for programs, and the section's region of the page for readers. */
async function write(report: string, page: string | false, name: string, measured: Measured): Promise<void> {
  // read again: another process may have measured another section meanwhile
  const sections = { ...(await readMeasured(report)), [name]: measured }
  await writeWhole(reportsPath(`${report}.json`), `${JSON.stringify({ format: FORMAT, sections }, undefined, 2)}\n`)
  if (page === false) return
  const path = projectPath(page)
  const text = await readFile(path, 'utf8').catch(() => `# Measured: ${report}\n`)
  await writeWhole(path, withRegion(text, name, regionText(measured)))
}
