import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modelPath } from '@tp/models'
import { nativeRuntime } from '@tp/runtime-native'
import { afterAll, describe, expect, test } from 'vitest'
import { tpHere } from './tp.ts'

const folder = mkdtempSync(join(tmpdir(), 'tp-pack-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const packed = join(folder, 'packed.onnx')

test('packs a model, which other commands refuse as packed and any runtime runs', { timeout: 60_000 }, async () => {
  const { code, stdout } = await tpHere(['pack', modelPath('mail'), '-o', packed, '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ format: 1, kind: 'pack', out: packed, attentions: 6 })
  for (const args of [
    ['inspect', packed],
    ['pack', packed, '-o', join(folder, 'again.onnx')],
    ['prune', packed, '-o', join(folder, 'again.onnx'), '--method', 'cls-attention', '--keep', '0.5'],
  ]) {
    const refused = await tpHere(args)
    expect(refused.code).toBe(4)
    expect(refused.stderr).toContain('code: TP_PACK')
  }
  for (const runtime of ['node', 'web']) {
    const elsewhere = await tpHere(['bench', packed, '--shapes', '1x8', '--runtime', runtime])
    expect(elsewhere.code).toBe(0)
  }
})

test('refuses a model whose examples are equally long, and writes nothing', async () => {
  const { code, stderr } = await tpHere(['pack', modelPath('digits-vit'), '-o', join(folder, 'digits.onnx')])
  expect(code).toBe(4)
  expect(stderr).toContain('gains nothing by being packed')
  expect(readdirSync(folder)).toEqual(['packed.onnx'])
})

test('refuses the model itself as the output, and requires -o', async () => {
  expect((await tpHere(['pack', modelPath('mail')])).code).toBe(2)
  const { code, stderr } = await tpHere(['pack', modelPath('mail'), '-o', modelPath('mail')])
  expect(code).toBe(2)
  expect(stderr).toContain('TP_OUTPUT')
})

const missing = await nativeRuntime()
  .diagnose()
  .then(
    () => '',
    (error: Error) => ` (left out: ${error.message})`,
  )

describe.skipIf(missing !== '')(`with the native runtime${missing}`, () => {
  test('verifies and times a packed model', async () => {
    const verified = join(folder, 'verified.onnx')
    const { code, stdout } = await tpHere(['pack', modelPath('mail'), '-o', verified, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout).verification.difference).toBeLessThan(1e-4)
    expect(existsSync(verified)).toBe(true)
    const bench = await tpHere(['bench', verified, '--runtime', 'native', '--shapes', '2x16', '--json'])
    expect(bench.code).toBe(0)
    expect(JSON.parse(bench.stdout).rows).toHaveLength(1)
  })

  test('verifies a plan that packs with the runtime that runs the file', async () => {
    const plan = join(folder, 'plan.json')
    const fields = { format: 1, method: 'cls-attention', keep: 0.6, layers: [0, 1], pack: true }
    writeFileSync(plan, JSON.stringify(fields))
    const out = join(folder, 'pruned-and-packed.onnx')
    const { code, stdout } = await tpHere(['prune', modelPath('mail'), '--plan', plan, '-o', out, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout).verification.difference).toBeLessThan(1e-4)
  })

  test('says of an 8-bit model how far rounding moves its outputs', async () => {
    const verified = join(folder, 'int8.onnx')
    const { code, stdout } = await tpHere(['pack', modelPath('mail', 'int8'), '-o', verified])
    expect(code).toBe(0)
    expect(stdout).toMatch(/6 attentions are packed/)
    expect(stdout).toMatch(/^verified on .*outputs differ by up to .* of their size/m)
  })
})
