import { differenceText } from '../report/numbers.ts'
import { type Columns, markdownTable, type Table, tableOf } from '../report/table.ts'
import type { FixtureReport } from './check.ts'
import { formOf } from './form.ts'
import type { GoldenRun } from './goldens.ts'

const intro = `Differences are the largest of any output, over the larger of 1 and the largest number of the output. Wrong is: a difference
over 1e-5 (golden 1e-4, half precision 5e-3), another kept token, a layer that was not found, a refusal where none is expected,
none where one is, or one for another reason.`

const legend = `\`all kept\`: difference to the dense run with every token kept by force at every site. \`hidden dropped\`: the same when exactly
the tokens that the mask hides, all over the row, are pruned at the first layer; it shows that positions travel with the tokens
(empty: no mask for each token, outputs for every token, or a quantised file). \`dropped like hidden\`: difference between a run in
which tokens are pruned at two layers, by a ratio or by attention mass, and a dense run in which these tokens are hidden, as keys,
from all later layers (empty: fused, quantised, or a head that reads more than the kept tokens). \`goldens\`: recorded runs with
tokens really removed or merged; those that are equal, and their largest difference.`

const restoreLegend = `Recorded runs in which pruned tokens are restored before the head: outputs for every token of the input.`

const siblingLegend = `Quantised and half-precision files have no recorded runs, and no fixture has the same weights in float32. So each is
compared with its own graph computed in float32: the same rounded weights, but no rounding of activations. \`dense\` is the
distance of the two dense runs, and \`pruned\` that of the two pruned runs with the same tokens kept; twice the former is allowed.
Where the two keep different tokens, the gap is how much float32 prefers its own; rounding explains up to twice what scores
differ by. After the first difference a row is not compared any further.`

export interface Surroundings {
  readonly date: string
  readonly runtime: string
}

/** The page docs/coverage.md. */
export function coveragePage(reports: readonly FixtureReport[], { date, runtime }: Surroundings): string {
  const pruned = reports.filter(({ sites }) => sites !== undefined)
  const refused = reports.filter(({ refusal }) => refusal !== undefined)
  const wrong = reports.filter(({ problems }) => problems.length > 0)
  const goldens = pruned.flatMap(({ goldens }) => goldens ?? [])
  return `${[
    '# Coverage',
    '<!-- written by `npm run benchmark -- coverage` -->',
    `**${reports.length - wrong.length} right of ${reports.length}** exported encoders, in a run with onnxruntime ${runtime} on ${date}.`,
    [
      `- ${pruned.length} are pruned, ${refused.length} refused.`,
      `- Recorded prunings and mergings: ${goldens.filter(isRight).length} of ${goldens.length} equal, kept tokens exactly.`,
      `- Largest difference with every token kept by force: ${differenceText(Math.max(0, ...singles(pruned)))} in float32.`,
    ].join('\n'),
    intro,
    ...(wrong.length === 0 ? [] : ['## Wrong', wrong.map(wrongLines).join('\n')]),
    '## Pruned',
    legend,
    markdownTable(tableOf('', prunedColumns, pruned)),
    '## Restored',
    restoreLegend,
    markdownTable(restoredTable(pruned)),
    '## Next to float32',
    siblingLegend,
    markdownTable(siblingTable(pruned)),
    '## Refused',
    markdownTable(tableOf('', refusedColumns, refused)),
  ].join('\n\n')}\n`
}

const mark = (isRight: boolean): string => (isRight ? '' : '**wrong**')

const about = {
  encoder: ({ fixture }) => fixture.name,
  architecture: ({ fixture }) => fixture.facts.architecture,
  form: ({ fixture }) => formOf(fixture.facts),
} satisfies Columns<FixtureReport>

const prunedColumns: Columns<FixtureReport> = {
  ...about,
  sites: ({ sites }) => `${sites}`,
  'all kept': ({ keepAll }) => differenceText(keepAll),
  'hidden dropped': ({ hidden }) => differenceText(hidden),
  'dropped like hidden': ({ hiddenKeys }) => differenceText(hiddenKeys),
  goldens: ({ goldens = [] }) => goldensText(goldens),
  '': ({ problems }) => mark(problems.length === 0),
}

const refusedColumns: Columns<FixtureReport> = {
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
  const columns: Columns<(typeof rows)[number]> = {
    encoder: ({ fixture }) => fixture.name,
    golden: ({ run }) => run.name,
    outputs: ({ run }) => run.outputs.join(', '),
    difference: ({ run }) => differenceText(run.difference),
    '': ({ run }) => mark(isRight(run)),
  }
  return tableOf('', columns, rows)
}

function siblingTable(reports: readonly FixtureReport[]): Table {
  const rows = reports.flatMap(({ fixture, sibling }) => (sibling === undefined ? [] : [{ ...sibling, fixture }]))
  const columns: Columns<(typeof rows)[number]> = {
    encoder: ({ fixture }) => fixture.name,
    dense: ({ dense }) => differenceText(dense),
    pruned: ({ pruned }) => differenceText(pruned),
    'rows with the same tokens': ({ same, rows }) => `${same}/${rows}`,
    'scores differ by': ({ scoreError }) => differenceText(scoreError),
    'gap where other tokens are kept': ({ same, rows, gap }) => (same === rows ? '' : differenceText(gap)),
  }
  return tableOf('', columns, rows)
}

function wrongLines({ fixture, problems }: FixtureReport): string {
  return problems.map((problem) => `- ${fixture.name}: ${problem.split('\n')[0]}`).join('\n')
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

/** Largest differences of files in float32. */
function singles(reports: readonly FixtureReport[]): number[] {
  return reports.flatMap(({ sibling, keepAll }) => (sibling === undefined && keepAll !== undefined ? [keepAll] : []))
}
