import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { nodeRuntime } from '@tp/runtime-node'
import { fixturesIn, sharedFolder } from 'exported-encoders'
import { checkFixture, type FixtureReport } from './coverage/check.ts'
import { coveragePage } from './coverage/page.ts'
import { writeWhole } from './output/write-file.ts'

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, folder: { type: 'string' } } })
const folder = values.folder ?? join(sharedFolder, 'fixtures')
const fixtures = fixturesIn(folder).filter(({ name }) => values.only?.some((part) => name.includes(part)) ?? true)
if (fixtures.length === 0) {
  process.stderr.write(`There are no such fixtures in ${folder}; say where they are with --folder.\n`)
  process.exit(2)
}

const reports: FixtureReport[] = []
for (const [i, fixture] of fixtures.entries()) {
  process.stderr.write(`${i + 1}/${fixtures.length} ${fixture.name} …\n`)
  const report = await checkFixture(fixture)
  for (const problem of report.problems) process.stderr.write(`  wrong: ${problem}\n`)
  reports.push(report)
}
const { version } = await nodeRuntime().diagnose()
const page = coveragePage(reports, { date: new Date().toISOString().slice(0, 10), runtime: version })
if (values.only === undefined && values.folder === undefined) {
  await writeWhole(fileURLToPath(new URL('../../../docs/coverage.md', import.meta.url)), page)
  process.stderr.write('\nThe table is in docs/coverage.md.\n')
} else {
  process.stdout.write(page)
}
if (reports.some(({ problems }) => problems.length > 0)) process.exitCode = 1
