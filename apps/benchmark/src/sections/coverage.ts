import { type Arrangement, arrangements as arrangementNames } from '@tp/compare'
import { decoderNames } from 'exported-decoders'
import { fixturesFolder, fixturesIn } from 'exported-encoders'
import { type Changed, changeNames, checkArrangements } from '../coverage/arrangements.ts'
import { checkFixture, type FixtureReport } from '../coverage/check.ts'
import { checkDecoderArrangements, decoderChangeNames } from '../coverage/decoder-arrangements.ts'
import { formOf } from '../coverage/form.ts'
import type { GoldenRun } from '../coverage/goldens.ts'
import { limits } from '../files.ts'
import { differenceText } from '../report/numbers.ts'
import type { Report, ReportSection } from '../report/section.ts'
import { type Table, type TableColumns, tableOf } from '../report/table.ts'
import { fresh } from './fresh-exports.ts'

/** Prunes every exported encoder, in every way that has an answer to compare with. */
const encoders: ReportSection = {
  name: 'encoders',
  async run({ onProgress }) {
    const fixtures = fixturesIn(fixturesFolder).slice(0, limits.examples)
    const reports: FixtureReport[] = []
    for (const fixture of fixtures) {
      onProgress(fixture.name)
      reports.push(await checkFixture(fixture))
    }
    const pruned = reports.filter(({ sites }) => sites !== undefined)
    const refused = reports.filter(({ refusal }) => refusal !== undefined)
    const wrong = reports.flatMap(({ fixture, problems }) => problems.map((problem) => `${fixture.name}: ${problem}`))
    return {
      tables: [
        summaryTable(reports, pruned, refused),
        tableOf('Pruned', prunedColumns, pruned),
        restoredTable(pruned),
        siblingTable(pruned),
        tableOf('Refused', refusedColumns, refused),
      ],
      values: reports.map(({ fixture, ...report }) => ({ encoder: fixture.name, ...report })),
      wrong,
    }
  },
}

function summaryTable(
  all: readonly FixtureReport[],
  pruned: readonly FixtureReport[],
  refused: readonly FixtureReport[],
): Table {
  const goldens = pruned.flatMap(({ goldens = [] }) => goldens)
  const singles = pruned.flatMap(({ sibling, keepAll = 0 }) => (sibling === undefined ? [keepAll] : []))
  const right = all.filter(({ problems }) => problems.length === 0)
  const rows = [
    ['right', `${right.length} of ${all.length}`],
    ['pruned, refused', `${pruned.length}, ${refused.length}`],
    ['recorded runs equal', `${goldens.filter(isRight).length} of ${goldens.length}`],
    ['largest difference with every token kept, float32', differenceText(Math.max(0, ...singles))],
  ]
  return { caption: 'Exported encoders', headings: ['', 'value'], rows }
}

const mark = (isRight: boolean): string => (isRight ? '' : '**wrong**')

const about = {
  encoder: ({ fixture }) => fixture.name,
  architecture: ({ fixture }) => fixture.facts.architecture,
  form: ({ fixture }) => formOf(fixture.facts),
} satisfies TableColumns<FixtureReport>

const prunedColumns: TableColumns<FixtureReport> = {
  ...about,
  sites: ({ sites }) => `${sites}`,
  'all kept': ({ keepAll }) => differenceText(keepAll),
  'hidden dropped': ({ hidden }) => differenceText(hidden),
  'dropped like hidden': ({ hiddenKeys }) => differenceText(hiddenKeys),
  goldens: ({ goldens = [] }) => goldensText(goldens),
  '': ({ problems }) => mark(problems.length === 0),
}

const refusedColumns: TableColumns<FixtureReport> = {
  ...about,
  code: ({ refusal }) => `\`${refusal?.code}\``,
  reason: ({ refusal }) => refusal?.message ?? '',
  expected: ({ fixture: { facts } }) => facts.refusal ?? facts.refusalAcceptable ?? 'to be pruned',
  right: ({ fixture: { facts }, problems }) => (problems.length > 0 ? '**no**' : facts.prunable ? 'acceptable' : 'yes'),
}

