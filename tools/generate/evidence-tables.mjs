import { intervalText } from './interval-text.mjs'
import { grouped, jsonLines } from './json-lines.mjs'
import { markdownTable } from './markdown-table.mjs'

/**
 * @typedef {{ estimate: number, low: number, high: number }} Interval
 * @typedef {Record<string, [number, number, number]>} Speeds by batch, each with its interval
 * @typedef {{ case: string, task: string, kind: string, setting: string, metric: string, loss?: Interval, expectedLoss?: Interval,
 *   speed: Speeds, speedPlain?: Speeds, date: string, machine: string, withoutVnni?: true, versions: string }} EvidenceRow a line of
 *   docs/results/evidence.jsonl (apps/benchmark/src/outside). `speed` is measured with the operators of packed files, `speedPlain` without
 */

/** @returns {readonly EvidenceRow[]} rows of both kinds of processor */
export function evidence() {
  return jsonLines('docs/results/evidence.jsonl')
}

/** Points that hardly matter. */
const SMALL = 0.5

/** Times as fast that a second measurement may show for the same file. */
const NOISE = 1.05

/** Batches of examples of similar length. */
const SORTED = '32 sorted'

const rivalNames = new Map([
  ['OpenVINO, 8 bits (NNCF)', 'OpenVINO int8'],
  ['onnxruntime quantize_dynamic, per channel', '`quantize_dynamic`'],
])

/** One case on one kind of processor: the plan to use, and the best rival. */
class Case {
  /** @param {readonly EvidenceRow[]} rows */
  constructor(rows) {
    const dense = rows.find(({ kind }) => kind === 'dense')
    const optimized = rows.find(({ kind }) => kind === 'optimized')
    const packed = rows.find(({ kind }) => kind.endsWith('packed'))
    /** A packed file that nothing has chosen, and that loses too much. */
    this.refused = optimized === undefined && (packed?.loss?.low ?? 0) > SMALL ? packed : undefined
    const plan = optimized ?? (this.refused === undefined ? packed : dense)
    if (plan === undefined) throw new Error(`evidence.jsonl: ${rows[0]?.case} has no plan`)
    this.plan = plan
    this.batch = `${Math.max(...Object.keys(plan.speed).map(Number).filter(Number.isInteger))}`
    this.rivals = rows.filter(({ kind }) => kind === 'rival')
    const most = Math.max(costOf(plan), 0) + SMALL
    /** Rivals that lose at most half a point more than the plan. */
    this.equals = this.rivals.filter((row) => costOf(row) <= most)
    /** The fastest of these, if it is faster than the published file. */
    this.rival = this.equals
      .filter(({ speed }) => speedAt(speed, this.batch) > NOISE)
      .toSorted((a, b) => speedAt(b.speed, this.batch) - speedAt(a.speed, this.batch))[0]
  }

  /** `classifier of long texts`, with model and suite. */
  get name() {
    const at = this.plan.case.lastIndexOf('x')
    const processor = this.plan.withoutVnni ? ', without VNNI' : ''
    return `${this.plan.task} (${this.plan.case.slice(0, at)}, ${this.plan.case.slice(at + 1)}${processor})`
  }

  /** One by one and in arrival order. @param {Speeds | undefined} speeds */
  arrival(speeds) {
    if (speeds === undefined) return '–'
    const at = (/** @type {string} */ batch) => speedAt(speeds, batch)
    const [one, large, small] = [at('1'), at(this.batch), at('8')]
    // One long example among short ones makes a batch of 32 that says little of others.
    const hasOutlier = large > 2 * small
    const where = this.batch === '32' ? '' : ` in batches of ${this.batch}`
    return `${times(one)}, ${times(large)}${where}${hasOutlier ? ` (of 8: ${times(small)})` : ''}`
  }

  /** @param {Speeds | undefined} speeds */
  sorted(speeds) {
    return speeds?.[SORTED] === undefined ? '–' : times(speedAt(speeds, SORTED))
  }

