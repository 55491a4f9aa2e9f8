import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../check/workspace.mjs'
import { intervalText } from './interval-text.mjs'
import { measuredRows } from './json-lines.mjs'
import { markdownTable } from './markdown-table.mjs'

/**
 * @typedef {{ estimate: number, low: number, high: number }} Interval
 * @typedef {{ case: string, task: string, kind: string, setting: string, n: number, of: string, metric: string, quality: Interval,
 *   loss?: Interval, expectedLoss?: Interval, changed?: Interval, similarity?: number,
 *   ranking?: { mrr: Interval, mrrLoss: Interval, rankCorrelation: Interval, top10: Interval },
 *   speed: Record<string, [number, number, number]>, twoThreads?: Record<string, [number, number, number]>, bytes: number, memory?: number, seconds?: number, date: string, commit: string,
 *   machine: string, withoutVnni?: true, versions: string, command: string }} EvidenceRow a line of docs/results/evidence.jsonl (apps/benchmark/src/outside)
 */

const FILE = 'docs/results/evidence.jsonl'

/** @param {{ withoutVnni?: boolean }} [processor] @returns {readonly EvidenceRow[]} */
export function evidence(processor) {
  return measuredRows(FILE, processor)
}

/** The rows of every case: those with VNNI, or without where a case has no others. @returns {readonly EvidenceRow[]} */
export function evidenceOfAllCases() {
  const rows = evidence()
  const cases = new Set(rows.map((row) => row.case))
  return [...rows, ...evidence({ withoutVnni: true }).filter((row) => !cases.has(row.case))]
}

/** Rows by case, in the order of the file. @param {readonly EvidenceRow[]} rows */
function byCase(rows) {
  /** @type {Map<string, EvidenceRow[]>} */
  const cases = new Map()
  for (const row of rows) cases.set(row.case, [...(cases.get(row.case) ?? []), row])
  return [...cases.values()]
}

/**
 * The plan that one command yields, for each model and suite, next to the fastest of the others' ways that loses no more than is allowed.
 * @param {readonly EvidenceRow[]} rows
 * @param {string} page link to docs/results/outside.md from the page that the table is for
 * @param {{ cases?: readonly string[] }} [options] cases: only these; default all
 */
export function expectTable(rows, page, { cases } = {}) {
  const lines = byCase(rows).flatMap((own) => {
    const chosen = adviceOf(own)
    if (chosen?.kind !== 'optimized' || cases?.includes(chosen.case) === false) return []
    const rival = bestRival(own, chosen)
    const batch = largestBatch(chosen)
    return [
      [
        `${linked(chosen.task, `${page}${anchorOf(chosen)}`)} (${namesOf(chosen).join(', ')})`,
        plainSetting(chosen),
        `${times(chosen, '1')}, ${times(chosen, batch)}${batch === USUAL_BATCH ? '' : ` in batches of ${batch}`}`,
        `${lossText(chosen)} of ${chosen.metric}`,
        rival === undefined
          ? noRival(own, 'none is faster', 'not measured')
          : `${rival.setting}: ${times(rival, '1')}, ${times(rival, batch)}; ${lossText(rival)}`,
      ],
    ]
  })
  if (lines.length === 0) return 'Nothing has been measured yet: `npm run benchmark -- outside` does.'
  const headings = [
    'model',
    '`tp optimize` chose',
    `times as fast: one by one, in batches of ${USUAL_BATCH}`,
    'points lost (95 %)',
    'the same for the best rival',
  ]
  return markdownTable(headings, lines)
}

/** The same on processors without VNNI, on the page that has all of the others' rows. @param {readonly EvidenceRow[]} rows */
export function withoutVnniTable(rows) {
  const [first] = rows
  if (first === undefined) return expectTable(rows, '')
  const dates = [...new Set(rows.map(({ date }) => date))].join(', ')
  return `${expectTable(rows, '')}\n\n*Measured ${dates} by \`npm run benchmark -- outside --install\`: ${first.machine}${processorText(first)}, ${first.versions}.*`
}

