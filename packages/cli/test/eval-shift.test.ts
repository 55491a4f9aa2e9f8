import { writeFileSync } from 'node:fs'
import type { ShiftFigures } from '@tp/data/shifts'
import { digitsData, mailData, modelPath } from '@tp/models'
import { beforeAll, expect, test } from 'vitest'
import { idx, pixelsOf } from './idx.ts'
import { temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const digits = modelPath('digits-vit')
const MAILS = 8

beforeAll(() => {
  const mails = mailData('calibration').filter(({ text }) => text.length > 100 && text.length < 300)
  const lines = mails.slice(0, MAILS).map(({ text, label }) => `${label}\t${text.replaceAll('\t', ' ')}`)
  writeFileSync(folder.at('mails.tsv'), lines.join('\n'))
  const some = digitsData('test').filter((_, i) => i % 200 === 0)
  writeFileSync(folder.at('some-images-idx3-ubyte'), idx([some.length, 28, 28], some.flatMap(pixelsOf)))
  writeFileSync(
    folder.at('some-labels-idx1-ubyte'),
    idx(
      [some.length],
      some.map(({ label }) => label),
    ),
  )
})

test('prints a table for each method, with its extra loss compared with the original data', async () => {
  const args = ['--methods', 'stride,cls-attention', '--keep', '0.7', '--shift', 'typos:3,upper-case,length']
  const { code, stdout, stderr } = await tpHere(['eval', mail, '--data', folder.at('mails.tsv'), ...args])
  expect(code).toBe(0)
  expect(stderr).toContain('evaluating stride 0.7')
  const [title, stride, headings, own, typos, upper] = stdout.split('\n')
  expect(title).toMatch(/^model {2}model\.onnx 6×128 {3}8 examples, \d+ … \d+ tokens/)
  expect(stride).toBe('stride 0.7')
  expect(headings).toMatch(/^set +examples +dense +pruned +kept +agrees with dense +loss in points +extra loss$/)
  expect(own).toMatch(/^in distribution +8 .* 0\.\d\d +[\d.]+ % +[−\d.]+ \([−\d.]+ … [−\d.]+\)$/)
  expect(typos).toMatch(/^typos:3 +8 .*\) +[−\d.]+ \([−\d.]+ … [−\d.]+\)$/)
  expect(upper).toMatch(/^upper-case:1 +8 .* same inputs$/)
  expect(stdout).toContain('\ncls-attention 0.7\n')
  // bins by length, in both tables
  expect(stdout.match(/^\d+ … \d+ tokens/gm)?.length).toBeGreaterThanOrEqual(4)
}, 60_000)

test('evaluates images at all severities of a shift that is named without one', {
  timeout: 60_000,
  tags: 'exhaustive',
}, async () => {
  const args = ['--methods', 'cls-attention', '--keep', '0.5', '--shift', 'blur,noise:0', '--json']
  const { code, stdout } = await tpHere(['eval', digits, '--data', folder.at('some-images-idx3-ubyte'), ...args])
  expect(code).toBe(0)
  const { kind, examples, notes, dense, variants } = JSON.parse(stdout)
  expect([kind, notes.length]).toEqual(['shift', 1])
  const [{ method, keep, seeds, sets }] = variants as [
    { method: string; keep: string; seeds: number; sets: ShiftFigures[] },
  ]
  expect([method, keep, seeds]).toEqual(['cls-attention', '0.5', 1])
  const names = ['in distribution', ...[1, 2, 3, 4, 5].map((severity) => `blur:${severity}`), 'noise:0']
  expect(sets.map(({ name }) => name)).toEqual(names)
  expect(dense).toEqual(sets.map((set) => ({ name: set.name, examples, accuracy: set.dense })))
  // no noise is no difference
  expect(sets.at(-1)).toMatchObject({ loss: sets[0]?.loss, extraLoss: { estimate: 0 } })
  for (const { dense, pruned, loss, kept } of sets) {
    expect(loss.estimate).toBeCloseTo(dense.estimate - pruned.estimate, 9)
    expect(kept).toBeLessThan(0.5)
  }
})

test('evaluates a dense model on the suite', async () => {
  const args = ['--shift', 'suite', '--limit', '3']
  const { code, stdout } = await tpHere(['eval', mail, '--data', folder.at('mails.tsv'), ...args])
  expect(code).toBe(0)
  const [, headings, ...rows] = stdout.trimEnd().split('\n')
  expect(headings).toMatch(/^set +examples +accuracy$/)
  for (const name of ['in distribution', 'typos:1', 'typos:5', 'random-case:1', 'padding-around:3'])
    expect(rows.some((row) => row.startsWith(`${name} `))).toBe(true)
}, 60_000)

test.each([
  ['fog', /for text data there are suite, typos, .*, length/],
  ['typos:6', /typos has severities 0 to 5/],
  ['typos:x', /--shift has "typos:x"/],
])('refuses --shift %s as bad usage', async (shift, message) => {
  const { code, stderr } = await tpHere(['eval', mail, '--data', folder.at('mails.tsv'), '--shift', shift])
  expect(stderr).toMatch(message)
  expect(code).toBe(2)
})