  /** All three. @param {Speeds | undefined} speeds */
  all(speeds) {
    return speeds === undefined
      ? '–'
      : [this.arrival(speeds), ...(SORTED in speeds ? [this.sorted(speeds)] : [])].join(', ')
  }

  get rivalName() {
    if (this.rival !== undefined)
      return rivalNames.get(this.rival.setting.replace(', weights of 7 bits', '')) ?? this.rival.setting
    return this.rivals.length === 0 ? 'not measured' : 'none is faster'
  }

  /** Speed over the fastest alternative: a rival that loses about as little, or the published file. @param {string} batch */
  lead(batch) {
    return times(
      speedAt(this.plan.speed, batch) / Math.max(1, ...this.equals.map(({ speed }) => speedAt(speed, batch))),
    )
  }
}

/** Cases in the order of the file. @param {readonly EvidenceRow[]} rows @param {{ withoutVnni?: boolean }} [options] @returns {Case[]} */
function casesOf(rows, { withoutVnni = false } = {}) {
  const own = rows.filter((row) => (row.withoutVnni ?? false) === withoutVnni)
  return [...grouped(own, (row) => row.case).values()].map((rows) => new Case(rows))
}

/** Those with VNNI, then cases that were measured without it only. @param {readonly EvidenceRow[]} rows */
function mainCases(rows) {
  const main = casesOf(rows)
  const names = new Set(main.map(({ plan }) => plan.case))
  return [...main, ...casesOf(rows, { withoutVnni: true }).filter(({ plan }) => !names.has(plan.case))]
}

/** A few cases, for the first page. @param {readonly EvidenceRow[]} rows @param {readonly string[]} cases */
export function expectTable(rows, cases) {
  const headings = [
    'model',
    '`tp optimize` chose',
    'any onnxruntime',
    'with the operators',
    'sorted by length',
    'points lost',
    'best rival',
  ]
  const lines = casesOf(rows)
    .filter(({ plan }) => cases.includes(plan.case))
    .map((own) => {
      const { plan, rival } = own
      const against = rival === undefined ? own.rivalName : `${own.rivalName}: ${own.all(rival.speed)}`
      return [
        own.name,
        planText(plan),
        own.arrival(plan.speedPlain),
        own.arrival(plan.speed),
        own.sorted(plan.speed),
        lossText(plan),
        against,
      ]
    })
  return markdownTable(headings, lines)
}

/** Every case. @param {readonly EvidenceRow[]} rows */
export function resultsTable(rows) {
  const headings = [
    'task',
    'plan',
    'any onnxruntime',
    'with the operators',
    'points lost (95 %)',
    'best rival: speed; points lost',
  ]
  const lines = mainCases(rows).map((own) => {
    const { plan, rival } = own
    const against =
      rival === undefined ? own.rivalName : `${own.rivalName}: ${own.all(rival.speed)}; ${lossText(rival)}`
    const plain = plan.kind === 'dense' ? '1×' : own.all(plan.speedPlain)
    return [
      own.name,
      planText(plan),
      plain,
      plan.kind === 'dense' ? '1×' : own.all(plan.speed),
      `${lossText(plan)} of ${plan.metric}`,
      against,
    ]
  })
  return markdownTable(headings, lines)
}

/** The cases of the other table on processors without VNNI. @param {readonly EvidenceRow[]} rows */
export function withoutVnniTable(rows) {
  const names = new Set(casesOf(rows).map(({ plan }) => plan.case))
  const lines = casesOf(rows, { withoutVnni: true })
    .filter(({ plan }) => names.has(plan.case))
    .map((own) => {
      const { plan, rival } = own
      const speeds = plan.kind === 'dense' ? ['1×', '1×'] : [own.all(plan.speedPlain), own.all(plan.speed)]
      const against = rival === undefined ? own.rivalName : `${own.rivalName}: ${own.all(rival.speed)}`
      return [plan.case.replace(/x(?=[^x]*$)/, ', '), planText(plan), ...speeds, lossText(plan), against]
    })
  return markdownTable(['model', 'plan', 'any onnxruntime', 'with the operators', 'points lost', 'best rival'], lines)
}

