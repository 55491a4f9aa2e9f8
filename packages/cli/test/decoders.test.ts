import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { inspectDecoder } from '@tp/compiler'
import type { TensorLike } from '@tp/core/runtime'
import { createNode, decodeModel, encodeModel, Graph } from '@tp/onnx'
import { decoderPath } from 'exported-decoders'
import { runModel } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { argv, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()

describe('a decoder', () => {
  test('inspect promises what tp prune does, and says what it refuses, and why', async () => {
    const advice = async (path: string): Promise<string | undefined> =>
      (await tpHere(['inspect', path])).stdout.match(/^pruning +(.*)/m)?.[1]
    const exact = 'tp prune --lossless leaves out what generating does not read'
    expect(await advice(decoderPath('llama'))).toBe(
      `tokens of a prompt, in later layers (tp prune --method last-query); ${exact}`,
    )
    const unmasked = 'no input [batch, earlier and new tokens] says which tokens are real'
    expect(await advice(decoderPath('whisper-past'))).toBe(`none of a prompt: ${unmasked}; ${exact}`)
    const { stdout } = await tpHere(['inspect', decoderPath('whisper-past'), '--json'])
    expect(JSON.parse(stdout).refusals).toMatchObject({ prompt: { message: unmasked } })
    expect(await advice(decoderPath('bloom'))).toMatch(
      /^none of a prompt: a layer keeps its heads as .*; tp prune --loss/,
    )

    const graph = new Graph(decodeModel(readFileSync(decoderPath('llama'))))
    graph.insert([createNode({ type: 'ArgMax', name: 'likeliest', inputs: ['logits'], outputs: ['likeliest'] })])
    graph.addOutput('likeliest', 'int64', [undefined, undefined, undefined])
    await writeFile(folder.at('likeliest.onnx'), encodeModel(graph.model))
    const reason = 'the output likeliest is computed from the logits of all tokens'
    expect(await advice(folder.at('likeliest.onnx'))).toMatch(new RegExp(`^none: ${reason}`))
  })

  test('inspect describes the decoder', async () => {
    const { code, stdout } = await tpHere(['inspect', decoderPath('llama')])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^decoder +2 layers, hidden 16, 4 heads \(2 for keys and values\)$/m)
    expect(stdout).toMatch(/^positions +input position_ids, rotary, written out$/m)
    expect(stdout).toMatch(/^caches +past_key_values\.0\.key → present\.0\.key, past_key_values\.0\.value/m)
    const { stdout: json } = await tpHere(['inspect', decoderPath('llama-fused-int4'), '--json'])
    const { decoder } = JSON.parse(json)
    expect(decoder).toMatchObject({ layerCount: 2, fused: 'com.microsoft.GroupQueryAttention', logitsOf: 'all tokens' })
    expect(decoder.caches[1].values).toEqual({ past: 'past_key_values.1.value', present: 'present.1.value' })
  })

  test.each(['llama-fused-int4', 'whisper-past'] as const)(
    'writes the last logits alone, and verifies them: %s',
    async (name) => {
      const out = folder.at(`${name}.onnx`)
      const { code, stdout } = await tpHere(['prune', decoderPath(name), '-o', out, '--lossless', '--json'])
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

  test('has its prompt pruned, and is verified', async () => {
    const [name, out] = ['llama-fused-int4', folder.at('prompt.onnx')] as const
    const options = ['--method', 'last-query', '--keep', '0.25']
    const { code, stdout } = await tpHere(['prune', decoderPath(name), '-o', out, ...options])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^a prompt is pruned after the attention of layer 0 \(keep 0\.25, at least 512 tokens\); caches of layer 1 are shorter/m,
    )
    expect(stdout).toMatch(/^verified on .*largest difference (\de-(0?[5-9]|\d\d)|0)\b/m)
    const { stdout: inspected } = await tpHere(['inspect', out])
    expect(inspected).toMatch(
      /^pruning +last-query, after the attention of layer 0 \(keep 0\.25, at least 512 tokens\)$/m,
    )
  })

  test('writes the last logits alone if no option says otherwise', async () => {
    const out = folder.at('default.onnx')
    const { code, stdout } = await tpHere(['prune', decoderPath('gpt2'), '-o', out, '--json'])
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ method: 'last logits' })])
  })

  test.each([
    [['--method', 'last-query'], 2, /say how many tokens to keep/],
    [['--method', 'last-query', '--keep', '0.5,0.5'], 2, /keep is one number for a decoder/],
    [['--method', 'last-query', '--keep', '0.5', '--layers', '0,1'], 2, /at one layer: layers has one number/],
    [
      ['--method', 'last-query', '--keep', '0.5', '--layers', '1'],
      4,
      /after layer 1 no caches follow; name a layer from 0 to 0/,
    ],
    [['--method', 'last-query', '--set', 'mass=0.5'], 2, /mass keeps as many as the scores say; give keep, /],
    [['--method', 'tome', '--keep', '0.5'], 1, /tome does more than score tokens/],
    [['--method', 'last-query', '--keep', '0.5', '--set', 'leastTokens=-1'], 2, /leastTokens is /],
    [['--method', 'last-query', '--flops', '0.5'], 2, /--flops is for encoders/],
    [['--method', 'thin-padding'], 2, /thin-padding decides by itself how many tokens are kept/],
  ])('refuses %j', async (args, exit, message) => {
    const out = folder.at('none.onnx')
    const { code, stderr } = await tpHere(['prune', decoderPath('llama'), '-o', out, ...args])
    expect([code, stderr]).toEqual([exit, expect.stringMatching(message)])
    expect(existsSync(out)).toBe(false)
  })
})

