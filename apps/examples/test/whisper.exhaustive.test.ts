import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { env, pipeline } from '@huggingface/transformers'
import { openChromium, type Served, serve } from 'browser-tests'
import { addSpeech, openModelFolder, spoken, wavOf } from 'pipeline-models'
import { afterAll, beforeAll, expect, test } from 'vitest'

const example = fileURLToPath(new URL('../whisper', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'tp-whisper-'))
const real = join(process.env.TP_MODELS ?? join(homedir(), '.cache/tp-models'), 'whisper-base')
let served: Served

beforeAll(async () => {
  await promisify(execFile)('npm', ['run', 'build'], { cwd: example, shell: process.platform === 'win32' })
  cpSync(join(example, 'dist'), folder, { recursive: true })
  await addSpeech(await openModelFolder(join(folder, 'models')))
  served = await serve(folder, { isolated: false })
}, 600_000)
afterAll(async () => {
  await served?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** The text that the page writes down, and the addresses outside of its server that it has asked for. */
async function written(model: string, sound: string): Promise<{ text: string; strangers: readonly string[] }> {
  await using chromium = await openChromium()
  const strangers: string[] = []
  chromium.context.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(served.url)) strangers.push(request.url())
  })
  const page = await chromium.context.newPage()
  await page.goto(`${served.url}index.html?model=${encodeURIComponent(`${served.url}models/${model}`)}`)
  await page.locator('input').setInputFiles(sound)
  const output = page.locator('output')
  await expect.poll(() => output.textContent(), { timeout: 500_000, interval: 500 }).not.toMatch(/^(listening …)?$/)
  return { text: (await output.textContent()) as string, strangers }
}

test('the page writes down a recording as the dense pipeline does in Node, and asks no other server', {
  timeout: 600_000,
}, async () => {
  const sound = join(folder, 'sound.wav')
  writeFileSync(sound, wavOf(spoken(1)))
  Object.assign(env, { allowRemoteModels: false, localModelPath: `${join(folder, 'models')}/` })
  const dense = await pipeline('automatic-speech-recognition', 'speech', { dtype: 'fp32' })
  const { text } = (await dense(spoken(1))) as { text: string }
  expect(text.trim()).not.toBe('')
  expect(await written('speech', sound)).toEqual({ text, strangers: [] })
})

const clip = join(real, '../data/speech/leopard/audio_samples/test.wav')
const missing = [real, clip].find((path) => !existsSync(path))
test.skipIf(missing !== undefined)(
  missing === undefined
    ? 'Whisper itself writes down a sentence'
    : `Whisper itself is not tried: there is no ${missing}`,
  { timeout: 600_000 },
  async () => {
    cpSync(real, join(folder, 'models/whisper-base'), { recursive: true })
    const { text, strangers } = await written('whisper-base', clip)
    expect(strangers).toEqual([])
    expect(text).toMatch(/apostle of the middle classes/i)
  },
)
