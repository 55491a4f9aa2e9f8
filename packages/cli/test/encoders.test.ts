import { readFileSync, writeFileSync } from 'node:fs'
import { readProvenance } from '@tp/compiler'
import { modelPath } from '@tp/models'
import { decodeModel, Graph } from '@tp/onnx'
import { beforeAll, describe, expect, test } from 'vitest'
import { twoEncoders } from './small-models.ts'
import { argv, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const keep = ['--method', 'received-attention', '--keep', '0.6']

describe('two encoders in one file', () => {
  let model: string
  beforeAll(() => {
    model = folder.at('two.onnx')
    writeFileSync(model, twoEncoders())
  })
  const prune = (...args: readonly string[]) =>
    tpHere(['prune', model, '-o', folder.at('pruned.onnx'), '--no-verify', ...keep, ...args])

  test('inspect lists them, and shows the selected one', async () => {
    const { code, stdout } = await tpHere(['inspect', model])
    expect(code).toBe(0)
    expect(stdout).toContain('input_ids (6 layers); pixel_values (6 layers)')
    const image = JSON.parse((await tpHere(['inspect', model, '--encoder', 'pixel_values', '--json'])).stdout)
    expect(image).toMatchObject({ encoder: 'pixel_values', tokens: 197, hidden: 64 })
    expect(image.encoders).toEqual([
      { name: 'input_ids', layerCount: 6 },
      { name: 'pixel_values', layerCount: 6 },
    ])
  })

  test('--layers names the layers of each', async () => {
    const { stdout } = await prune('--layers', 'pixel_values:1,2', '--layers', 'input_ids:3', '--json')
    expect(JSON.parse(stdout).encoders).toMatchObject([
      { name: 'input_ids', cuts: [3] },
      { name: 'pixel_values', cuts: [1, 2] },
    ])
  })

  test('--layers for one encoder prunes nothing in the other; neither does --encoder', async () => {
    for (const args of [
      ['--layers', 'pixel_values:1,2'],
      ['--encoder', 'pixel_values', '--layers', '1,2'],
    ]) {
      await prune(...args)
      const steps = readProvenance(decodeModel(readFileSync(folder.at('pruned.onnx'))))
      expect(steps.flatMap(({ encoder, cuts }) => cuts.map(({ layer }) => `${encoder} ${layer}`))).toEqual([
        'pixel_values 1',
        'pixel_values 2',
      ])
    }
  })

  test.each([
    [
      'an encoder that does not exist',
      ['--encoder', 'sound'],
      'no encoder sound; it has input_ids (6 layers), pixel_values',
    ],
    ['layers of one', ['--layers', 'sound:1'], 'layers names the encoder "sound"'],
    ['layers given twice', ['--layers', '1', '--layers', '2'], '--layers is given twice'],
    ['layers with and without a name', ['--layers', '1', '--layers', 'input_ids:2'], 'name it each time'],
  ])('refuses %s as bad usage', async (_, args, message) => {
    const { code, stderr } = await prune(...args)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})

describe('a pruned file', () => {
  test('prunes the file further at the remaining layers, by default at all of them', async () => {
    const [once, twice] = [folder.at('once.onnx'), folder.at('twice.onnx')]
    await tpHere(['prune', modelPath('mail'), '-o', once, ...keep, '--layers', '1'])
    const { code, stdout } = await tpHere(argv`prune ${once} -o ${twice} --method key-norm --keep 0.8 --json`)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ cuts: [2, 3, 4] })
    const steps = readProvenance(decodeModel(readFileSync(twice)))
    expect(steps.map(({ method }) => method)).toEqual(['received-attention', 'key-norm'])
    const early = await tpHere(['prune', once, '-o', twice, ...keep, '--layers', '0,1'])
    expect(early.code).toBe(4)
    expect(early.stderr).toContain('name layers from 2 to 5')
    const full = folder.at('full.onnx')
    await tpHere(['prune', modelPath('mail'), '-o', full, ...keep])
    const again = await tpHere(['prune', full, '-o', twice, ...keep])
    expect(again.code).toBe(4)
    expect(again.stderr).toContain('code: TP_PRUNED')
  })
})

describe('--outputs', () => {
  let model: string
  const out = (): string => folder.at('one.onnx')
  const pruneFor = (output: string, ...more: string[]) =>
    tpHere(['prune', model, '-o', out(), ...keep, '--set', `outputs=${output}`, ...more])
  beforeAll(() => {
    model = folder.at('three.onnx')
    writeFileSync(model, twoEncoders())
  })

  test('keeps the named outputs and removes the others', async () => {
    expect((await pruneFor('digit_logits')).code).toBe(0)
    expect(new Graph(decodeModel(readFileSync(out()))).outputs.map(({ name }) => name)).toEqual(['digit_logits'])
    const { code: bad, stderr } = await pruneFor('scores')
    expect(bad).toBe(2)
    expect(stderr).toContain('no output scores; it has logits, digit_logits')
  })
})
