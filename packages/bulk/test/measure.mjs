// Rows per second of a run, compared with a plain loop over onnxruntime-node and with padded batches of 32, all in turns in this
// process with one thread for the model; and what the engine takes besides tokenizing and computing.
//
//   node test/measure.mjs FOLDER DATA ROWS ROUNDS [MODEL…]
//
// FOLDER holds model.onnx, config.json and tokenizer.json, and any MODEL that is to be run as well; DATA is a table of texts.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runBulk } from '@tp/bulk'
import { pack, transform } from '@tp/compiler'
import { loadTokenizer, readModelFolder, readTexts } from '@tp/data'
import { textDataset, textInputs } from '@tp/data/inputs'
import { decodeModel, encodeModel } from '@tp/onnx'
import { InferenceSession, Tensor } from 'onnxruntime-node'

const [source, data, rowsText, roundsText, ...others] = process.argv.slice(2)
const [rows, rounds] = [Number(rowsText), Number(roundsText)]
const folder = mkdtempSync(join(tmpdir(), 'tp-measure-'))
for (const name of ['model.onnx', 'config.json', 'tokenizer.json', ...others])
  cpSync(join(source, name), join(folder, name))
const packed = transform(decodeModel(readFileSync(join(folder, 'model.onnx'))), pack())
writeFileSync(join(folder, 'packed.onnx'), encodeModel(packed.model))

const { examples } = await readTexts(data, {})
const texts = examples.filter((_, i) => i % Math.max(1, Math.floor(examples.length / rows)) === 0).slice(0, rows)
const own = texts.map((example) => String(example.read()))
writeFileSync(join(folder, 'texts.jsonl'), own.map((text, id) => `${JSON.stringify({ id, text })}\n`).join(''))

const known = await readModelFolder(join(folder, 'model.onnx'))
const tokenizer = await loadTokenizer(known.tokenizer)
const session = await InferenceSession.create(join(folder, 'model.onnx'), {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
})
const inputs = session.inputMetadata.map(({ name, type }) => ({ name, type, dims: ['batch', 'tokens'] }))

/** Tokenizes as many texts as a batch has, and runs them; nothing is read or written. */
async function loop(size) {
  for (let i = 0; i < own.length; i += size) {
    const batch = textDataset(
      'texts',
      own.slice(i, i + size).map((text) => ({ text, label: -1 })),
    )
    const prepared = await textInputs(batch, inputs, tokenizer, known)
    const feeds = await prepared.feeds(batch.examples.map((_, row) => row))
    await session.run(
      Object.fromEntries(
        Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]),
      ),
    )
  }
}

/** Only tokenizing in the loop above pauses for timers; without these a loop is as fast as one can be written. */
async function plainLoop() {
  for (const text of own) {
    const ids = BigInt64Array.from(tokenizer.encode(text, known.maxTokens ?? 512), BigInt)
    const of = { input_ids: ids, attention_mask: ids.map(() => 1n), token_type_ids: ids.map(() => 0n) }
    await session.run(
      Object.fromEntries(session.inputNames.map((name) => [name, new Tensor('int64', of[name], [1, ids.length])])),
    )
  }
}

const labels = {}
async function bulk(model, round) {
  const out = join(folder, `${model}-${round}.jsonl`)
  const stages = {}
  const start = performance.now()
  const onStage = (stage) => {
    stages[stage] = performance.now()
  }
  await runBulk({ model: join(folder, model), data: join(folder, 'texts.jsonl'), out, threads: 1, onStage })
  labels[model] = readFileSync(out, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).label)
  rmSync(out)
  return { computing: stages.writing - stages.computing, whole: performance.now() - start }
}

const ways = {
  'plain loop': plainLoop,
  'padded by 32': () => loop(32),
  'tp run, padded': (round) => bulk('model.onnx', round),
  'tp run, packed': (round) => bulk('packed.onnx', round),
  ...Object.fromEntries(others.map((name) => [`tp run, ${name}`, (round) => bulk(name, round)])),
}
const seconds = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
for (let round = 0; round < rounds; round++) {
  for (const [name, run] of Object.entries(ways)) {
    const start = performance.now()
    const result = await run(round)
    seconds[name].push((result?.computing ?? performance.now() - start) / 1000)
  }
}
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1]
const range = (values) => `${Math.min(...values).toFixed(2)} … ${Math.max(...values).toFixed(2)}`
console.log(`${own.length} texts of ${data}, ${rounds} rounds in turns; ratios of the same round`)
for (const [name, wall] of Object.entries(seconds)) {
  const against = (other) => seconds[other].map((value, i) => value / wall[i])
  console.log(
    `${name.padEnd(28)} ${(own.length / median(wall)).toFixed(0).padStart(6)} rows/s`,
    `  × plain ${median(against('plain loop')).toFixed(2)} (${range(against('plain loop'))})`,
    `  × by 32 ${median(against('padded by 32')).toFixed(2)} (${range(against('padded by 32'))})`,
  )
}
for (const name of ['packed.onnx', ...others]) {
  const same = labels[name].filter((label, i) => label === labels['model.onnx'][i]).length
  console.log(`${name}: ${same} of ${own.length} labels as model.onnx gives them`)
}
await session.release()
rmSync(folder, { recursive: true, force: true })
