// Latency of live captions: a window that grows by a second is transcribed again after each, dense and thinned in turns, on the page in Chromium.
//
//   pnpm --filter demo build && node apps/demo/bench/microphone.mjs WHISPER_FOLDER CLIP.wav [SECONDS]
//
// CLIP.wav has 16,000 samples a second, 16 bits, one channel. Prints one line for each second, and the medians.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { median } from '@tp/core/statistics'
import { openChromium, serve } from 'browser-tests'
import { wavOf } from 'pipeline-models'

const [folder, clip, seconds = '10'] = process.argv.slice(2)
if (folder === undefined || clip === undefined) {
  process.stderr.write('usage: node apps/demo/bench/microphone.mjs WHISPER_FOLDER CLIP.wav [SECONDS]\n')
  process.exit(2)
}

const RATE = 16_000
const file = readFileSync(clip).subarray(44)
const recorded = Float32Array.from({ length: file.length >> 1 }, (_, i) => file.readInt16LE(2 * i) / 32_768)

const server = await serve(fileURLToPath(new URL('../dist/site', import.meta.url)), { isolated: true })
const chromium = await openChromium()
try {
  const page = await chromium.context.newPage()
  page.setDefaultTimeout(600_000)
  await page.goto(server.url)
  await page.getByRole('tab', { name: 'Sound', exact: true }).click()
  await page.getByLabel('Choose the folder of a Whisper model').setInputFiles(folder)
  await page.getByText(/An encoder of \d+ layers/).waitFor()
  /** @type {{ dense: number, pruned: number }[]} */
  const updates = []
  for (let second = 1; second <= Number(seconds) && RATE * (second - 1) < recorded.length; second++) {
    const samples = recorded.subarray(0, RATE * second)
    await page.getByLabel('Choose a sound, or drop one here').setInputFiles({
      name: `${second}.wav`,
      mimeType: 'audio/wav',
      buffer: wavOf(samples),
    })
    const length = `for ${(samples.length / RATE).toFixed(1)} s of sound`
    const sides = await Promise.all(
      ['dense', 'pruned'].map(async (side) => {
        const place = page.getByTestId(`heard-${side}`)
        await place.getByText(length).waitFor()
        return {
          ms: Number(await place.getAttribute('data-ms')),
          text: (await place.locator('.transcript').textContent()) ?? '',
        }
      }),
    )
    const [dense, pruned] = sides
    updates.push({ dense: dense.ms, pruned: pruned.ms })
    const same = dense.text === pruned.text ? 'the same text' : `“${dense.text}”, “${pruned.text}”`
    process.stdout.write(`${second} s  dense ${dense.ms.toFixed(0)} ms  thinned ${pruned.ms.toFixed(0)} ms  ${same}\n`)
  }
  const of = (/** @type {'dense' | 'pruned'} */ side) => median(updates.map((update) => update[side])).toFixed(0)
  const times = median(updates.map(({ dense, pruned }) => dense / pruned)).toFixed(2)
  process.stdout.write(`median  dense ${of('dense')} ms  thinned ${of('pruned')} ms  ${times} times as fast\n`)
} finally {
  await chromium[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
}
