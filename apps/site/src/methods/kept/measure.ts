import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { MethodEntry } from '@tp/core'
import { needsValues } from '@tp/core/host'
import { type Digit, digitsData, modelPath } from '@tp/models'
import { filesOf } from '../when-to-use.ts'
import type { ExampleFate, ExampleKind } from './kept.ts'

/** A mail of our own: half of it sells something. */
const MAIL =
  'Hi Anna, lunch on Monday at the usual place? I will bring the slides. PS: did you also get this? ' +
  'Congratulations, you have won a free holiday! Click here to claim your prize now, offer ends today.'

/** Keep ratios of every layer but the first. */
const KEEP = { text: 0.6, image: 0.7 } as const

const tp = fileURLToPath(new URL('../../../../../packages/cli/bin/tp.js', import.meta.url))

/** The digit that is shown: the first 5 of those that nothing was trained on. */
export function shownDigit(): Digit {
  const found = digitsData('calibration').find(({ label }) => label === 5)
  if (found === undefined) throw new Error('there is no 5 among the digits')
  return found
}

/** Whether the page of a method shows what it keeps: it needs no trained values, and is for texts or images. */
export function isShown({ name, create }: Pick<MethodEntry, 'name' | 'create'>): boolean {
  const method = create()
  return name !== 'none' && filesOf[name] !== 'speech' && !method.unscheduled && !needsValues(method)
}

/** The tokens that a method keeps of the example of its kind, as `tp explain` finds them; learned methods have none without values. */
export async function measureKept(method: string, kind: ExampleKind): Promise<ExampleFate> {
  const folder = await mkdtemp(join(tmpdir(), 'tp-kept-'))
  try {
    const image = join(folder, 'digit-images-idx3-ubyte')
    await writeFile(image, idxOf(shownDigit()))
    const of = kind === 'text' ? [modelPath('mail'), '--text', MAIL] : [modelPath('digits-vit'), '--data', image]
    const args = [tp, 'explain', ...of, '--method', method, '--keep', `${KEEP[kind]}`, '--json']
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 })
    const { examples } = JSON.parse(stdout) as { examples: [{ tokens: { text?: string; prunedAt: number | null }[] }] }
    const tokens = examples[0].tokens
    return {
      ...{ kind, keep: KEEP[kind], prunedAt: tokens.map(({ prunedAt }) => prunedAt) },
      ...(kind === 'text' && { words: tokens.map(({ text = '' }) => text) }),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** An IDX file of one image: two zero bytes, type 8 (unsigned byte), three axes, sizes, bytes. */
function idxOf({ pixels }: Digit): Uint8Array {
  const side = Math.sqrt(pixels.length)
  const header = Buffer.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, side, 0, 0, 0, side])
  return Buffer.concat([header, Uint8Array.from(pixels, (brightness) => Math.round(255 * brightness))])
}
