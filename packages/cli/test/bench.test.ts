import { writeFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { encodeModel } from '@tp/onnx'
import { languageModel } from 'exported-encoders'
import { beforeAll, describe, expect, test } from 'vitest'
import { fixture, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const digits = modelPath('digits-vit')

describe('tp bench', () => {
  beforeAll(async () => {
    const args = ['--method', 'cls-attention', '--keep', '0.2']
    expect((await tpHere(['prune', mail, '-o', folder.at('pruned.onnx'), ...args])).code).toBe(0)
  })

  test('compares two models, and succeeds where the required speed-up is met', async () => {
    const args = ['--against', mail, '--shapes', '1x128,2x64', '--min-speedup', '0.01', '--json']
    const { code, stdout, stderr } = await tpHere(['bench', folder.at('pruned.onnx'), ...args])
    expect(stderr).toBe('timing 1×128\ntiming 2×64\n')
    expect(code).toBe(0)
    const { rows, ...document } = JSON.parse(stdout)
    expect(document).toEqual({
      format: 1,
      kind: 'bench',
      runtime: 'onnxruntime-node',
      model: folder.at('pruned.onnx'),
      threads: 1,
      minSpeedup: 0.01,
      passed: true,
    })
    expect(rows.map(({ shape, model }: { shape: string; model: string }) => [shape, model])).toEqual([
      ['1×128', mail],
      ['1×128', folder.at('pruned.onnx')],
      ['2×64', mail],
      ['2×64', folder.at('pruned.onnx')],
    ])
    for (const { rounds, p50Ms, speedup, speedupLow, speedupHigh } of rows) {
      expect(rounds).toBeGreaterThanOrEqual(3)
      expect(p50Ms).toBeGreaterThan(0)
      expect(speedupLow).toBeLessThanOrEqual(speedup)
      expect(speedupHigh).toBeGreaterThanOrEqual(speedup)
    }
    expect(rows[0].speedup).toBe(1)
  }, 30_000)

  test('exits with 3 where the required speed-up is not met, and says where', async () => {
    const args = ['--against', folder.at('pruned.onnx'), '--shapes', '1x128', '--min-speedup', '100']
    const { code, stdout, stderr } = await tpHere(['bench', mail, ...args])
    expect(stdout).toContain('1×128')
    expect(stderr).toMatch(/model\.onnx at 1×128: \d+\.\d\d× is below the demanded 100\.00×/)
    expect(code).toBe(3)
  })

  test('prunes a model and compares it with the dense one', async () => {
    const args = ['--method', 'stride,random', '--keep', '0.5', '--shapes', '1', '--threads', '2', '--json']
    const { code, stdout } = await tpHere(['bench', digits, ...args])
    expect(code).toBe(0)
    const { rows, threads } = JSON.parse(stdout)
    expect(threads).toBe(2)
    expect(rows.map(({ model }: { model: string }) => model)).toEqual(['dense', 'none', 'stride 0.5', 'random 0.5'])
    expect(rows[0].flops).toBe(1)
    expect(rows[2].flops).toBeGreaterThan(2)
  }, 30_000)

  test('times a model that cannot be pruned', async () => {
    writeFileSync(folder.at('decoder.onnx'), encodeModel(languageModel()))
    const { code, stdout } = await tpHere(['bench', folder.at('decoder.onnx'), '--shapes', '1x8'])
    expect(code).toBe(0)
    expect(stdout).toContain('1×8')
  })

  test.each([
    ['more tokens than the model has', digits, '1x512', /number of tokens is 197; give the batch alone/],
    ['a longer text than the model takes', mail, '1x513', /takes texts of at most 512 tokens/],
    ['another batch than the model has', fixture('vit-cls-static-ts11'), '8', /always takes a batch of \d+/],
  ])('refuses %s', async (_, model, shape, message) => {
    const { code, stderr } = await tpHere(['bench', model, '--shapes', shape])
    expect(stderr).toMatch(message)
    expect(stderr).toContain('code: TP_INPUT')
    expect(code).toBe(1)
  })

  test('refuses a model with other inputs', async () => {
    const { code, stderr } = await tpHere(['bench', mail, '--against', digits, '--shapes', '1x8'])
    expect(stderr).toContain('code: TP_INPUT')
    expect(code).toBe(1)
  })
})
