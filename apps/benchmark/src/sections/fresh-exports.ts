import { TpError } from '@tp/core'
import { type FixtureFacts, fixturesIn } from 'exported-encoders'
import { checkFresh, type FreshReport } from '../coverage/fresh.ts'
import { limits, projectPath } from '../files.ts'
import { differenceText } from '../report/numbers.ts'
import type { ReportSection } from '../report/section.ts'
import { type Table, tableOf } from '../report/table.ts'

const FOLDER = 'reports/fresh-exports'

/** Exports that `tools/fresh-exports` has made just now, by exporters of the day; they are not part of the project. */
export const fresh: ReportSection = {
  name: 'fresh',
  async run({ onProgress }) {
    const fixtures = fixturesIn(projectPath(FOLDER)).slice(0, limits.examples)
    const [first] = fixtures
    if (first === undefined) {
      const advice = `python tools/fresh-exports/export.py ${FOLDER} makes them`
      throw new TpError('TP_FILE_NOT_FOUND', 'benchmark', `${FOLDER} has no exports; ${advice}`)
    }
    const reports: FreshReport[] = []
    for (const fixture of fixtures) {
      onProgress(fixture.name)
      reports.push(await checkFresh(fixture))
    }
    return {
      tables: [
        summaryTable(reports),
        prunedTable(reports),
        tableOf(
          'Refused, all exports of a model for the same reason',
          {
            model: ({ fixture }) => fixture.facts.architecture,
            code: ({ refusal }) => `\`${refusal?.code}\``,
            reason: ({ refusal }) => refusal?.message ?? '',
            '': ({ problems }) => (problems.length === 0 ? '' : '**wrong**'),
          },
          reports.filter(
            ({ fixture, refusal }, i) =>
              refusal !== undefined && !sameRefusal(reports.slice(0, i), fixture.facts, refusal.code),
          ),
        ),
      ],
      values: reports.map(({ fixture, ...report }) => ({ export: fixture.name, ...report })),
      wrong: reports.flatMap(({ fixture, problems }) => problems.map((problem) => `${fixture.name}: ${problem}`)),
    }
  },
}

function sameRefusal(earlier: readonly FreshReport[], { architecture }: FixtureFacts, code: string): boolean {
  return earlier.some(({ fixture, refusal }) => fixture.facts.architecture === architecture && refusal?.code === code)
}

function summaryTable(reports: readonly FreshReport[]): Table {
  const count = (fits: (report: FreshReport) => boolean): string => `${reports.filter(fits).length}`
  const largest = (of: (report: FreshReport) => number | undefined): string =>
    differenceText(Math.max(0, ...reports.flatMap((report) => of(report) ?? [])))
  return {
    caption: 'Fresh exports',
    headings: ['', 'value'],
    rows: [
      ['files, models', `${reports.length}, ${new Set(reports.map(({ fixture }) => fixture.facts.architecture)).size}`],
      ['pruned', count(({ keepAll }) => keepAll !== undefined)],
      ['refused', count(({ refusal }) => refusal !== undefined)],
      ['wrong', count(({ problems }) => problems.length > 0)],
      ['largest difference with every token kept', largest(({ keepAll }) => keepAll)],
      ['without dead tokens', largest(({ deadTokens }) => deadTokens)],
      ['dropped against hidden as keys', largest(({ hiddenKeys }) => hiddenKeys)],
      ['in a batch against alone', largest(({ alone }) => alone)],
    ],
  }
}

/** Models that are pruned, by what their heads read. */
function prunedTable(reports: readonly FreshReport[]): Table {
  const models = new Map<string, Set<string>>()
  for (const { fixture, reads } of reports) {
    if (reads === undefined) continue
    models.set(reads, (models.get(reads) ?? new Set()).add(fixture.facts.architecture))
  }
  return {
    caption: 'Pruned',
    headings: ['head reads', 'models'],
    rows: [...models].sort().map(([reads, names]) => [reads, [...names].join(', ')]),
  }
}