function restoredTable(reports: readonly FixtureReport[]): Table {
  const rows = reports.flatMap(({ fixture, goldens = [] }) =>
    goldens.filter(({ restores }) => restores).map((run) => ({ fixture, run })),
  )
  return tableOf(
    'Restored',
    {
      encoder: ({ fixture }) => fixture.name,
      golden: ({ run }) => run.name,
      outputs: ({ run }) => run.outputs.join(', '),
      difference: ({ run }) => differenceText(run.difference),
      '': ({ run }) => mark(isRight(run)),
    },
    rows,
  )
}

function siblingTable(reports: readonly FixtureReport[]): Table {
  const rows = reports.flatMap(({ fixture, sibling }) => (sibling === undefined ? [] : [{ ...sibling, fixture }]))
  return tableOf(
    'Next to float32',
    {
      encoder: ({ fixture }) => fixture.name,
      dense: ({ dense }) => differenceText(dense),
      pruned: ({ pruned }) => differenceText(pruned),
      'rows with the same tokens': ({ same, rows }) => `${same}/${rows}`,
      'scores differ by': ({ scoreError }) => differenceText(scoreError),
      'gap where other tokens are kept': ({ same, rows, gap }) => (same === rows ? '' : differenceText(gap)),
    },
    rows,
  )
}

function isRight({ problem }: GoldenRun): boolean {
  return problem === undefined
}

/** `3/3, 5.8e-7` */
function goldensText(runs: readonly GoldenRun[]): string {
  if (runs.length === 0) return ''
  const right = runs.filter(isRight)
  const largest = right.length === 0 ? [] : [differenceText(Math.max(...right.map(({ difference }) => difference)))]
  return [`${right.length}/${runs.length}`, ...largest].join(', ')
}

/** Changes every encoder and decoder in several ways, and compares it with what it was: alone, in a batch, padded on either side. */
const arranged: ReportSection = {
  name: 'arrangements',
  async run({ onProgress }) {
    const encoders: (readonly [string, readonly Changed[]])[] = []
    for (const fixture of fixturesIn(fixturesFolder).slice(0, limits.examples)) {
      onProgress(fixture.name)
      encoders.push([fixture.name, await checkArrangements(fixture)])
    }
    const decoders: (readonly [string, readonly Changed<string>[]])[] = []
    for (const name of decoderNames) {
      onProgress(name)
      decoders.push([name, await checkDecoderArrangements(name)])
    }
    const all = [...encoders, ...decoders]
    const compared = all.flatMap(([, changes]) => changes.filter(({ arrangements }) => arrangements !== undefined))
    const wrong = all.flatMap(([name, changes]) =>
      changes.flatMap(({ change, wrong: problem }) =>
        problem === undefined ? [] : [`${name}, ${change}: ${problem}`],
      ),
    )
    return {
      tables: [
        {
          caption: `${compared.length} changed models compared with what they were, ${wrong.length} wrong`,
          headings: ['', 'models'],
          rows: arrangementNames.map((each) => [
            each,
            `${compared.filter(({ arrangements }) => arrangements?.includes(each)).length}`,
          ]),
        },
        changesTable('Encoders', changeNames, encoders),
        changesTable('Decoders', decoderChangeNames, decoders),
      ],
      values: Object.fromEntries(all),
      wrong,
    }
  },
}

function changesTable(
  caption: string,
  names: readonly string[],
  rows: readonly (readonly [string, readonly Changed<string>[]])[],
): Table {
  const cell = (changed: Changed<string> | undefined): string => {
    if (changed === undefined) return ''
    if (changed.wrong !== undefined) return '**wrong**'
    if (changed.refused !== undefined) return `\`${changed.refused}\``
    return `${differenceText(changed.difference)} ${(changed.arrangements ?? []).map((each) => letters[each]).join('')}`.trim()
  }
  return {
    caption,
    headings: ['model', ...names],
    rows: rows.map(([name, changes]) => [
      name,
      ...names.map((change) => cell(changes.find((changed) => changed.change === change))),
    ]),
  }
}

const letters: Readonly<Record<Arrangement, string>> = {
  alone: 'a',
  'in a batch': 'b',
  'padded right': 'r',
  'padded left': 'l',
}

export const coverage: Report = { name: 'coverage', page: 'docs/coverage.md', sections: [encoders, arranged, fresh] }
