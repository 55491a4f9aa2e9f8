import { cpSync, existsSync, linkSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type Plan, quantize, transform, transformsOf } from '@tp/compiler'
import { baselines as methods } from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { loadTokenizer } from '@tp/data'
import { decodeModel, encodeModel } from '@tp/onnx'
import { readRunPlan } from '@tp/plans'
import { nodeRuntime } from '@tp/runtime-node'
import { parquetReadObjects } from 'hyparquet'
import { beforeAll, describe, expect, test } from 'vitest'
import { type BulkOptions, type BulkProgress, runBulk } from '../src/index.ts'
import { mailStates, mailTagger, modelFolder, packedMail, unsettledLabels, writeMails } from './small-models.ts'

const { at } = modelFolder()
const mails = writeMails(at('mails.jsonl'), 90)
const common = { model: at('model', 'model.onnx'), data: at('mails.jsonl'), threads: 1 }

const linesOf = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** A run that is ended when half of its shards are there; what then is in the folder. */
async function interrupted(options: BulkOptions): Promise<string[]> {
  const stop = new AbortController()
  const onProgress = ({ rows, total }: BulkProgress): void => {
    if (rows > total / 2) stop.abort(new Error('enough'))
  }
  await expect(runBulk({ ...options, onProgress, signal: stop.signal })).rejects.toMatchObject({ code: 'TP_ABORTED' })
  return readdirSync(`${options.out}.shards`)
}

describe('a run of a model whose graph does not say whether it gives logits', () => {
  const model = at('model', 'unsettled.onnx')
  beforeAll(() => writeFileSync(model, encodeModel(unsettledLabels())))
  const labeling = { ...common, model, task: 'multi-label', maxTokens: 32 } as const

  test('reads the answers of all shards in one form, however rows are divided', async () => {
    const [whole, divided] = [at('labels-whole.jsonl'), at('labels-divided.jsonl')]
    await runBulk({ ...labeling, out: whole })
    await runBulk({ ...labeling, out: divided, shardRows: 3 })
    expect(linesOf(divided)).toEqual(linesOf(whole))
    // As logits: their probabilities are at least one half.
    expect(
      linesOf(whole)
        .flatMap(({ scores }) => scores as number[])
        .every((score) => score >= 0.5),
    ).toBe(true)
  })
})

