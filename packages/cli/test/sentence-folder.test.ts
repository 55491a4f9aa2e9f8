import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, Graph } from '@tp/onnx'
import { beforeAll, describe, expect, test } from 'vitest'
import { mailEmbedder } from './small-models.ts'
import { temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const SIZE = 128
const LONGEST = 48

/** In the layout of Sentence Transformers: the ONNX file in a folder of its own, what says how it is read above it. */
function sentenceFolder(name: string, pooling: object): string {
  for (const own of ['onnx', '1_Pooling']) mkdirSync(folder.at(name, own), { recursive: true })
  for (const own of ['config', 'tokenizer'] as const)
    copyFileSync(modelPath('mail', own), folder.at(name, `${own}.json`))
  const write = (file: string, content: unknown): void => writeFileSync(folder.at(name, file), JSON.stringify(content))
  const module = (type: string, path: string) => ({ type: `sentence_transformers.models.${type}`, path })
  write('modules.json', [module('Transformer', ''), module('Pooling', '1_Pooling'), module('Normalize', '2_Normalize')])
  write('1_Pooling/config.json', pooling)
  write('sentence_bert_config.json', { max_seq_length: LONGEST })
  const path = folder.at(name, 'onnx', 'model.onnx')
  writeFileSync(path, mailEmbedder())
  return path
}

let [byClass, byMean, texts] = ['', '', '']
beforeAll(() => {
  byClass = sentenceFolder('class', { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false })
  byMean = sentenceFolder('mean', { pooling_mode: 'mean' })
  texts = folder.at('texts.txt')
  const mails = mailData('test').filter(({ text }) => text.length > 400)
  writeFileSync(
    texts,
    mails
      .slice(0, 24)
      .map(({ text }) => text.replaceAll(/\s+/g, ' ').slice(0, 600))
      .join('\n'),
  )
})

const outputOf = (path: string) => new Graph(decodeModel(readFileSync(path))).outputs[0]

/** The vectors that `tp run` writes, one after another. */
async function vectors(model: string, ...more: string[]): Promise<number[]> {
  const out = folder.at(`${Math.random()}.npy`)
  const ended = await tpHere(['run', model, '--data', texts, '-o', out, '--threads', '1', ...more])
  expect(ended).toMatchObject({ code: 0 })
  const bytes = readFileSync(out)
  const data = bytes.subarray(bytes.length - 24 * SIZE * 4)
  return Array.from(new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length)))
}

function difference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number))))
}

describe('an embedder of which 1_Pooling reads the class token alone', () => {
  test('inspects the model as readers of its file see it', async () => {
    const { stdout } = await tpHere(['inspect', byClass])
    expect(stdout).toMatch(/^head +.*: the class token \(position 0\)$/m)
    expect(stdout).toMatch(
      /^pooled outside +by the class token, then divided by the length \(1_Pooling\/config\.json\)$/m,
    )
    expect(JSON.parse((await tpHere(['inspect', byClass, '--json'])).stdout)).toMatchObject({
      classToken: 0,
      pooling: { of: 'class token', isNormalized: true },
      tokenOutputs: [],
    })
    expect((await tpHere(['inspect', byMean])).stdout).toMatch(/^pooled outside +by the mean of the tokens/m)
  })

  test('gains by what is exact, and gives the same vectors', async () => {
    const out = folder.at('class', 'onnx', 'lossless.onnx')
    const { code, stdout } = await tpHere(['prune', byClass, '-o', out, '--lossless', '--json'])
    const { flops, notes } = JSON.parse(stdout)
    expect(code).toBe(0)
    expect(flops[0].factor).toBeGreaterThan(1.1)
    expect(notes).toEqual([expect.stringContaining('reads one token alone')])
    expect(outputOf(out)?.dims).toEqual(['batch', 1, SIZE])
    expect(difference(await vectors(out), await vectors(byClass))).toBeLessThan(1e-5)
    const rows = folder.at('class', 'onnx', 'rows.onnx')
    await tpHere(['prune', byClass, '-o', rows, '--lossless', '--set', 'restore=all'])
    expect(outputOf(rows)?.dims).toEqual(outputOf(byClass)?.dims)
  })

  test('compares, checks and times the model as such', async () => {
    const evaluated = await tpHere(['eval', byClass, '--data', texts, '--methods', 'none', '--limit', '12', '--json'])
    const { rows } = JSON.parse(evaluated.stdout)
    expect(rows[1]).toMatchObject({ method: 'none', cosine: { estimate: expect.closeTo(1, 5) } })
    expect(rows[1].flops).toBeGreaterThan(1.1)
    const benched = await tpHere(['bench', byClass, '--method', 'none', '--shapes', '1x16', '--json'])
    expect(JSON.parse(benched.stdout).rows[1].flops).toBeGreaterThan(1.1)
    const lossless = folder.at('class', 'onnx', 'lossless.onnx')
    const checked = await tpHere(['check', lossless, '--against', byClass, '--data', texts, '--json'])
    expect(JSON.parse(checked.stdout)).toMatchObject({ task: 'embeddings', loss: { estimate: expect.closeTo(0, 3) } })
  })

  test('learns networks of sdtp from its class token, and prunes by them', async () => {
    const others = folder.at('others.txt')
    writeFileSync(
      others,
      readFileSync(texts, 'utf8')
        .split('\n')
        .map((text) => text.slice(200, 500))
        .join('\n'),
    )
    const out = folder.at('class', 'onnx', 'learned.onnx')
    const how = ['--method', 'sdtp', '--layers', '2', '--keep', '0.5', '--train', 'method', '--set', 'hardEpochs=0']
    const data = ['--data', texts, '--selection', others]
    const { code, stdout, stderr } = await tpHere(['train', byClass, '-o', out, ...how, ...data, '--json'])
    expect([code, stderr]).toEqual([0, expect.stringContaining('reads one token alone')])
    const { before, after } = JSON.parse(stdout).selection
    expect([before, after]).toEqual([expect.any(Number), expect.any(Number)])
    expect(after).toBeGreaterThan(0.5)
    expect(outputOf(out)?.dims).toEqual(['batch', 1, SIZE])
    const rows = await tpHere(['train', byClass, '-o', out, ...how, '--set', 'restore=all', ...data])
    expect(rows).toMatchObject({ code: 2, stderr: expect.stringContaining('reads the class token of its states') })
  })

  test('gives the same vectors by a plan as in the file that it makes', async () => {
    const plan = folder.at('plan.json')
    writeFileSync(plan, JSON.stringify({ format: 1, method: 'received-attention', keep: 0.5 }))
    const out = folder.at('class', 'onnx', 'planned.onnx')
    expect(await tpHere(['prune', byClass, '-o', out, '--plan', plan])).toMatchObject({ code: 0 })
    const [dense, planned] = [await vectors(byClass), await vectors(byClass, '--plan', plan)]
    expect(difference(planned, await vectors(out))).toBeLessThan(1e-5)
    expect(difference(planned, dense)).toBeGreaterThan(1e-3)
  })
})