/** All cases in a sentence. @param {readonly EvidenceRow[]} rows */
export function answerSentence(rows) {
  const found = byCase(rows).flatMap((own) => own.filter(({ kind }) => kind === 'optimized').slice(0, 1))
  if (found.length === 0) return 'Nothing has been measured yet.'
  const between = (/** @type {number[]} */ numbers) =>
    `${Math.min(...numbers).toFixed(1)} to ${Math.max(...numbers).toFixed(1)}`
  const alone = found.map((row) => speedAt(row, '1'))
  const batched = found.map((row) => speedAt(row, largestBatch(row)))
  const losses = found.map(({ loss }) => loss?.estimate ?? 0)
  return (
    `**In ${found.length} cases of a model and public test data, \`tp optimize\` made the model ${between(alone)} times as fast one by one, and ` +
    `${between(batched)} times in batches. It lost at most ${Math.max(...losses).toFixed(1)} points.**`
  )
}

/** Points that nobody minds. */
const SMALL = 0.5

/** Examples in the batches that most cases are timed in; images take fewer. */
const USUAL_BATCH = '32'

/** For each case, what to use and what it costs, before all tables. @param {readonly EvidenceRow[]} rows */
export function answersList(rows) {
  const items = byCase(rows).flatMap((own) => {
    const chosen = adviceOf(own)
    if (chosen === undefined) return []
    const [name, suite] = namesOf(chosen)
    if (chosen.kind !== 'optimized' && (chosen.loss?.low ?? 0) > SMALL) {
      return [
        `- **${capital(chosen.task)}** (${name}, ${suite}${processorText(chosen)}): use the file **as published**. The setting *${plainSetting(chosen)}* makes it ${speedText(chosen)}, ` +
          `but loses ${lossText(chosen)} points of ${chosen.metric}. ${rivalsText(own, own.find(({ kind }) => kind === 'dense') ?? chosen, 'the published file is')}`,
      ]
    }
    const how = chosen.kind === 'optimized' ? 'the choice of `tp optimize`' : 'which needs no choice'
    return [
      `- **${capital(chosen.task)}** (${name}, ${suite}${processorText(chosen)}): use **${plainSetting(chosen)}**, ${how}. It is ${speedText(chosen)}, ` +
        `and loses ${lossText(chosen)} points of ${chosen.metric}. ${rivalsText(own, chosen)}`,
    ]
  })
  return items.length === 0 ? 'Nothing has been measured yet.' : items.join('\n')
}

/** The row that is advised: the choice of one command, or for models that it says nothing of, the file without padding. @param {readonly EvidenceRow[]} own */
function adviceOf(own) {
  return own.find(({ kind }) => kind === 'optimized') ?? own.find(({ kind }) => kind.endsWith('packed'))
}

/** How fast that is next to the best rivals of no greater loss, in batches and one by one. @param {readonly EvidenceRow[]} own @param {EvidenceRow} chosen @param {string} [subject] */
function rivalsText(own, chosen, subject = 'it is') {
  if (!own.some(({ kind }) => kind === 'rival')) return 'Rivals have not been measured.'
  const batches = [...new Set([largestBatch(chosen), '1'])]
  const found = batches.flatMap((batch) => {
    const rival = bestRival(own, chosen, batch)
    return rival === undefined ? [] : [{ batch, rival, ratio: speedAt(chosen, batch) / speedAt(rival, batch) }]
  })
  if (found.length === 0) return 'No rival that loses as little is faster than the published file.'
  const parts = found.map(({ batch, rival, ratio }, i) => {
    const where = batch === '1' ? 'one by one' : `in batches of ${batch}`
    const speed = `**${ratio.toFixed(1)} times as fast**`
    const text =
      i === 0
        ? `${capital(where)} ${subject} ${speed} as the best rival that loses about as little`
        : `${where} ${speed}`
    return `${text} (${rival.setting}: ${lossText(rival)})`
  })
  return `${parts.join('; ')}.`
}

