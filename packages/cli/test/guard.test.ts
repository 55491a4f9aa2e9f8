import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { mailData, modelPath } from '@tp/models'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { type Ended, temporaryFolder, tpHere } from './tp.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const folder = temporaryFolder()
const mail = modelPath('mail')
const tokenizer = modelPath('mail', 'tokenizer')
/** Names of files are those of files in the folder. */
const named = (args: readonly string[]): string[] =>
  args.map((arg) => (/^\w+\.(onnx|tsv|json)$/.test(arg) ? folder.at(arg) : arg))
const run = (...args: readonly string[]) => tpHere(named(args))
const [pruned, calibration, held, guard] = ['pruned.onnx', 'calibration.tsv', 'held.tsv', 'guard.json'] as const
const promise = ['--agreement', '0.9', '--confidence', '0.9']
let calibrated: Ended

beforeAll(async () => {
  const mails = mailData('calibration').filter(({ text }) => text.length < 500)
  const write = (name: string, rest: number): void => {
    const lines = mails.filter((_, i) => i % 3 === rest).slice(0, 48)
    writeFileSync(
      folder.at(name),
      lines.map(({ text, label }) => `${['ham', 'spam'][label]}\t${text.replaceAll('\t', ' ')}\n`).join(''),
    )
  }
  write(calibration, 0)
  write(held, 1)
  const smaller = ['--method', 'stride', '--keep', '0.02', '--layers', '0']
  const amount = ['--method', 'received-attention', '--keep', '0.05', '--layers', '0']
  copyFileSync(mail, folder.at('copy.onnx'))
  const { code, stderr } = await run('prune', mail, '-o', pruned, ...amount, '--monitor')
  expect((await run('prune', mail, '-o', 'smaller.onnx', ...smaller)).code).toBe(0)
  expect([code, stderr]).toEqual([0, expect.stringContaining('pruning')])
  calibrated = await run('calibrate', pruned, '--against', mail, '--data', calibration, ...promise, '-o', guard)
})

test('runs the cascade of a tuned plan in eval', { tags: 'exhaustive' }, async () => {
  const regimes = [{ plan: { format: 1, method: 'received-attention', layers: [0], keep: [0.05] } }]
  const cascade = { uncertainty: 'probability', threshold: 0.02, share: 0.1 }
  writeFileSync(folder.at('cascade.json'), JSON.stringify({ format: 1, regimes, cascade, figures: {} }))
  const args = ['eval', pruned, '--guard', 'cascade.json', '--against', mail, '--data', held, '--limit', '40']
  const { code, stdout } = await run(...args, '--json')
  expect(code).toBe(0)
  const { rows, fallbacks, alarms } = JSON.parse(stdout)
  expect(fallbacks).toBeGreaterThan(0)
  expect(rows[2].agreement).toBeGreaterThan(rows[1].agreement)
  expect(alarms).toBeUndefined()
  expect((await run(...args)).stdout).not.toContain('alarm')
})

test('writes in calibrate the guard file that eval reads: promise, threshold and baseline', async () => {
  const { code, stdout } = calibrated
  expect(code).toBe(0)
  expect(stdout).toContain('the dense answer for 90 % of inputs like these, with 90 % confidence')
  expect(stdout).toContain('watches margin, mass')
  const written = JSON.parse(readFileSync(folder.at(guard), 'utf8'))
  const examples = readFileSync(folder.at(calibration), 'utf8').split('\n').length - 1
  expect(written).toMatchObject({ format: 1, cascade: { agreement: 0.9, confidence: 0.9, examples } })
  expect(written.monitor.signals.mass).toHaveLength(examples)
  expect(written.cascade.cost.speedup).toBeGreaterThan(4)
  expect(written.monitor.falseAlarms).toMatchObject({ inputs: examples >> 1, streams: 200 })
  expect(stdout).toContain('false alarms on 200 streams')

  const evaluated = await run('eval', pruned, '--guard', guard, '--against', mail, '--data', held, '--json')
  expect(evaluated.code).toBe(0)
  const { kind, rows, fallbacks, alarms } = JSON.parse(evaluated.stdout)
  expect(kind).toBe('eval')
  expect(rows.map(({ model }: { model: string }) => model)).toEqual(['dense', 'pruned', 'guarded'])
  expect(rows[2].agreement).toBeGreaterThanOrEqual(rows[1].agreement)
  expect(fallbacks).toBeLessThanOrEqual(1)
  expect(Array.isArray(alarms)).toBe(true)
  const few = ['--limit', '8', '--runtime', 'web']
  const asTable = await run('eval', pruned, '--guard', guard, '--against', mail, '--data', held, ...few)
  expect(asTable.stdout).toContain('onnxruntime-web')
  expect(asTable.stdout).toMatch(/^guarded/m)
  expect(asTable.stdout).toContain('agrees with dense')
})