/** The ranges over all choices of `tp optimize`. @param {readonly EvidenceRow[]} rows */
export function answerSentence(rows) {
  const chosen = casesOf(rows).filter(({ plan }) => plan.kind === 'optimized')
  const between = (/** @type {string} */ batch) => {
    const speeds = chosen.flatMap(({ plan }) => (batch in plan.speed ? [speedAt(plan.speed, batch)] : []))
    return `${Math.min(...speeds).toFixed(1)} to ${Math.max(...speeds).toFixed(1)}`
  }
  const most = Math.max(...chosen.map(({ plan }) => plan.loss?.estimate ?? 0))
  return (
    `**In ${chosen.length} cases, each a model and a public test set, \`tp optimize\` made the model ${between('1')} times as fast one by one, ` +
    `${between('8')} times in batches of 8, and ${between(SORTED)} times in batches of 32 sorted by length. It lost at most ${most.toFixed(1)} points.**`
  )
}

/** For each case a sentence of judgment and its picture. @param {readonly EvidenceRow[]} rows */
export function judgments(rows) {
  return mainCases(rows)
    .map((own) => {
      const { task, case: name } = own.plan
      const image = `![Loss against speed, ${name}](results/outside-${name}.svg)`
      return `**${task.charAt(0).toUpperCase()}${task.slice(1)}.** ${judgmentOf(own)}\n\n${image}`
    })
    .join('\n\n')
}

/** @param {Case} own */
function judgmentOf(own) {
  const { plan, refused, batch, rivals } = own
  if (refused !== undefined) return `Use the file as published: packed, it loses ${lossText(refused)} points.`
  const subject = plan.kind === 'optimized' ? '`tp optimize`' : '`tp pack`'
  const sorted = SORTED in plan.speed ? `, ${own.lead(SORTED)} sorted` : ''
  const others = rivals.length === 0 ? 'the published file (no rival was measured)' : 'the best alternative'
  return `${subject}: ${own.lead(batch)} ${others} in batches of ${batch}${sorted}, ${own.lead('1')} one by one.`
}

/** Where and when the rows were measured. @param {readonly EvidenceRow[]} rows */
export function machinesText(rows) {
  const parts = grouped(rows, ({ machine, withoutVnni }) => `${machine}, ${withoutVnni ? 'without' : 'with'} VNNI`)
  return [...parts]
    .map(([machine, own]) => {
      const dates = own.map(({ date }) => date).toSorted()
      const versions = [...new Set(own.flatMap((row) => row.versions.split(/[,;] /)))]
      return `- ${machine}, ${dates[0]} to ${dates.at(-1)}: ${versions.join(', ')}.`
    })
    .join('\n')
}

/** Of classes by the published model's own probabilities, which say more than a few hundred labels. @param {EvidenceRow} row */
function costOf({ loss, expectedLoss }) {
  return (expectedLoss ?? loss)?.estimate ?? 0
}

/** @param {Speeds} speeds @param {string} batch */
function speedAt(speeds, batch) {
  return speeds[batch]?.[0] ?? 1
}

/** @param {number} speed */
function times(speed) {
  return `${speed.toFixed(1)}×`
}

/** `in layer 6`, `in layers 4 and 8, 8 bits`. @param {EvidenceRow} row */
function planText({ setting }) {
  const plan = setting.replace(/^tp optimize: /, '').replace(' (weights of 7)', '')
  return plan.replaceAll(/ layers? (\d+(?:, \d+(?=,|$))*)(?![–\d])/g, (_, listed) => {
    const layers = listed.split(', ')
    return layers.length === 1 ? ` layer ${listed}` : ` layers ${layers.slice(0, -1).join(', ')} and ${layers.at(-1)}`
  })
}

/** @param {EvidenceRow} row */
function lossText({ loss }) {
  return loss === undefined ? '0' : intervalText(loss)
}