describe('tp quantize --caches', () => {
  test('writes a decoder with caches of 8 bits, which is inspected as one', async () => {
    const [last, out] = [folder.at('for-caches.onnx'), folder.at('caches.onnx')]
    expect((await tpHere(['prune', decoderPath('llama'), '-o', last, '--lossless'])).code).toBe(0)
    const { code, stdout } = await tpHere(['quantize', last, '-o', out, '--caches'])
    expect([code, stdout]).toEqual([0, expect.stringMatching(/a scale of its own: 64 bytes a token, were 128$/m)])
    const { stdout: inspected } = await tpHere(['inspect', out])
    expect(inspected).toMatch(/^caches +past_key_values\.0\.key → .*8 bits, scales past_key_values\.0\.key_scale …$/m)
    expect(inspected).toMatch(/^pruning +of the file with float caches/m)
    const again = await tpHere(argv`prune ${out} -o ${folder.at('pruned-again.onnx')} --method last-query --keep 0.5`)
    expect([again.code, again.stderr]).toEqual([4, expect.stringContaining('work on the file that it was made from')])
  })

  test.each([
    ['llama', ['--smooth'], 2, /only one of --caches and --smooth/],
    ['llama-fused-int4', [], 4, /GroupQueryAttention reads its caches as floats/],
  ] as const)('refuses %s %j', async (name, args, exit, message) => {
    const out = folder.at('no-caches.onnx')
    const { code, stderr } = await tpHere(['quantize', decoderPath(name), '-o', out, '--caches', ...args])
    expect([code, stderr]).toEqual([exit, expect.stringMatching(message)])
    expect(existsSync(out)).toBe(false)
  })
})

describe('tp press', () => {
  test('writes a model that keeps half of every cache', async () => {
    const out = folder.at('press.onnx')
    const { code, stdout } = await tpHere(
      argv`press ${decoderPath('llama')} -o ${out} --method streaming --param sinks=1 --keep 0.5`,
    )
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/streaming, keeps 0\.5 of the tokens of every cache\nverified on/),
    ])
    const cache = { type: 'float32', dims: [1, 2, 6, 4], data: Float32Array.from({ length: 48 }, (_, i) => i) } as const
    const names = [0, 1].flatMap((layer) => ['key', 'value'].map((kind) => `present.${layer}.${kind}`))
    const kept = await runModel(readFileSync(out), Object.fromEntries(names.map((name) => [name, cache])))
    const tokens = [...((kept['past_key_values.1.value'] as TensorLike).data as Float32Array)]
      .filter((_, i) => i % 4 === 0)
      .map((x) => x / 4)
    expect(tokens).toEqual([0, 4, 5, 6, 10, 11])
  })

  test.each([
    [['--method', 'received-attention', '--keep', '0.5'], 'reads attention, which caches do not have'],
    [['--method', 'key-diff'], 'say how many tokens to keep: one of --keep, '],
    [['--method', 'key-diff', '--keep', '70'], '--keep is 70; it must be at least 0.00005 and at most 1'],
    [['--keep', '0.5'], '--method NAME is missing'],
  ])('refuses %j', async (args, message) => {
    const out = folder.at('none.onnx')
    const { code, stderr } = await tpHere(['press', decoderPath('llama'), '-o', out, ...args])
    expect(code).not.toBe(0)
    expect(stderr).toContain(message)
    expect(existsSync(out)).toBe(false)
  })
})

test('options of encoders are refused for a decoder, not ignored', async () => {
  const out = folder.at('none.onnx')
  const { code, stderr } = await tpHere(['prune', decoderPath('gpt2'), '-o', out, '--lossless', '--leave-out', '1'])
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/--leave-out is for encoders, and .*gpt2\.onnx is a decoder/),
  ])
})

test('--lossless prunes no tokens', async () => {
  const { code, stderr } = await tpHere(
    argv`prune ${decoderPath('gpt2')} -o ${folder.at('none.onnx')} --lossless --keep 0.5`,
  )
  expect([code, stderr]).toEqual([2, expect.stringContaining('--lossless prunes no tokens')])
})