describe('a run', () => {
  test('names the row whose text has more tokens than the model runs', async () => {
    const data = at('long.jsonl')
    const texts = ['short', 'word '.repeat(700), 'short too']
    writeFileSync(data, texts.map((text) => `${JSON.stringify({ text })}\n`).join(''))
    await expect(runBulk({ ...common, data, out: at('long-labels.jsonl'), maxTokens: 600 })).rejects.toMatchObject({
      code: 'TP_TOO_LONG',
      message: expect.stringContaining(
        `the text of row 1 (from 0) of ${data} has 600 tokens, and the model runs 512 at most; ` +
          'texts are cut at 600 tokens; give 512 or fewer (maxTokens, --max-tokens)',
      ),
    })
    rmSync(at('long-labels.jsonl.shards'), { recursive: true, force: true })
  })

  test('answers each row as the model does alone, in order and with its id', async () => {
    const out = at('labels.jsonl')
    const report = await runBulk({ ...common, out, shardRows: 40 })
    expect(report).toEqual({ task: 'classification', rows: 90, shards: 3, resumed: 0, notes: [] })
    const rows = linesOf(out)
    expect(rows.map(({ id }) => id)).toEqual(mails.map(({ id }) => id))
    await using session = await nodeRuntime().load(common.model, { threads: 1 })
    const tokenizer = await loadTokenizer(at('model', 'tokenizer.json'))
    for (const [i, { text }] of mails.slice(0, 45).entries()) {
      const ids = BigInt64Array.from(tokenizer.encode(text, 512), BigInt)
      const whole = (data: BigInt64Array) => ({ type: 'int64', dims: [1, ids.length], data })
      const feeds = {
        input_ids: whole(ids),
        attention_mask: whole(ids.map(() => 1n)),
        token_type_ids: whole(ids.map(() => 0n)),
      }
      const { logits } = await session.run(
        Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name as 'input_ids']])),
      )
      const [ham = 0, spam = 0] = (logits as TensorLike).data as Float32Array
      expect(rows[i]?.label).toBe(spam > ham ? 'spam' : 'ham')
      expect(rows[i]?.score).toBeCloseTo(1 / (1 + Math.exp(-Math.abs(spam - ham))), 4)
    }
    expect(existsSync(`${out}.shards`)).toBe(false)
  })

  test('an interrupted run continues to the same bytes, and computes nothing again', async () => {
    const options = { ...common, shardRows: 15 }
    await runBulk({ ...options, out: at('whole.jsonl') })
    const left = (await interrupted({ ...options, out: at('half.jsonl') })).filter((name) => !name.startsWith('.'))
    expect(left.length).toBeGreaterThanOrEqual(1)
    expect(existsSync(at('half.jsonl'))).toBe(false)
    const first = await Promise.resolve(runBulk({ ...options, out: at('half.jsonl') })).catch((error: unknown) => error)
    expect(first).toMatchObject({ code: 'TP_OUTPUT', message: expect.stringContaining('--resume continues it') })
    const { resumed } = await runBulk({ ...options, out: at('half.jsonl'), resume: true })
    expect(resumed).toBe(left.length)
    expect(readFileSync(at('half.jsonl'))).toEqual(readFileSync(at('whole.jsonl')))
  })

  test('computes a shard again whose bytes have changed, and says so', async () => {
    const options = { ...common, shardRows: 15, out: at('altered.jsonl') }
    const shards = (await interrupted(options)).filter((name) => name.endsWith('.jsonl'))
    const [shard = ''] = shards
    const text = readFileSync(at('altered.jsonl.shards', shard), 'utf8')
    writeFileSync(at('altered.jsonl.shards', shard), text.replace(/"(ham|spam)"/, '"HAM"'))
    const { resumed, notes } = await runBulk({ ...options, resume: true })
    expect([resumed, notes]).toEqual([shards.length - 1, [expect.stringContaining('1 of the shards in')]])
    expect(readFileSync(options.out)).toEqual(readFileSync(at('whole.jsonl')))
  })

  test('names the data that is deleted while it runs', async () => {
    cpSync(at('mails.jsonl'), at('gone.jsonl'))
    const options = { ...common, data: at('gone.jsonl'), out: at('gone-out.jsonl'), shardRows: 15 }
    const onProgress = (): void => rmSync(options.data, { force: true })
    await expect(runBulk({ ...options, onProgress })).rejects.toMatchObject({
      code: 'TP_SHARDS',
      message: expect.stringMatching(/gone\.jsonl: there is no such file/),
    })
  })

  test('writes the same bytes whatever the number of threads', async () => {
    for (const threads of [1, 2]) await runBulk({ ...common, threads, out: at(`threads-${threads}.jsonl`) })
    expect(readFileSync(at('threads-1.jsonl'))).toEqual(readFileSync(at('threads-2.jsonl')))
  })

  test('writes the same bytes whatever is in a batch, in 8 bits as well', async () => {
    const { model } = transform(decodeModel(readFileSync(common.model)), quantize())
    writeFileSync(at('model', 'int8.onnx'), encodeModel(model))
    const options = { ...common, model: at('model', 'int8.onnx') }
    for (const batchTokens of [1, 300, 4096]) {
      await runBulk({ ...options, batchTokens, out: at(`batches-${batchTokens}.jsonl`) })
      expect(readFileSync(at(`batches-${batchTokens}.jsonl`))).toEqual(readFileSync(at('batches-1.jsonl')))
    }
  })

  test('notes that answers depend on the batch where a file rounds by the range of all in it', async () => {
    const { model } = transform(decodeModel(readFileSync(common.model)), quantize({ activations: 'tensor' }))
    writeFileSync(at('model', 'by-batch.onnx'), encodeModel(model))
    const options = { ...common, model: at('model', 'by-batch.onnx') }
    const { notes } = await runBulk({ ...options, out: at('by-batch.jsonl') })
    expect(notes).toEqual([expect.stringMatching(/^answers depend on the batch: .*--batch-tokens 1/)])
    const alone = await runBulk({ ...options, out: at('alone.jsonl'), batchTokens: 1, limit: 3 })
    expect(alone.notes).toEqual([])
  })

  test('says how far it is', async () => {
    const states: BulkProgress[] = []
    await runBulk({ ...common, out: at('progress.jsonl'), onProgress: (state) => states.push(state), batchTokens: 256 })
    expect(states.length).toBeGreaterThan(4)
    expect(states.map(({ rows }) => rows)).toEqual(states.map(({ rows }) => rows).sort((a, b) => a - b))
    expect(states.at(-1)).toMatchObject({ rows: 90, total: 90, secondsLeft: 0 })
    expect(states.at(-1)?.rowsPerSecond).toBeGreaterThan(0)
  })

  test('keeps the shards without a fault when others cannot be read, and computes those when they can', async () => {
    cpSync(at('mails.jsonl'), at('faulty.jsonl'))
    const lines = readFileSync(at('faulty.jsonl'), 'utf8').split('\n')
    const wrong = [...lines.slice(0, 50), '{"id":5,"text":null}', ...lines.slice(51)]
    writeFileSync(at('faulty.jsonl'), wrong.join('\n'))
    const options = { ...common, data: at('faulty.jsonl'), out: at('faulty-out.jsonl'), shardRows: 20 }
    await expect(runBulk(options)).rejects.toMatchObject({
      code: 'TP_SHARDS',
      message: expect.stringMatching(/^\[bulk\] 1 of 5 shards failed: .*has no text/),
    })
    const again = { ...options, resume: true }
    await expect(runBulk(again)).rejects.toMatchObject({ code: 'TP_SHARDS' })
    await expect(runBulk({ ...options, retry: true })).rejects.toMatchObject({ code: 'TP_SHARDS' })
    writeFileSync(at('faulty.jsonl'), lines.join('\n'))
    expect(await runBulk({ ...options, retry: true })).toMatchObject({ resumed: 4 })
    expect(linesOf(at('faulty-out.jsonl'))).toHaveLength(90)
  })

  test('writes over nothing', async () => {
    writeFileSync(at('mine.jsonl'), 'mine')
    await expect(runBulk({ ...common, out: at('mine.jsonl') })).rejects.toMatchObject({ code: 'TP_OUTPUT' })
    const missing = runBulk({ ...common, model: at('no-such.onnx'), out: at('mine.jsonl') })
    await expect(missing).rejects.toMatchObject({ code: 'TP_FILE_NOT_FOUND' })
    expect(readFileSync(at('mine.jsonl'), 'utf8')).toBe('mine')
    await expect(runBulk({ ...common, out: at('new.jsonl'), shards: at('model') })).rejects.toMatchObject({
      code: 'TP_OUTPUT',
    })
    const inside = runBulk({ ...common, data: at('model'), out: at('model', 'out.jsonl') })
    await expect(inside).rejects.toMatchObject({ code: 'TP_OUTPUT' })
  })

  test('refuses a link to nothing as its output before it computes', async () => {
    symlinkSync(at('nowhere.jsonl'), at('link.jsonl'))
    const stages: string[] = []
    const run = runBulk({ ...common, out: at('link.jsonl'), onStage: (stage) => stages.push(stage) })
    await expect(run).rejects.toMatchObject({
      code: 'TP_OUTPUT',
      message: expect.stringContaining('link.jsonl is a link to nothing'),
    })
    expect(stages).toEqual(['planning'])
  })

  test('does not replace an output that has come into being since it began, and keeps what it has computed', async () => {
    const options = { ...common, out: at('came.jsonl'), shardRows: 40 }
    const onProgress = (): void => writeFileSync(options.out, 'mine')
    await expect(runBulk({ ...options, onProgress })).rejects.toMatchObject({
      code: 'TP_OUTPUT',
      message: expect.stringContaining('came.jsonl has come into being during the run'),
    })
    expect(readFileSync(options.out, 'utf8')).toBe('mine')
    rmSync(options.out)
    expect(await runBulk({ ...options, resume: true })).toMatchObject({ resumed: 3 })
    expect(linesOf(options.out)).toHaveLength(90)
  })

  test('writes its output next to a second name of another, which a killed run has left', async () => {
    const options = { ...common, out: at('again.jsonl') }
    writeFileSync(at('kept.jsonl'), 'mine')
    linkSync(at('kept.jsonl'), at('.again.jsonl.tmp'))
    await runBulk(options)
    expect(readFileSync(at('kept.jsonl'), 'utf8')).toBe('mine')
    expect(existsSync(at('.again.jsonl.tmp'))).toBe(false)
  })

  test('leaves no folder when nothing could be computed', async () => {
    cpSync(at('model'), at('small'), { recursive: true })
    const config = JSON.parse(readFileSync(at('small', 'config.json'), 'utf8'))
    writeFileSync(at('small', 'config.json'), JSON.stringify({ ...config, vocab_size: 3 }))
    const run = runBulk({ ...common, model: at('small', 'model.onnx'), out: at('none.jsonl') })
    await expect(run).rejects.toMatchObject({ code: 'TP_TOKENIZER' })
    expect(existsSync(at('none.jsonl.shards'))).toBe(false)
  })

  test('refuses another model than the one that shards are of', async () => {
    const options = { ...common, out: at('other.jsonl'), shardRows: 15 }
    await interrupted(options)
    const config = readFileSync(at('model', 'config.json'))
    writeFileSync(at('model', 'config.json'), config.toString().replace('"ham"', '"no spam"'))
    const { resumed } = await runBulk({ ...options, resume: true }).finally(() =>
      writeFileSync(at('model', 'config.json'), config),
    )
    expect(resumed).toBe(0)
    expect(linesOf(at('other.jsonl')).some(({ label }) => label === 'no spam')).toBe(true)
  })
})

