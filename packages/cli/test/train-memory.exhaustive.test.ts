import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mailData, modelPath } from '@tp/models'
import { expect, test } from 'vitest'
import { peakOf, reportCost } from './report-cost.ts'
import { temporaryFolder, tp } from './tp.ts'

const folder = temporaryFolder()
const mails = [...mailData('train')]

/** Texts of so many mails each, as a table. */
function table(name: string, count: number, mailsEach: number, from = 0): string {
  const lines = Array.from({ length: count }, (_, i) => {
    const own = Array.from({ length: mailsEach }, (_, k) => mails[(from + 7 * i + k) % mails.length]?.text)
    return `${i % 2}\t${own.join(' ').replaceAll(/\s+/g, ' ')}`
  })
  writeFileSync(folder.at(name), ['label\ttext', ...lines, ''].join('\n'))
  return folder.at(name)
}

async function peak(args: readonly string[]): Promise<number> {
  const { code, stderr } = await tp(args, { env: { NODE_OPTIONS: `--import=${reportCost}` } })
  expect(code, stderr).toBe(0)
  return peakOf(stderr)
}

const shared = process.env.TP_SHARED ?? join(import.meta.dirname, '../../../../shared')
const minilm = join(shared, 'models/minilm-sentiment/model.onnx')
if (existsSync(minilm)) {
  // Before batches were run in parts, these took 8.1 and 1.6 GB.
  test.each([
    ['ltp', ['--target-flops', '0.6', '--set', 'hardEpochs=1']],
    ['sdtp', ['--keep', '0.7', '--train', 'method', '--set', 'distillation=1']],
  ])('trains %s on batches of 16 × 512 tokens in less than 2 GB', { timeout: 600_000 }, async (method, how) => {
    const data = ['--data', table('long.tsv', 16, 12), '--selection', table('others.tsv', 4, 12, 3)]
    const all = ['--method', method, ...how, '--set', 'epochs=1', ...data]
    const bytes = await peak(['train', minilm, '-o', folder.at(`${method}.onnx`), ...all])
    expect(bytes).toBeLessThan(2e9)
    expect(bytes).toBeGreaterThan(0.3e9)
  })
} else {
  test.skip('trains on batches of 16 × 512 tokens in less than 2 GB (shared/models/minilm-sentiment is not there)', () => {})
}

test('takes hardly more memory for ten times as many examples', { timeout: 600_000 }, async () => {
  const sdtp = ['--method', 'sdtp', '--keep', '0.7', '--train', 'method', '--set', 'distillation=1']
  const peakWith = (count: number, epochs: number): Promise<number> => {
    const data = ['--data', table('mails.tsv', count, 1), '--selection', table('others.tsv', 16, 1, 3)]
    const out = ['-o', folder.at('mail.onnx'), '--set', `epochs=${epochs}`, '--set', 'batchSize=16']
    return peak(['train', modelPath('mail'), ...out, ...sdtp, ...data])
  }
  const [few, many] = [await peakWith(40, 1), await peakWith(400, 0.1)]
  expect(many - few).toBeLessThan(100e6)
})
