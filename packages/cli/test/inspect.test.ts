import { writeFileSync } from 'node:fs'
import { gather } from '@tp/core'
import { modelPath } from '@tp/models'
import { encodeModel } from '@tp/onnx'
import { convolutional, encoderWithHead, languageModel } from 'exported-encoders'
import { expect, test } from 'vitest'
import { withoutNodes } from './small-models.ts'
import { fixture, temporaryFolder, testModel, tpHere } from './tp.ts'

test('describes the model', async () => {
  const { code, stdout, stderr } = await tpHere(['inspect', modelPath('mail')])
  expect(code).toBe(0)
  expect(stderr).toBe('')
  expect(stdout).toContain('6 layers, post-norm, hidden 128, 4 heads')
  expect(stdout).toContain('attention_mask')
  const node = '/m/bert/encoder/layer.5/attention/self/Softmax'
  expect(stdout).not.toContain(node)
  expect((await tpHere(['inspect', '--verbose', modelPath('mail')])).stdout).toContain(node)
})

test('prints one JSON document', async () => {
  const { code, stdout } = await tpHere(['inspect', modelPath('digits-vit'), '--json'])
  expect(code).toBe(0)
  const document = JSON.parse(stdout)
  expect(document).toMatchObject({
    ...{
      format: 1,
      kind: 'inspect',
      opset: 17,
      tokens: 197,
      hidden: 64,
      heads: 4,
      protectedTokens: [0],
      classToken: 0,
    },
    ...{ dataFiles: [], tokenOutputs: [], pruned: [] },
  })
  expect(document.layers.map(({ layer, norm }: { layer: number; norm: string }) => [layer, norm])).toEqual(
    [0, 1, 2, 3, 4, 5].map((layer) => [layer, 'pre']),
  )
  // per layer 12·n·d² + 2·n²·d, the patches (5·5·64 for each of 196) and the head (64·10)
  expect(document.flops).toEqual([
    { batch: 1, tokens: 197, flops: 6 * (12 * 197 * 64 ** 2 + 2 * 197 ** 2 * 64) + 196 * 25 * 64 + 640 },
  ])
})

test('names the operator that hides the probabilities, and the methods that need it unfused', async () => {
  const path = fixture('vit-cls-ortfused')
  const { stdout } = await tpHere(['inspect', path, '--verbose'])
  expect(stdout).toMatch(/^fused +attention is one com\.microsoft\.Attention operator.*batch·4·17²/m)
  expect(stdout).toMatch(/^written out by +received-attention, .*; whole under all others$/m)
  expect(stdout).toContain('Attention_0 (com.microsoft.Attention)')
  const document = JSON.parse((await tpHere(['inspect', path, '--json'])).stdout)
  expect(document.layers.map(({ fused }: { fused: string }) => fused)).toEqual(Array(3).fill('com.microsoft.Attention'))
  expect(document.unfusedBy).toContain('received-attention')
  for (const whole of ['cls-attention', 'key-norm', 'value-weighted', 'tome', 'random']) {
    expect(document.unfusedBy).not.toContain(whole)
  }
})

const folder = temporaryFolder()
function written(name: string, bytes: Uint8Array): string {
  writeFileSync(folder.at(name), bytes)
  return folder.at(name)
}

test.each([
  ['a decoder', () => written('lm.onnx', encodeModel(languageModel())), 'TP_CAUSAL'],
  ['control flow', () => testModel('if-before-blocks'), 'TP_CONTROL_FLOW'],
  ['convolutions', () => written('conv.onnx', convolutional()), 'TP_NO_ATTENTION'],
  ['no layers', () => written('empty.onnx', withoutNodes()), 'TP_EMPTY'],
])('refuses a model with %s: exit code 4, the reason and the node', async (_, path, errorCode) => {
  const { code, stdout, stderr } = await tpHere(['inspect', path(), '--json'])
  expect(code).toBe(4)
  const document = JSON.parse(stdout)
  expect(document).toMatchObject({ format: 1, kind: 'refusal', code: errorCode })
  expect(stderr).toContain(document.message)
  expect(stderr).not.toContain('(node')
  if (errorCode === 'TP_EMPTY') return
  expect(stderr).toContain('(--verbose names the node)')
  const verbose = await tpHere(['inspect', path(), '--verbose'])
  expect(verbose.stderr).toMatch(/\(node .+ \(\w+\)\)\.\nsee \S+\ncode: TP_\w+\n$/)
})

test.each([
  ['bert-cls-sdpa-dynamo18', 'logits: the class token (position 0)', { kind: 'class-token', position: 0 }],
  ['timm-vit-avgpool-ts17', 'output: mean over all tokens', { kind: 'mean', masked: false }],
  ['bert-qa-sdpa-ts17', 'start_logits: an answer for each token; end_logits: an', { kind: 'token-answers' }],
])('says what the head of %s makes of the tokens', async (name, text, read) => {
  const path = fixture(name)
  const { stdout } = await tpHere(['inspect', path])
  expect(/^head +(.*)$/m.exec(stdout)?.[1]).toContain(text)
  const { head } = JSON.parse((await tpHere(['inspect', path, '--json'])).stdout)
  expect(head[0]).toEqual({ output: expect.any(String), reads: [read], normalized: false })
})

test.each([
  [
    'bert-cls-sdpa-dynamo18',
    /^input attention_mask; on the right: with padding on the left, the head would read padding as its class token/,
  ],
  ['bert-qa-sdpa-ts17', /^input attention_mask$/],
  ['timm-vit-avgpool-ts17', /^none/],
])('says on which side %s takes padding', async (name, text) => {
  const { stdout } = await tpHere(['inspect', fixture(name)])
  expect(/^padding +(.*)$/m.exec(stdout)?.[1]).toMatch(text)
})

test('says that a head of the last token takes padding on the left', async () => {
  const path = folder.at('last.onnx')
  writeFileSync(
    path,
    encoderWithHead(({ x, linear }) => linear(gather(x, -1, 1), 3)),
  )
  const { stdout } = await tpHere(['inspect', path])
  expect(stdout).toMatch(/^padding +input attention_mask; on the left: .* would read padding as its last token$/m)
})

test('describes how a file was pruned', async () => {
  const out = folder.at('pruned.onnx')
  const args = ['--method', 'received-attention', '--keep', '0.7']
  expect((await tpHere(['prune', modelPath('digits-vit'), '-o', out, ...args])).code).toBe(0)
  const { code, stdout } = await tpHere(['inspect', out])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^pruned +received-attention, keep 0.7 at layers 1–4/m)
})