test('sends every answer to the fallback at an extreme threshold', async () => {
  const all = 'all.json'
  const content = JSON.parse(readFileSync(folder.at(guard), 'utf8'))
  writeFileSync(folder.at(all), JSON.stringify({ ...content, cascade: { ...content.cascade, threshold: 0 } }))
  const { stdout } = await run(
    'eval',
    pruned,
    '--guard',
    all,
    '--against',
    mail,
    '--data',
    held,
    '--limit',
    '12',
    '--json',
  )
  const { rows, fallbacks } = JSON.parse(stdout)
  expect(fallbacks).toBe(1)
  expect(rows[2]).toMatchObject({ agreement: 100, largestDifference: expect.any(Number) })
  expect(rows[2].largestDifference).toBeLessThan(1e-5)
})

describe('refusals of calibrate and eval', () => {
  test('refuse too few examples for the promise, and write nothing', async () => {
    const out = 'none.json'
    const few = ['--data', calibration, '--limit', '20', '-o', out]
    const { code, stderr } = await run('calibrate', pruned, '--against', mail, ...few)
    expect([code, stderr]).toEqual([1, expect.stringContaining('at least 299')])
    expect(folder.files()).not.toContain('none.json')
  })

  test('refuse a plan that was tuned without a cascade', async () => {
    const regimes = [{ plan: { format: 1, method: 'received-attention', layers: [0], keep: [0.05] } }]
    writeFileSync(folder.at('plan.json'), JSON.stringify({ format: 1, regimes }))
    const { code, stderr } = await run('eval', pruned, '--guard', 'plan.json', '--against', mail, '--data', held)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/no cascade; tp tune --cascade[\s\S]*TP_PLAN/)])
  })

  test('refuse a guard of other files and an invalid one', async () => {
    const other = await run('eval', mail, '--guard', guard, '--against', mail, '--data', held)
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('TP_GUARD')])
    const none = await run('eval', pruned, '--guard', held, '--against', mail, '--data', held)
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('invalid JSON')])
    const endless = await run('eval', pruned, '--guard', '/dev/zero', '--against', mail, '--data', held)
    expect([endless.code, endless.stderr]).toEqual([
      1,
      expect.stringMatching(/not a regular file[\s\S]*TP_FILE_NOT_FOUND/),
    ])
    const missing = await run('eval', pruned, '--guard', 'no.json', '--against', mail, '--data', held)
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('TP_FILE_NOT_FOUND')])
  })

  test.each([
    [['calibrate', pruned, '--data', calibration, '-o', guard], '--against'],
    [['calibrate', pruned, '--against', mail, '-o', guard], '--data'],
    [['calibrate', pruned, '--against', mail, '--data', calibration], '-o OUT'],
    [['calibrate', pruned, '--against', mail, '--data', calibration, '-o', pruned], 'is the model'],
    [['calibrate', pruned, '--against', mail, '--data', calibration, '-o', guard, '--uncertainty', 'x'], 'probability'],
    [['calibrate', mail, '--against', mail, '--data', calibration, '-o', guard], 'are the same model'],
    [['calibrate', mail, '--against', 'copy.onnx', '--data', calibration, '-o', guard], 'are the same model'],
    [
      ['calibrate', mail, '--against', pruned, '--data', calibration, '-o', guard],
      'pruned.onnx is pruned (received-attention), and',
    ],
    [
      [
        'calibrate',
        pruned,
        '--against',
        'smaller.onnx',
        '--data',
        calibration,
        '-o',
        guard,
        '--tokenizer',
        tokenizer,
        '--labels',
        'ham,spam',
      ],
      '% of the FLOPs of',
    ],
    [['eval', pruned, '--guard', guard, '--data', held], '--against'],
    [['eval', pruned, '--against', mail, '--data', held], '--guard'],
    [['eval', pruned, '--guard', guard, '--against', mail, '--data', held, '--methods', 'random'], 'not both'],
    [['eval', pruned, '--guard', guard, '--against', mail, '--data', held, '--keep', '0.5'], '--keep'],
  ])('refuse %j as bad usage', async (args, text) => {
    const { code, stderr } = await run(...args)
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)])
  })
})
