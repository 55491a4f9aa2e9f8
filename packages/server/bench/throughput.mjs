// Texts a second of the engine behind `tp serve` and of the policy of padded batches of at most 8, in the order of arrival, which
// text-embeddings-inference has on processors: same texts, same runtime, one thread, in turns. Clients each ask for one text at a time.
//
//   node bench/throughput.mjs mail|imdb|sst2|mix [CLIENTS] [TEXTS] [ROUNDS]
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pack, prune, quantize, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import { median } from '@tp/core/statistics'
import { loadTokenizer, readTextExamples } from '@tp/data'
import { tokenRows } from '@tp/data/inputs'
import { methods } from '@tp/method-attention'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nativeRuntime } from '@tp/runtime-native'
import { rowsOf, startEngine } from '@tp/server'
import { sharedFolder } from 'exported-encoders'

const [set = 'mail', ...numbers] = process.argv.slice(2)
const [clients = 64, count = 128, rounds = 3] = numbers.map(Number)
const isMail = set === 'mail'
const path = isMail ? modelPath('mail') : join(sharedFolder, 'models/minilm-sentiment/model.onnx')
const texts = (await textsOf(set)).slice(0, count)

const dense = decodeModel(readFileSync(path))
const balanced = methods.find(({ name }) => name === 'balanced').create()
const pruned = transform(dense, prune({ method: balanced, schedule: schedule(6, { keep: 0.7 }) })).model
const packed = (model) => transform(model, pack()).model
const int8 = transform(pruned, quantize()).model
const runtime = nativeRuntime()
const load = (model) => runtime.load(encodeModel(model), { threads: 1 })

const plain = await load(dense)
const engines = {
  'dense, padded by length': await startEngine({ sessions: [plain] }),
  'dense, packed': await startEngine({ sessions: [await load(packed(dense))], packed: true }),
  'pruned, packed': await startEngine({ sessions: [await load(packed(pruned))], packed: true }),
  'pruned, 8 bits, packed': await startEngine({ sessions: [await load(packed(int8))], packed: true }),
}
const { form } = engines['dense, padded by length']
const tokenizer = await loadTokenizer(join(path, '..', 'tokenizer.json'))
const tokens = tokenRows(plain.inputs, tokenizer, { maxTokens: 512 })
const rows = texts.map((text) => rowsOf(form, tokens.feeds([{ ids: Int32Array.from(tokenizer.encode(text, 512)) }])))
const lengths = rows.map(([row]) => row.tokens)
console.log(
  `${set}: ${texts.length} texts of ${median(lengths)} tokens (${Math.min(...lengths)} … ${Math.max(...lengths)}), ${clients} clients`,
)

const variants = {
  'dense, padded, at most 8': inOrder(plain),
  ...Object.fromEntries(Object.entries(engines).map(([name, { run }]) => [name, run])),
}
const rates = Object.fromEntries(Object.keys(variants).map((name) => [name, []]))
const slowest = Object.fromEntries(Object.keys(variants).map((name) => [name, []]))
const answers = {}
for (let round = 0; round < rounds; round++) {
  for (const [name, run] of Object.entries(variants)) {
    const { seconds, waits, classes } = await measure(run)
    answers[name] = classes
    rates[name].push(texts.length / seconds)
    slowest[name].push(waits[Math.floor(waits.length * 0.99)])
  }
}
const [first] = Object.keys(variants)
for (const name of Object.keys(variants)) {
  const ratios = rates[name].map((rate, i) => rate / rates[first][i])
  const spread = `${Math.min(...ratios).toFixed(2)} … ${Math.max(...ratios).toFixed(2)}`
  const same = answers[name].filter((answer, i) => answer === answers[first][i]).length / texts.length
  console.log(
    `${name.padEnd(26)} ${median(rates[name]).toFixed(1).padStart(7)} texts/s  ${median(ratios).toFixed(2)}x (${spread})  ` +
      `p99 ${median(slowest[name]).toFixed(0)} ms  same class ${(100 * same).toFixed(1)} %`,
  )
}
await Promise.all(Object.values(engines).map((engine) => engine.close()))

async function measure(run) {
  const waits = []
  const classes = []
  let next = 0
  const start = performance.now()
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < rows.length) {
        const i = next++
        const sent = performance.now()
        const [{ logits }] = await run(rows[i])
        waits.push(performance.now() - sent)
        classes[i] = Number(logits.data[1] > logits.data[0])
      }
    }),
  )
  return { seconds: (performance.now() - start) / 1000, waits: waits.sort((a, b) => a - b), classes }
}

/** The policy that is compared with: the first 8 that wait, padded to the longest of them. */
function inOrder(session) {
  const waiting = []
  let isRunning = false
  async function next() {
    if (isRunning || waiting.length === 0) return
    isRunning = true
    const batch = waiting.splice(0, 8)
    const length = Math.max(...batch.map(({ row }) => row.tokens))
    const feeds = Object.fromEntries(
      session.inputs.map(({ name }) => {
        const data = new BigInt64Array(batch.length * length)
        for (const [i, { row }] of batch.entries()) data.set(row.values[name].data, i * length)
        return [name, { type: 'int64', dims: [batch.length, length], data }]
      }),
    )
    const { logits } = await session.run(feeds)
    for (const [i, { resolve }] of batch.entries()) resolve([{ logits: { data: logits.data.slice(2 * i, 2 * i + 2) } }])
    isRunning = false
    next()
  }
  return ([row]) =>
    new Promise((resolve) => {
      waiting.push({ row, resolve })
      next()
    })
}

async function textsOf(name) {
  if (name === 'mail') return mailData('test').map(({ text }) => text)
  const read = async (file) => {
    const { examples } = await readTextExamples(join(sharedFolder, 'data', file), { limit: count })
    return Promise.all(examples.map((example) => example.read()))
  }
  const reviews = name === 'sst2' ? [] : await read('imdb/test.tsv')
  const sentences = name === 'imdb' ? [] : await read('sst2/dev.tsv')
  return Array.from({ length: count }, (_, i) => [reviews[i], sentences[i]].filter(Boolean)).flat()
}