describe('a model with a plan', () => {
  const plan = (content: object) => readRunPlan({ format: 1, ...content }, 'plan.json')
  const hard = { format: 1, method: 'stride', keep: 0.2, layers: [0] }

  test('gives the bytes of the file that the plan makes, and as a cascade falls back to the dense one', {
    tags: 'exhaustive',
  }, async () => {
    const pruned = transform(decodeModel(readFileSync(common.model)), ...transformsOf(hard as Plan, methods))
    writeFileSync(at('model', 'pruned.onnx'), encodeModel(pruned.model))
    writeMails(at('few.jsonl'), 20)
    const run = async (name: string, options: Partial<BulkOptions>): Promise<string> => {
      await runBulk({ ...common, data: at('few.jsonl'), methods, ...options, out: at(`${name}.jsonl`) })
      return readFileSync(at(`${name}.jsonl`), 'utf8')
    }
    const own = await run('own', { model: at('model', 'pruned.onnx') })
    const dense = await run('dense', {})
    expect(own).not.toBe(dense)
    expect(await run('planned', { plan: plan(hard) })).toBe(own)
    const cascade = { uncertainty: 'probability', threshold: 0 }
    const whole = { regimes: [{ plan: hard }], cascade, figures: {} }
    const labels = (text: string): unknown[] => text.split('\n').map((line) => line.replace(/,"score.*/, ''))
    expect(labels(await run('cascade', { plan: plan(whole) }))).toEqual(labels(dense))
    writeFileSync(at('guard.json'), JSON.stringify({ format: 1, ...whole }))
    const guard = { path: at('guard.json'), dense: common.model }
    expect(labels(await run('guarded', { model: at('model', 'pruned.onnx'), guard }))).toEqual(labels(dense))
  })

  test('refuses a plan with a guard as well, or with a method that is not known', async () => {
    const guard = { path: at('guard.json'), dense: common.model }
    const out = at('refused.jsonl')
    const both = runBulk({ ...common, out, plan: plan(hard), methods, guard })
    await expect(both).rejects.toMatchObject({ code: 'TP_OPTION' })
    await expect(runBulk({ ...common, out, plan: plan(hard) })).rejects.toMatchObject({ code: 'TP_PLAN' })
  })
})

describe('a packed model', () => {
  writeFileSync(at('model', 'packed.onnx'), packedMail())

  test('gives the answers of the padded one', async () => {
    await runBulk({ ...common, model: at('model', 'packed.onnx'), out: at('packed.jsonl') })
    await runBulk({ ...common, out: at('padded.jsonl') })
    const [packed, padded] = [linesOf(at('packed.jsonl')), linesOf(at('padded.jsonl'))]
    expect(packed.map(({ id, label }) => [id, label])).toEqual(padded.map(({ id, label }) => [id, label]))
    for (const [i, { score }] of packed.entries()) expect(score).toBeCloseTo(padded[i]?.score as number, 4)
  })
})

describe('a model of tokens', () => {
  writeFileSync(at('model', 'states.onnx'), encodeModel(mailStates()))
  writeFileSync(at('model', 'tagger.onnx'), encodeModel(mailTagger()))

  test('gives a vector of length 1 for each row, as JSON, Parquet and NumPy alike', async () => {
    const options = { ...common, model: at('model', 'states.onnx'), shardRows: 40 }
    for (const end of ['jsonl', 'parquet', 'npy']) await runBulk({ ...options, out: at(`vectors.${end}`) })
    const json = linesOf(at('vectors.jsonl')).map(({ embedding }) => Float32Array.from(embedding as number[]))
    expect(json).toHaveLength(90)
    expect(Math.hypot(...(json[7] as Float32Array))).toBeCloseTo(1, 5)
    const npy = readFileSync(at('vectors.npy'))
    expect(npy.toString('latin1', 10, 80)).toContain("'shape': (90, 128)")
    expect(new Float32Array(Uint8Array.from(npy.subarray(128)).buffer)).toEqual(
      Float32Array.from(json.flatMap((row) => [...row])),
    )
    const parquet = await parquetReadObjects({ file: Uint8Array.from(readFileSync(at('vectors.parquet'))).buffer })
    expect(parquet.map(({ embedding }) => Float32Array.from(embedding))).toEqual(json)
    expect(parquet.map(({ id }) => id)).toEqual(mails.map(({ id }) => `${id}`))
  })

  test('tags the words of each text, and says which have no token', async () => {
    const options = { ...common, model: at('model', 'tagger.onnx'), labels: ['B-A', 'I-A', 'O'], maxTokens: 12 }
    await runBulk({ ...options, out: at('tags.jsonl') })
    for (const [i, { tags }] of linesOf(at('tags.jsonl')).entries()) {
      const words = (mails[i] as (typeof mails)[number]).text.split(/\s+/).filter(Boolean)
      expect(tags).toHaveLength(words.length)
      expect(['B-A', 'I-A', 'O']).toContain((tags as string[])[0])
    }
    expect(linesOf(at('tags.jsonl')).some(({ tags }) => (tags as unknown[]).at(-1) === null)).toBe(true)
  })

  test('refuses an output that holds no vectors', async () => {
    const npy = runBulk({ ...common, out: at('labels.npy') })
    await expect(npy).rejects.toMatchObject({
      code: 'TP_OUTPUT',
      message: expect.stringContaining('.npy holds vectors'),
    })
  })
})

test('a model without a tokenizer, and options that cannot be, are refused', async () => {
  cpSync(at('model', 'model.onnx'), at('alone.onnx'))
  await expect(runBulk({ ...common, model: at('alone.onnx'), out: at('n.jsonl') })).rejects.toMatchObject({
    code: 'TP_TOKENIZER',
  })
  await expect(runBulk({ ...common, model: at('none.onnx'), out: at('n.jsonl') })).rejects.toMatchObject({
    code: 'TP_FILE_NOT_FOUND',
  })
  for (const name of ['shardRows', 'batchTokens', 'maxTokens'])
    await expect(runBulk({ ...common, out: at('n.jsonl'), [name]: 0 })).rejects.toMatchObject({ code: 'TP_OPTION' })
  rmSync(at('alone.onnx'))
})