describe('a folder without 1_Pooling', () => {
  const bare = (name: string, config: object = {}): string => {
    mkdirSync(folder.at(name))
    const path = folder.at(name, 'model.onnx')
    writeFileSync(path, mailEmbedder())
    copyFileSync(modelPath('mail', 'tokenizer'), folder.at(name, 'tokenizer.json'))
    writeFileSync(folder.at(name, 'config.json'), JSON.stringify(config))
    return path
  }
  const RECIPE =
    'token states are pooled by the class token, then divided by the length (the training recipe of bge-base-en)'
  const ASSUMED = /no file next to the model tells how .* assumed to be their mean; .*\{"pooling_mode":"cls"\}/
  const run = (path: string) =>
    tpHere(['run', path, '--data', texts, '-o', folder.at(`${Math.random()}.npy`), '--threads', '1', '--limit', '2'])

  test('takes the training recipe of its name in every command, and each of them reports it', async () => {
    const path = bare('known', { _name_or_path: 'BAAI/bge-base-en' })
    const [known, own] = await Promise.all([vectors(path, '--max-tokens', `${LONGEST}`), vectors(byClass)])
    expect(difference(known, own)).toBe(0)
    expect((await run(path)).stderr.replaceAll(/\s+/g, ' ')).toContain(RECIPE)
    const { stderr } = await tpHere(['eval', path, '--data', texts, '--methods', 'none', '--limit', '3'])
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(RECIPE)
    expect((await tpHere(['inspect', path])).stdout).toContain('(the training recipe of bge-base-en)')
    const out = folder.at('known', 'out.onnx')
    expect(await tpHere(['prune', path, '-o', out, '--lossless'])).toMatchObject({ code: 0 })
    expect(outputOf(out)?.dims).toEqual(['batch', 1, SIZE])
  })

  test('has the assumption in the first lines, before anything is computed, where no recipe is known', async () => {
    const path = bare('unknown')
    for (const command of [
      ['run', '-o', folder.at('unknown.npy'), '--threads', '1', '--limit', '2'],
      ['optimize', '-o', folder.at('unknown.onnx'), '--limit', '1'],
      ['eval', '--methods', 'none', '--limit', '3'],
    ]) {
      const [name = '', ...rest] = command
      const { stderr } = await tpHere([name, path, '--data', texts, ...rest])
      const lines = stderr.replaceAll(/\s+/g, ' ')
      expect([name, lines]).toEqual([name, expect.stringMatching(ASSUMED)])
      const work = lines.search(/evaluating|searching|writing|code:/)
      expect([name, work === -1 || lines.search(ASSUMED) < work]).toEqual([name, true])
    }
  })
})

