import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { readProvenance } from '@tp/compiler'
import { mailData, modelPath } from '@tp/models'
import { decodeModel } from '@tp/onnx'
import { beforeAll, describe, expect, test } from 'vitest'
import { fixture, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const timeout = 60_000
const methodsOf = (name: string): string[] =>
  readProvenance(decodeModel(readFileSync(folder.at(name)))).map(({ method }) => method)

beforeAll(() => {
  copyFileSync(modelPath('mail'), folder.at('model.onnx'))
  copyFileSync(modelPath('mail', 'tokenizer'), folder.at('tokenizer.json'))
  copyFileSync(modelPath('digits-vit'), folder.at('digits.onnx'))
  copyFileSync(fixture('timm-vit-avgpool-ts17'), folder.at('pooled.onnx'))
  const mails = mailData('calibration').filter(({ text }) => text.length < 400)
  const lines = mails.map(({ text, label }) => `${['ham', 'spam'][label]}\t${text.replaceAll(/\s+/g, ' ')}\n`)
  writeFileSync(folder.at('few.tsv'), lines.slice(0, 12).join(''))
  writeFileSync(folder.at('many.tsv'), lines.slice(0, 96).join(''))
})

describe('tp prune MODEL and nothing else', () => {
  test('writes next to a classifier of texts what was measured to be safe, verified and timed', {
    timeout,
  }, async () => {
    const { code, stdout } = await tpHere(['prune', folder.at('model.onnx')])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^verified on \d+ examples/m)
    expect(stdout).toMatch(
      /^\d+\.\d\d× \(.*\) as fast as dense at 128 tokens, one thread; (accuracy not measured: tp optimize --data measures it|exact)/m,
    )
    expect(stdout).toMatch(
      /^note {2}(no method was given, and the head reads the class token|value-aware at keep 0\.8)/m,
    )
    expect(['value-aware', 'none']).toContain(methodsOf('model.pruned.onnx')[0])
  })

  test('does not write over a file that nobody has named', async () => {
    writeFileSync(folder.at('digits.pruned.onnx'), 'mine')
    const { code, stderr } = await tpHere(['prune', folder.at('digits.onnx')])
    expect(stderr).toContain('exists already, and -o names no output')
    expect([code, stderr]).toEqual([2, expect.stringContaining('code: TP_OUTPUT')])
    expect(readFileSync(folder.at('digits.pruned.onnx'), 'utf8')).toBe('mine')
  })

  test.each<[mistake: string, args: string[], message: RegExp]>([
    ['an amount', ['--method', 'stride', '--keep', '3'], /--keep is 3/],
    ['a method', ['--method', 'strid', '--keep', '0.5'], /did you mean stride/],
    ['a layer', ['--method', 'stride', '--keep', '0.5', '--layers', '99'], /TP_SCHEDULE/],
    ['an encoder', ['--encoder', 'none'], /TP_ENCODER/],
  ])('says that the output exists only if nothing else is wrong: %s', async (_, args, message) => {
    writeFileSync(folder.at('digits.pruned.onnx'), 'mine')
    const { code, stderr } = await tpHere(['prune', folder.at('digits.onnx'), ...args])
    expect([code === 0, stderr]).toEqual([false, expect.stringMatching(message)])
    expect(stderr).not.toContain('exists already')
  })

  test('says that a model is missing before where it would be written', async () => {
    const { stderr } = await tpHere(['prune', folder.at('no-such', 'model.onnx')])
    expect(stderr).toMatch(/there is no file that can be read at .*model\.onnx\nsee \S+\ncode: TP_FILE_NOT_FOUND/)
  })

  test('replaces a file that nobody has named with --force', { timeout }, async () => {
    writeFileSync(folder.at('digits.pruned.onnx'), 'mine')
    const { code } = await tpHere(['prune', folder.at('digits.onnx'), '--force'])
    expect([code, methodsOf('digits.pruned.onnx').length]).toEqual([0, 1])
  })

  test('does only what is exact where every token is read', { timeout }, async () => {
    const { code, stdout } = await tpHere(['prune', folder.at('pooled.onnx')])
    expect(code).toBe(0)
    expect(stdout).toContain('no method was given, so only tokens that nothing reads are eliminated')
    expect(stdout).toMatch(/one thread; exact: the outputs are the dense ones$/m)
    expect(methodsOf('pooled.pruned.onnx')).toEqual(['none'])
  })
})

describe('tp optimize', () => {
  const data = (name: string): string[] => ['--data', folder.at(name), '--read', 'labels=ham,spam']

  test('refuses to choose by few examples', async () => {
    const few = await tpHere(['optimize', folder.at('model.onnx'), '-o', folder.at('x.onnx'), ...data('few.tsv')])
    expect(few.stderr).toContain('12 examples are too few to choose by; give 60 or more')
    expect(few.code).toBe(1)
  })
})
