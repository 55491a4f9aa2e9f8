import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { literalsOf, rowsOf } from './cuad-table.mjs'

/** Words of a passage, which are some 390 tokens of the model's vocabulary. */
const WORDS = 300
/** A clause of fewer words is a name or a date, which by itself says little. */
const SHORTEST = 6

/** The categories of CUAD that make up each class. @type {Readonly<Record<string, readonly string[]>>} */
const CLASSES = {
  assignment: ['Anti-Assignment'],
  audit: ['Audit Rights'],
  'governing law': ['Governing Law'],
  insurance: ['Insurance'],
  liability: ['Cap On Liability', 'Uncapped Liability'],
  license: [
    'License Grant',
    'Non-Transferable License',
    'Irrevocable Or Perpetual License',
    'Affiliate License-Licensor',
    'Affiliate License-Licensee',
    'Unlimited/All-You-Can-Eat-License',
  ],
  term: ['Expiration Date', 'Renewal Term'],
}

/**
 * @typedef {object} Clause
 * @property {string} kind
 * @property {number} start its first word in the contract
 * @property {number} end the word after its last
 */
/** @typedef {{ name: string, words: string[], clauses: Clause[] }} Contract */

/**
 * The contracts of CUAD's folder, with the clauses that its annotators marked in them.
 * @param {string} folder
 * @returns {Contract[]}
 */
export function readContracts(folder) {
  const texts = new Map(readdirSync(join(folder, 'full_contract_txt')).map((file) => [keyOf(file), file]))
  const [header = [], ...rows] = rowsOf(readFileSync(join(folder, 'master_clauses.csv'), 'utf8'))
  return rows.map((cells) => {
    const name = cells[0] ?? ''
    const file = texts.get(keyOf(name))
    if (file === undefined) throw new Error(`there is no text of ${name}`)
    const words = wordsOf(readFileSync(join(folder, 'full_contract_txt', file), 'utf8'))
    const clausesOf = (/** @type {readonly string[]} */ categories) =>
      categories.flatMap((category) =>
        literalsOf(cells[header.indexOf(category)] ?? '').flatMap((text) => text.split('<omitted>')),
      )
    const clauses = Object.entries(CLASSES).flatMap(([kind, categories]) =>
      merged(spansOf(words, clausesOf(categories))).map((span) => ({ kind, ...span })),
    )
    return { name, words, clauses }
  })
}

/**
 * By split, `[label, text]` of each passage; equal ones once.
 * @param {readonly Contract[]} contracts
 */
export function passagesBySplit(contracts) {
  /** @type {Record<string, [number, string][]>} */
  const passages = { train: [], dev: [], calibration: [], test: [] }
  const seen = new Set()
  for (const contract of contracts) {
    for (const passage of passagesOf(contract)) {
      if (seen.has(passage[1])) continue
      seen.add(passage[1])
      passages[splitOf(contract.name)]?.push(passage)
    }
  }
  return passages
}

/**
 * Of each clause one passage that has it whole (or is filled by it) and no clause of another class, at a place drawn by a hash;
 * none where there is no such place.
 * @param {Contract} contract
 * @returns {[label: number, text: string][]}
 */
function passagesOf({ name, words, clauses }) {
  const kinds = Object.keys(CLASSES)
  return clauses.flatMap(({ kind, start, end }) => {
    const latest = Math.max(0, words.length - WORDS)
    const first = Math.min(latest, Math.max(0, Math.min(start, end - WORDS)))
    const last = Math.min(latest, Math.max(0, start, end - WORDS))
    for (let attempt = 0; attempt < 16; attempt++) {
      const from = first + (hash(`${name} ${kind} ${start} ${attempt}`) % (last - first + 1))
      const hasOther = clauses.some((one) => one.kind !== kind && one.start < from + WORDS && one.end > from)
      if (!hasOther) return [[kinds.indexOf(kind), words.slice(from, from + WORDS).join(' ')]]
    }
    return []
  })
}

/**
 * By the company, which its file's name begins with: contracts of one company share their wording.
 * @param {string} name
 */
function splitOf(name) {
  const company = (name.split(/_| - /)[0] ?? '').toLowerCase().replace(/[^a-z]/g, '')
  const byte = hash(company.slice(0, 12)) % 256
  if (byte < 140) return 'train'
  if (byte < 160) return 'dev'
  return byte < 190 ? 'calibration' : 'test'
}

/** @param {string} text */
function hash(text) {
  return createHash('sha256').update(text, 'utf8').digest().readUInt32BE()
}

/** The table and the folder write some names differently. @param {string} name */
function keyOf(name) {
  return name
    .normalize('NFD')
    .toLowerCase()
    .replace(/\.(pdf|txt)\W*$/, '')
    .replace(/[^a-z0-9]/g, '')
}

/** @param {string} text */
function wordsOf(text) {
  return text.split(/\s+/).filter((word) => word !== '')
}

/**
 * The words of a contract in which clauses stand, each where it is found first.
 * @param {readonly string[]} words
 * @param {readonly string[]} clauses
 */
function spansOf(words, clauses) {
  const text = words.join(' ')
  return clauses.flatMap((clause) => {
    const own = wordsOf(clause)
    const at = own.length < SHORTEST ? -1 : text.indexOf(own.join(' '))
    if (at < 0) return []
    const start = text.slice(0, at).split(' ').length - 1
    return [{ start, end: start + own.length }]
  })
}

/** Overlapping spans as one. @param {readonly { start: number, end: number }[]} spans */
function merged(spans) {
  /** @type {{ start: number, end: number }[]} */
  const result = []
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1)
    if (last !== undefined && span.start <= last.end) last.end = Math.max(last.end, span.end)
    else result.push({ ...span })
  }
  return result
}