test('texts are cut at max_seq_length, unless an option allows fewer tokens', async () => {
  const cut = await vectors(byMean)
  writeFileSync(folder.at('mean', 'sentence_bert_config.json'), '{}')
  const whole = await vectors(byMean)
  expect(difference(cut, whole)).toBeGreaterThan(1e-3)
  expect(difference(cut, await vectors(byMean, '--max-tokens', String(LONGEST)))).toBe(0)
})

test('an embedder of which the last token is read outside keeps that one, unless a row for each token is requested', async () => {
  const path = sentenceFolder('last', { pooling_mode: 'lasttoken' })
  const out = folder.at('last', 'onnx', 'out.onnx')
  const prune = (...how: string[]) => tpHere(['prune', path, '-o', out, '--force', ...how])
  const half = ['--method', 'received-attention', '--keep', '0.5']
  const dense = await vectors(path)
  expect(await prune('--lossless')).toMatchObject({ code: 0 })
  expect(difference(await vectors(out), dense)).toBeLessThan(1e-5)
  expect(await prune(...half)).toMatchObject({ code: 0 })
  expect(difference(await vectors(out), dense)).toBeGreaterThan(1e-3)
  expect(await prune(...half, '--set', 'restore=all')).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(
      /1_Pooling\/config\.json reads the last token.*; tp prune --lossless does what is exact/,
    ),
  })
})

test('texts begin with the default prompt, queries and documents of a search with theirs', async () => {
  const path = sentenceFolder('prompts', { pooling_mode: 'mean' })
  const own = readFileSync(texts, 'utf8').split('\n')
  const say = (prompts: object, usual: string | null): void =>
    writeFileSync(
      folder.at('prompts', 'config_sentence_transformers.json'),
      JSON.stringify({ prompts, default_prompt_name: usual }),
    )
  const plain = await vectors(path)
  say({ query: 'find: ' }, null)
  expect(difference(await vectors(path), plain)).toBe(0)
  say({ own: 'this is a mail: ' }, 'own')
  const prompted = await vectors(path)
  writeFileSync(texts, own.map((text) => `this is a mail: ${text}`).join('\n'))
  say({}, null)
  expect(difference(prompted, await vectors(path))).toBe(0)
  expect(difference(prompted, plain)).toBeGreaterThan(1e-3)

  const jsonLines = (rows: object[]): string => rows.map((row) => JSON.stringify(row)).join('\n')
  mkdirSync(folder.at('search', 'qrels'), { recursive: true })
  writeFileSync(folder.at('search', 'corpus.jsonl'), jsonLines(own.map((text, i) => ({ _id: `d${i}`, text }))))
  writeFileSync(
    folder.at('search', 'queries.jsonl'),
    jsonLines(own.map((text, i) => ({ _id: `q${i}`, text: text.slice(100, 160) }))),
  )
  const judgments = own.map((_, i) => `q${i}\td${i}\t1`)
  writeFileSync(folder.at('search', 'qrels', 'test.tsv'), ['query-id\tcorpus-id\tscore', ...judgments].join('\n'))
  const search = (): ReturnType<typeof tpHere> => tpHere(['eval', path, '--data', folder.at('search'), '--json'])
  say({ query: 'which mail says: ', document: 'a mail: ' }, null)
  const found = await search()
  expect(found.stdout).toContain('queries begin with \\"which mail says: \\", documents begin with \\"a mail: \\"')
  const figure = ({ stdout }: { stdout: string }): number => JSON.parse(stdout).rows[0].ndcg10.estimate
  say({}, null)
  expect(figure(await search())).not.toBe(figure(found))
  say({ query: 'which mail says: ' }, null)
  writeFileSync(folder.at('prompts', '1_Pooling', 'config.json'), '{"pooling_mode":"mean","include_prompt":false}')
  expect(await search()).toMatchObject({ code: 1, stderr: expect.stringContaining('TP_POOLING') })
})

test('vectors that go through a module which the file does not hold are refused', async () => {
  const path = sentenceFolder('dense', { pooling_mode_mean_tokens: true })
  const modules = ['Transformer', 'Pooling', 'Dense'].map((type) => ({ type: `sentence_transformers.models.${type}` }))
  writeFileSync(folder.at('dense', 'modules.json'), JSON.stringify(modules))
  const refused = { code: 1, stderr: expect.stringContaining('modules.json passes its vectors through Dense') }
  expect(await tpHere(['run', path, '--data', texts, '-o', folder.at('dense.npy')])).toMatchObject(refused)
  expect(await tpHere(['eval', path, '--data', texts])).toMatchObject(refused)
})
