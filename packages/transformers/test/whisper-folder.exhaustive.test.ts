import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type AutomaticSpeechRecognitionPipeline, env, pipeline } from '@huggingface/transformers'
import { readSpeech } from '@tp/data'
import { wordErrors, wordsOf } from '@tp/metrics'
import { realModel, realSuite } from 'real-models'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openSite, type PipelineTestSite } from './browser/site.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 })

const recordings = realSuite('leopard')
const missing = realModel('whisper-base') === undefined ? 'whisper-base' : recordings === undefined ? 'leopard' : ''
if (missing)
  process.stderr.write(`skipped: npm run models -- ${missing} fetches what a folder of Whisper is tested with\n`)

/** Python with optimum-onnx: TP_PYTHON names another one. */
const python = process.env.TP_PYTHON ?? 'python3'
const hasOptimum = (() => {
  try {
    execFileSync(python, ['-c', 'import optimum.onnxruntime, transformers, torch'], { stdio: 'ignore' })
    return true
  } catch {
    process.stderr.write(
      `skipped: ${python} has no optimum-onnx with transformers and torch; TP_PYTHON names another\n`,
    )
    return false
  }
})()

/** `whisper-base-fast` in five programs that know nothing of it. */
describe.skipIf(missing !== '')('a folder of Whisper that tp prune wrote', async () => {
  const { clips } = missing === '' ? await readSpeech(recordings as string) : { clips: [] }
  const languages = clips.map(({ language = 'en' }) => language)
  let site: PipelineTestSite
  let texts: Readonly<Record<'dense' | 'fast', readonly string[]>>
  const folderOf = (name: string): string => join(site.folder, 'models', name)

  beforeAll(async () => {
    site = await openSite()
    cpSync(dirname(dirname(realModel('whisper-base') as string)), folderOf('dense'), {
      recursive: true,
      dereference: true,
    })
    const tp = join(import.meta.dirname, '../../cli/bin/tp.js')
    execFileSync(process.execPath, [tp, 'prune', folderOf('dense'), '-o', folderOf('fast')], { stdio: 'ignore' })
    expect(existsSync(join(folderOf('fast'), 'onnx', 'decoder_with_past_model.onnx'))).toBe(true)
    env.allowRemoteModels = false
    env.localModelPath = `${join(site.folder, 'models')}/`
    texts = { dense: await inNode('dense'), fast: await inNode('fast') }
  })
  afterAll(() => site?.[Symbol.asyncDispose]())

  /** Texts by transformers.js in Node. */
  async function inNode(name: string): Promise<string[]> {
    const transcribe = await pipeline('automatic-speech-recognition', name, { dtype: 'fp32' })
    return transcribeAll(transcribe, await Promise.all(clips.map(async (clip) => (await clip.read()).samples)))
  }

  async function transcribeAll(
    transcribe: AutomaticSpeechRecognitionPipeline,
    samples: readonly Float32Array[],
  ): Promise<string[]> {
    const written: string[] = []
    for (const [i, own] of samples.entries()) {
      const { text } = (await transcribe(own, { language: languages[i] as string, task: 'transcribe' })) as {
        text: string
      }
      written.push(text.trim())
    }
    return written
  }

  test('gives the texts of the dense folder in transformers.js', () => {
    expect(texts.fast).toHaveLength(8)
    expectAlike(texts.fast, texts.dense)
  })

  test('gives the same texts in transformers.js in Chromium', async () => {
    const page = await site.open()
    const samples = await Promise.all(clips.slice(0, 3).map(async (clip) => Array.from((await clip.read()).samples)))
    const written = await page.evaluate(
      async ([samples, languages]) => {
        const { pipeline } = library
        const transcribe = await pipeline('automatic-speech-recognition', 'fast', { dtype: 'fp32', device: 'wasm' })
        const written: string[] = []
        for (const [i, own] of samples.entries()) {
          const answer = await transcribe(Float32Array.from(own), { language: languages[i] as string })
          written.push((answer as { text: string }).text.trim())
        }
        return written
      },
      [samples, languages] as const,
    )
    expect(written).toEqual(texts.fast.slice(0, 3))
  })

  test('gives the same texts in tp eval, by their word errors', () => {
    const tp = join(import.meta.dirname, '../../cli/bin/tp.js')
    const some = clips.slice(1, 3)
    const table = join(site.folder, 'some.tsv')
    writeFileSync(table, some.map(({ source, text, language }) => `${source}\t${text}\t${language}\n`).join(''))
    const args = [tp, 'eval', folderOf('fast'), '--data', table, '--task', 'asr', '--json']
    const report = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as {
      rows: readonly { wer: { estimate: number } }[]
    }
    const pairs = some.map(({ text, language }, i) =>
      [text, texts.fast[i + 1] as string].map((own) => wordsOf(own, language)),
    ) as [string[], string[]][]
    const wrong = pairs.reduce((sum, [said, written]) => sum + wordErrors(said, written), 0)
    const words = pairs.reduce((sum, [said]) => sum + said.length, 0)
    expect(report.rows[0]?.wer.estimate).toBeCloseTo((100 * wrong) / words, 6)
  })

  test.skipIf(!hasOptimum)('gives the same texts in Python: optimum-onnx and onnxruntime, greedy and by beams', () => {
    const script = join(import.meta.dirname, '../../../tools/real-models/python/transcribe_folder.py')
    const run = (name: string): Record<string, string[]> => {
      const sources = clips.map(({ source }, i) => `${languages[i]}=${source}`)
      const out = execFileSync(python, [script, folderOf(name), ...sources], { encoding: 'utf8' })
      return JSON.parse(out) as Record<string, string[]>
    }
    const [dense, fast] = [run('dense'), run('fast')]
    expect(Object.keys(fast)).toHaveLength(4)
    for (const [program, written] of Object.entries(fast)) {
      expectAlike(written, dense[program] as string[])
      if (!program.includes('beams')) expect(written, program).toEqual(texts.fast)
    }
  })
})

/** A kept position counts for silent ones that are nearly its copies, so that a model that is unsure may write another word. */
function expectAlike(texts: readonly string[], others: readonly string[]): void {
  const same = texts.filter((text, i) => text === others[i])
  expect(same.length, JSON.stringify({ texts, others }, null, 1)).toBeGreaterThanOrEqual(texts.length - 1)
}
