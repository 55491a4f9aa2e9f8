import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { mailData, modelPath } from '@tp/models'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { argv, type Ended, temporaryFolder, tpHere } from './tp.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const folder = temporaryFolder()
const mail = modelPath('mail')
const tokenizer = modelPath('mail', 'tokenizer')
/** Names of files are those of files in the folder. */
const named = (args: readonly string[]): string[] =>
  args.map((arg) => (/^\w+\.(onnx|tsv|json)$/.test(arg) ? folder.at(arg) : arg))
const run = (...args: readonly string[]) => tpHere(named(args))
const [pruned, calibration, guard] = ['pruned.onnx', 'calibration.tsv', 'guard.json'] as const
const promise = ['--agreement', '0.9', '--confidence', '0.9']
let calibrated: Ended

beforeAll(async () => {
  const mails = mailData('calibration').filter(({ text }) => text.length < 500)
  const lines = mails.filter((_, i) => i % 3 === 0).slice(0, 48)
  writeFileSync(
    folder.at(calibration),
    lines.map(({ text, label }) => `${['ham', 'spam'][label]}\t${text.replaceAll('\t', ' ')}\n`).join(''),
  )
  const smaller = ['--method', 'stride', '--keep', '0.02', '--layers', '0']
  const amount = ['--method', 'received-attention', '--keep', '0.05', '--layers', '0']
  copyFileSync(mail, folder.at('copy.onnx'))
  const { code, stderr } = await run('prune', mail, '-o', pruned, ...amount, '--monitor')
  expect((await run('prune', mail, '-o', 'smaller.onnx', ...smaller)).code).toBe(0)
  expect([code, stderr]).toEqual([0, expect.stringContaining('pruning')])
  calibrated = await run('calibrate', pruned, '--against', mail, '--data', calibration, ...promise, '-o', guard)
})

test('writes in calibrate a guard file: promise, threshold and baseline', async () => {
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
})

describe('refusals of calibrate', () => {
  test('refuse too few examples for the promise, and write nothing', async () => {
    const out = 'none.json'
    const few = ['--data', calibration, '--limit', '20', '-o', out]
    const { code, stderr } = await run('calibrate', pruned, '--against', mail, ...few)
    expect([code, stderr]).toEqual([1, expect.stringContaining('at least 299')])
    expect(folder.files()).not.toContain('none.json')
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
      argv`calibrate ${pruned} --against smaller.onnx --data ${calibration} -o ${guard} --read tokenizer=${tokenizer} --read labels=ham,spam`,
      '% of the FLOPs of',
    ],
  ])('refuse %j as bad usage', async (args, text) => {
    const { code, stderr } = await run(...args)
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)])
  })
})

describe('guards of tp run', () => {
  const ran = (model: string, file: string): Promise<Ended> => {
    const facts = ['--read', `tokenizer=${tokenizer}`, '--read', 'labels=ham,spam']
    const data = ['--data', calibration, '-o', folder.at('guarded.jsonl')]
    return run('run', model, '--guard', file, '--against', mail, ...data, ...facts)
  }

  test.each<[string, string, string, RegExp]>([
    ['of other files', mail, guard, /TP_GUARD/],
    ['that is invalid JSON', pruned, calibration, /invalid JSON/],
    ['that is endless', pruned, '/dev/zero', /not a regular file[\s\S]*TP_FILE_NOT_FOUND/],
    ['that is missing', pruned, 'no.json', /TP_FILE_NOT_FOUND/],
  ])('refuses a guard %s', async (_, model, file, message) => {
    const { code, stderr } = await ran(model, file)
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)])
    expect(folder.files()).not.toContain('guarded.jsonl')
  })
})
