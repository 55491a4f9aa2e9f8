import { existsSync, readFileSync } from 'node:fs'
import { inspectDecoder } from '@tp/compiler'
import { decodeModel } from '@tp/onnx'
import { decoderPath } from 'exported-decoders'
import { describe, expect, test } from 'vitest'
import { temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()

describe('a decoder', () => {
  test('is described by inspect', async () => {
    const { code, stdout } = await tpHere(['inspect', decoderPath('llama')])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^decoder +2 layers, hidden 16, 4 heads \(2 for keys and values\)$/m)
    expect(stdout).toMatch(/^positions +input position_ids, rotary, written out$/m)
    expect(stdout).toMatch(/^caches +4, past_key_values\.0\.key → present\.0\.key …$/m)
    const { stdout: json } = await tpHere(['inspect', decoderPath('llama-fused-int4'), '--json'])
    const { decoder } = JSON.parse(json)
    expect(decoder).toMatchObject({ layerCount: 2, fused: 'com.microsoft.GroupQueryAttention', logitsOf: 'all tokens' })
    expect(decoder.caches[3]).toEqual({ past: 'past_key_values.1.value', present: 'present.1.value' })
  })

  test.each(['llama', 'llama-fused-int4'] as const)(
    'is written with the last logits alone, and verified: %s',
    async (name) => {
      const out = folder.at(`${name}.onnx`)
      const { code, stdout } = await tpHere(['prune', decoderPath(name), '-o', out, '--lossless', '--verify', '--json'])
      expect(code).toBe(0)
      const { method, verification } = JSON.parse(stdout)
      expect(method).toBe('last logits')
      expect(verification.difference).toBeLessThan(1e-5)
      expect(inspectDecoder(decodeModel(readFileSync(out)))).toMatchObject({ ok: true, logitsOf: 'the last token' })
      const again = await tpHere(['prune', out, '-o', folder.at('again.onnx'), '--lossless'])
      expect([again.code, again.stderr]).toEqual([4, expect.stringContaining('the last token alone already')])
      expect(existsSync(folder.at('again.onnx'))).toBe(false)
    },
  )

  test('is refused where tokens are to be pruned between its layers', async () => {
    const amount = ['--method', 'received-attention', '--keep', '0.5']
    const { code, stderr } = await tpHere(['prune', decoderPath('gpt2'), '-o', folder.at('none.onnx'), ...amount])
    expect([code, stderr]).toEqual([
      4,
      expect.stringMatching(/a decoder: tokens see only those before them.*--lossless/),
    ])
  })
})

test('--lossless prunes no tokens', async () => {
  const { code, stderr } = await tpHere([
    'prune',
    decoderPath('gpt2'),
    '-o',
    folder.at('none.onnx'),
    '--lossless',
    '--keep',
    '0.5',
  ])
  expect([code, stderr]).toEqual([2, expect.stringContaining('--lossless prunes no tokens')])
})
