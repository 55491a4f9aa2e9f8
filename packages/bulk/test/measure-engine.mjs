// The engine's part of a shard's time, besides tokenizing and computing: planning, reading, writing, joining and the queue.
//
//   node test/measure-engine.mjs MODEL DATA ROWS [URL]
//
// DATA is a text file or a table; it is repeated up to ROWS rows, which become one shard. URL is that of a Valkey of one's own.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTexts } from '@tp/data'
import { writeWhole } from '@tp/data/files'
import { Queue, Worker } from 'bullmq'
import { readRows } from '../dist/input/read-rows.js'
import { readModelFiles } from '../dist/model/model-files.js'
import { openBulkModel } from '../dist/model/open-model.js'
import { outputFormats } from '../dist/output/output-formats.js'
import { folderStore } from '../dist/shards/folder-store.js'
import { planShards } from '../dist/shards/plan.js'
import { shardFiles } from '../dist/shards/shard-files.js'

const [path, data, rowsText, url] = process.argv.slice(2)
const rows = Number(rowsText)
const folder = mkdtempSync(join(tmpdir(), 'tp-engine-'))
const { examples } = await readTexts(data, {})
const lines = Array.from({ length: rows }, (_, id) =>
  JSON.stringify({ id, text: String(examples[id % examples.length].read()) }),
)
writeFileSync(join(folder, 'rows.jsonl'), `${lines.join('\n')}\n`)

const times = {}
async function timed(name, work) {
  const start = performance.now()
  const result = await work()
  times[name] = performance.now() - start
  return result
}

const files = await readModelFiles(path)
const runtime = files.isPacked ? 'native' : 'node'
const model = await openBulkModel(files, { runtime, threads: 1 })
const compute = { task: model.task, runtime, labels: files.folder.labels ?? null, maxTokens: null, batchTokens: 1024 }
const store = shardFiles(folderStore(join(folder, 'shards')), 'jsonl')
await store.store.prepare()
const plan = () => planShards(join(folder, 'rows.jsonl'), files.hash, compute, 'jsonl', { shardRows: rows })
const [shard] = (await timed('planning', plan)).shards
const read = await timed('reading', () => readRows(shard.spec.rows, shard.location))
const answers = await timed('tokenizing and computing', () => model.compute(read, 'rows', compute))
const ids = { name: 'id', kind: 'id', values: read.map(({ id }) => id) }
const bytes = await timed('encoding', () => outputFormats.jsonl.encode([ids, ...answers]))
await timed('committing', () => store.commit(shard.key, bytes))
const joined = outputFormats.jsonl.join([store.fileOf(shard)])
await timed('joining', () => writeWhole(join(folder, 'out.jsonl'), joined))
if (url !== undefined) await timed('the queue, of 100 shards one each', () => throughQueue(100))

/** Milliseconds of one job among many that do nothing. */
async function throughQueue(count) {
  const connection = { url, maxRetriesPerRequest: null }
  const queue = new Queue('measured', { connection })
  const opts = { removeOnComplete: true }
  const start = performance.now()
  await queue.addBulk(Array.from({ length: count }, () => ({ name: 'shard', data: { ...shard, model: path }, opts })))
  let left = count
  await new Promise((resolve) => {
    const worker = new Worker('measured', async () => {}, { connection, concurrency: 2 })
    worker.on('completed', () => --left === 0 && worker.close().then(resolve))
  })
  await queue.close()
  return performance.now() - start
}

const work = times['tokenizing and computing']
const isQueue = (name) => name.startsWith('the queue')
const own = Object.entries(times).filter(([name]) => name !== 'tokenizing and computing')
for (const [name, milliseconds] of Object.entries(times))
  console.log(`${name.padEnd(36)} ${(milliseconds / (isQueue(name) ? 100 : 1)).toFixed(1)} ms`)
const overhead = own.reduce((sum, [name, milliseconds]) => sum + milliseconds / (isQueue(name) ? 100 : 1), 0)
console.log(
  `${rows} rows, ${readFileSync(join(folder, 'out.jsonl')).length} bytes: the engine takes ${((100 * overhead) / work).toFixed(2)} % of the work`,
)
await model[Symbol.asyncDispose]()
rmSync(folder, { recursive: true, force: true })