/** All rows of each case, with its plot. @param {readonly EvidenceRow[]} rows */
export function outsideTables(rows) {
  return byCase(rows)
    .map((own) => {
      const [first] = own
      if (first === undefined) return ''
      const batches = Object.keys(first.speed)
      const clocked = Object.keys(own.find(({ twoThreads }) => twoThreads)?.twoThreads ?? {})
      const isRanking = first.ranking !== undefined
      const headings = [
        'setting',
        first.metric,
        'loss in points',
        ...(own.some(({ expectedLoss }) => expectedLoss) ? ['expected loss', 'answers changed'] : []),
        ...(isRanking ? ['MRR', 'loss of MRR', 'rank correlation', 'of the first ten'] : []),
        ...(own.some(({ similarity }) => similarity !== undefined) ? ['nearness'] : []),
        ...batches.map((batch) => `× at ${batch}`),
        ...clocked.map((batch) => `two threads, × at ${batch}`),
        'MB',
        'MB in memory',
      ]
      const lines = own.map((row) => [
        row.kind === 'optimized' ? `**${settingText(row)}**` : settingText(row),
        row.quality.estimate.toFixed(1),
        row.loss === undefined ? '' : lossText(row),
        ...(headings.includes('expected loss')
          ? [
              row.expectedLoss ? intervalText(row.expectedLoss) : '',
              row.changed ? `${row.changed.estimate.toFixed(1)} %` : '',
            ]
          : []),
        ...(isRanking ? rankingCells(row) : []),
        ...(headings.includes('nearness') ? [row.similarity?.toFixed(3) ?? ''] : []),
        ...batches.map((batch) => factors(row.speed[batch])),
        ...clocked.map((batch) => factors(row.twoThreads?.[batch])),
        (row.bytes / 1e6).toFixed(0),
        row.memory === undefined ? '' : (row.memory / 1e6).toFixed(0),
      ])
      const [name, suite] = namesOf(first)
      const plot = `outside-${first.case}.svg`
      const image = existsSync(join(root, 'docs/results', plot))
        ? `![Points lost against times as fast, for each setting of ${name} on ${suite}](${plot})\n\n`
        : ''
      return (
        `## ${name} on ${suite}\n\n${capital(first.task)}; ${first.n.toLocaleString('en-US')} ${first.of} that no choice has seen.\n\n` +
        `${image}${markdownTable(headings, lines)}\n\n*${sourceText(own)}*`
      )
    })
    .join('\n\n')
}

/** Rows of the rerankers alone. @param {readonly EvidenceRow[]} rows */
export function rerankersTable(rows) {
  const lines = byCase(rows)
    .filter(([first]) => first?.ranking !== undefined)
    .flatMap((own) =>
      own.map((row, i) => [
        i === 0 ? namesOf(row)[1] : '',
        settingText(row),
        row.quality.estimate.toFixed(1),
        row.loss === undefined ? '' : lossText(row),
        ...rankingCells(row),
        factors(row.speed[largestBatch(row)]),
      ]),
    )
  if (lines.length === 0) return 'Nothing has been measured yet.'
  const headings = [
    'suite',
    'setting',
    'nDCG@10',
    'loss',
    'MRR',
    'loss of MRR',
    'rank correlation',
    'of the first ten',
    'times as fast',
  ]
  return markdownTable(headings, lines)
}

/** @param {EvidenceRow} row */
function rankingCells({ ranking, kind }) {
  if (ranking === undefined) return ['', '', '', '']
  const { mrr, mrrLoss, rankCorrelation, top10 } = ranking
  const isDense = kind === 'dense'
  return [
    mrr.estimate.toFixed(1),
    isDense ? '' : intervalText(mrrLoss),
    isDense ? '' : rankCorrelation.estimate.toFixed(3),
    isDense ? '' : `${(100 * top10.estimate).toFixed(0)} %`,
  ]
}

/** @param {readonly EvidenceRow[]} rows @param {string} slower @param {string} missing */
function noRival(rows, slower, missing) {
  return rows.some(({ kind }) => kind === 'rival') ? slower : missing
}

