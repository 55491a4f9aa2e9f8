import { writeFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { encodeModel } from '@tp/onnx'
import { convolutional, languageModel } from 'exported-encoders'
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

test('describes how a file was pruned', async () => {
  const out = folder.at('pruned.onnx')
  const args = ['--method', 'received-attention', '--keep', '0.7']
  expect((await tpHere(['prune', modelPath('digits-vit'), '-o', out, ...args])).code).toBe(0)
  const { code, stdout } = await tpHere(['inspect', out])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^pruned +received-attention, keep 0.7 at layers 1–4/m)
})
