import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Runtime } from '@tp/core/runtime'
import { fixturesIn, sharedFolder } from 'exported-encoders'
import { projectPath, writeWhole } from '../files.ts'
import { checkFixture, type FixtureReport } from './check.ts'
import { coveragePage } from './page.ts'

/** Prunes every exported encoder and compares: docs/coverage.md, or the terminal for some of them. @returns the exit code */
export async function coverage(runtime: Runtime, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { only: { type: 'string', multiple: true }, folder: { type: 'string' } },
  })
  const folder = values.folder ?? join(sharedFolder, 'fixtures')
  const fixtures = fixturesIn(folder).filter(({ name }) => values.only?.some((part) => name.includes(part)) ?? true)
  if (fixtures.length === 0) {
    process.stderr.write(`There are no such fixtures in ${folder}; say where they are with --folder.\n`)
    return 2
  }
  const reports: FixtureReport[] = []
  for (const [i, fixture] of fixtures.entries()) {
    process.stderr.write(`${i + 1}/${fixtures.length} ${fixture.name} …\n`)
    const report = await checkFixture(fixture)
    for (const problem of report.problems) process.stderr.write(`  wrong: ${problem}\n`)
    reports.push(report)
  }
  const { version } = await runtime.diagnose()
  const page = coveragePage(reports, { date: new Date().toISOString().slice(0, 10), runtime: version })
  if (values.only === undefined && values.folder === undefined) {
    await writeWhole(projectPath('docs/coverage.md'), page)
    process.stderr.write('\nThe table is in docs/coverage.md.\n')
  } else {
    process.stdout.write(page)
  }
  return reports.some(({ problems }) => problems.length > 0) ? 1 : 0
}