/** The fastest rival that is faster than the published file, and is expected to lose no more than half a point more than what was chosen. @param {readonly EvidenceRow[]} rows @param {EvidenceRow} chosen @param {string} [batch] */
function bestRival(rows, chosen, batch = largestBatch(chosen)) {
  const most = Math.max(costOf(chosen), 0) + SMALL
  return rows
    .filter((row) => row.kind === 'rival' && costOf(row) <= most && speedAt(row, batch) > 1)
    .toSorted((a, b) => speedAt(b, batch) - speedAt(a, batch))[0]
}

/** Points lost: of classes by the published model's own probabilities, since a few hundred labels say less. @param {EvidenceRow} row */
function costOf({ loss, expectedLoss }) {
  return (expectedLoss ?? loss)?.estimate ?? 0
}

/** @param {EvidenceRow} row */
function largestBatch({ speed }) {
  const sizes = Object.keys(speed).filter((batch) => /^\d+$/.test(batch))
  return `${Math.max(...sizes.map(Number))}`
}

/** @param {EvidenceRow} row @param {string} batch */
function speedAt({ speed }, batch) {
  return speed[batch]?.[0] ?? 1
}

/** One by one and in the largest batches as they come. @param {EvidenceRow} row */
function speedText(row) {
  const batch = largestBatch(row)
  return `${speedAt(row, '1').toFixed(1)} times as fast one by one and ${speedAt(row, batch).toFixed(1)} times in batches of ${batch}`
}

/** @param {EvidenceRow} row @param {string} batch */
function times(row, batch) {
  return `${speedAt(row, batch).toFixed(1)}×`
}

/** @param {EvidenceRow} row */
function plainSetting(row) {
  return settingText(row).replace(/^tp optimize: /, '')
}

/** A setting as it is read: `in layer 6`, `in layers 4 and 8, 8 bits`. In a row it is a name, of the row's file, too. @param {EvidenceRow} row */
function settingText({ setting }) {
  return setting.replaceAll(/ layers? (\d+(?:, \d+(?=,|$))*)(?![–\d])/g, (_, listed) => {
    const layers = listed.split(', ')
    return layers.length === 1 ? ` layer ${listed}` : ` layers ${layers.slice(0, -1).join(', ')} and ${layers.at(-1)}`
  })
}

/** @param {EvidenceRow} row @returns {[string, string]} model and suite */
function namesOf(row) {
  const at = row.case.lastIndexOf('x')
  return [row.case.slice(0, at), row.case.slice(at + 1)]
}

/** The link to a heading of `outsideTables`; none for names with dots, which sites and GitHub write in different ways. @param {EvidenceRow} row */
function anchorOf(row) {
  const [name, suite] = namesOf(row)
  return row.case.includes('.') ? '' : `#${name} on ${suite}`.toLowerCase().replaceAll(' ', '-')
}

/** @param {string} text @param {string} target */
function linked(text, target) {
  return target === '' ? text : `[${text}](${target})`
}

/** @param {EvidenceRow} row */
function lossText({ loss }) {
  return loss === undefined ? '0' : intervalText(loss)
}

/** @param {[number, number, number] | undefined} speed */
function factors(speed) {
  if (speed === undefined) return ''
  const [value, low, high] = speed
  return value === 1 && low === high ? '1' : `${value.toFixed(2)} (${low.toFixed(2)} … ${high.toFixed(2)})`
}

/** Where numbers come from. @param {readonly EvidenceRow[]} rows */
function sourceText(rows) {
  const [first] = rows
  if (first === undefined) return ''
  const dates = [...new Set(rows.map(({ date }) => date))].join(', ')
  const versions = [...new Set(rows.map((row) => row.versions))].join('; ')
  const commits = [...new Set(rows.map(({ commit }) => commit))].join(', ')
  return `Measured ${dates} by \`npm run benchmark -- outside --only ${first.case}\`: ${first.machine}${processorText(first)}, ${versions}, at ${commits}.`
}

/** @param {EvidenceRow} row */
function processorText({ withoutVnni }) {
  return withoutVnni ? ', without VNNI' : ''
}

/** @param {string} text */
function capital(text) {
  return `${text[0]?.toUpperCase()}${text.slice(1)}`
}
