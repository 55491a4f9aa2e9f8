import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { root } from '../workspace.mjs'

/**
 * Files of a reader, by the names that command lines print: small models and a few examples, so that what is printed can be run.
 * @typedef {'texts' | 'images'} Kind
 */

/** The kind of data of a command line, where not texts. @param {readonly string[]} args @returns {Kind} */
export function kindOf(args) {
  return args.some((arg) => /^(?:other-)?images$/.test(arg)) ? 'images' : 'texts'
}

/**
 * @param {string} folder made by this
 * @param {Kind} kind
 */
export async function putStandIns(folder, kind) {
  mkdirSync(folder, { recursive: true })
  const name = kind === 'texts' ? 'mail' : 'digits-vit'
  for (const file of kind === 'texts' ? ['model.onnx', 'config.json', 'tokenizer.json'] : ['model.onnx']) {
    copyFileSync(join(root, 'packages/models', name, file), join(folder, file))
  }
  if (kind === 'texts') await putTexts(folder)
  else
    ['images', 'other-images'].forEach((name, i) => {
      putImages(join(folder, name), 40 * i)
    })
}

/** Of calibration data the confidence that a command asks for needs many. */
const rows = { texts: 100, others: 72, examples: 100, train: 72, dev: 72, test: 72, calibration: 1000, a: 72, b: 72 }

/** Tables of texts that differ from one another, a decoder, and an encoder of speech. @param {string} folder */
async function putTexts(folder) {
  for (const [table, [name, count]] of Object.entries(rows).entries()) {
    const lines = Array.from({ length: count }, (_, i) => mail(table, i))
    writeFileSync(join(folder, `${name}.tsv`), lines.map((line) => `${line.label}\t${line.text}\n`).join(''))
    writeFileSync(join(folder, `${name}.txt`), lines.map(({ text }) => `${text}\n`).join(''))
  }
  const lines = Array.from({ length: 8 }, (_, i) => `${JSON.stringify(mail(-1, i))}\n`)
  writeFileSync(join(folder, 'reviews.jsonl'), lines.join(''))
  copyFileSync(join(root, 'tools/exported-decoders/models/llama.onnx'), join(folder, 'decoder.onnx'))
  const { speechEncoder } = await import(`${root}/tools/exported-encoders/dist/index.js`)
  const { encodeModel } = await import(`${root}/packages/onnx/dist/index.js`)
  writeFileSync(join(folder, 'encoder_model.onnx'), encodeModel(speechEncoder({ reads: 'frames' })))
}

/** @param {number} table @param {number} i */
function mail(table, i) {
  const isSpam = i % 2 === 1
  const about = `number ${table} of ${i}`
  const text = isSpam
    ? `You have won cash, ${about}; click here now to claim your prize before it is gone for good`
    : `See you at the meeting on Monday, ${about}; I bring the slides and the numbers of last month`
  return { label: isSpam ? 'spam' : 'ham', text }
}

/** Gray images of every class that the model knows, by label. @param {string} folder @param {number} seed */
function putImages(folder, seed) {
  for (let label = 0; label < 10; label += 1) {
    mkdirSync(join(folder, `${label}`), { recursive: true })
    for (let i = 0; i < 10; i += 1) {
      const gray = (/** @type {number} */ x, /** @type {number} */ y) =>
        (x * (10 * label + i + 1) + y * (seed + label) + seed) % 256
      writeFileSync(join(folder, `${label}`, `${i}.png`), png(8, gray))
    }
  }
}

/** @param {number} size @param {(x: number, y: number) => number} gray */
function png(size, gray) {
  const rows = Buffer.alloc(size * (size + 1))
  for (let y = 0; y < size; y += 1) for (let x = 0; x < size; x += 1) rows[y * (size + 1) + x + 1] = gray(x, y)
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header[8] = 8
  const parts = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts])
}

/** @param {string} type @param {Buffer} data */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}
