import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { readChosenOn } from '@tp/compiler'
import { mailData, modelPath } from '@tp/models'
import { decodeModel } from '@tp/onnx'
import { saturatesOn } from '@tp/optimize'
import { nodeRuntime } from '@tp/runtime-node'
import { decoderPath } from 'exported-decoders'
import { InferenceSession } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { argv, fixture, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const model = modelPath('mail')

function operators(path: string): string[] {
  return decodeModel(readFileSync(path)).proto.graph?.node.map(({ opType }) => opType) ?? []
}

describe('the model of mails', () => {
  test('becomes 8-bit, and inspects and prunes as before', async () => {
    const out = folder.at('int8.onnx')
    const { code, stdout } = await tpHere(['quantize', model, '-o', out, '--json'])
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ kind: 'quantize', type: 'int8', perChannel: true, reduceRange: false })
    expect(report.nodes).toHaveLength(41)
    expect(report.bytes).toBeLessThan(0.3 * report.bytesBefore)
    expect((await tpHere(['inspect', out])).code).toBe(0)
    const twice = await tpHere(['quantize', out, '-o', folder.at('twice.onnx')])
    expect(twice.code).toBe(4)
    expect(twice.stderr).toContain('code: TP_QUANTIZED')
  })

  test('keeps its weights in 8 bits, and rounds by token what was rounded by tensor', async () => {
    const [before, out] = [folder.at('tensor.onnx'), folder.at('token.onnx')]
    expect((await tpHere(['quantize', model, '-o', before, '--activations', 'tensor'])).code).toBe(0)
    const { code, stdout } = await tpHere(['quantize', before, '-o', out])
    expect(code).toBe(0)
    expect(stdout).toMatch(/weights as they were; activations of 38 products: one scale for each token\n/)
    expect(stdout).toMatch(/the same answers alone and in a batch$/m)
    expect(operators(out)).not.toContain('DynamicQuantizeLinear')
    const { stderr } = await tpHere(['quantize', before, '-o', out, '--reduce-range'])
    expect(stderr).toContain(
      'the weights were in 8 bits and stay as they are: --type and --reduce-range change nothing',
    )
  })

  test.each(['token', 'tensor'])(
    'runs each product as one node, apart from the sums around it: %s',
    async (activations) => {
      const [out, optimized] = [folder.at(`fused-${activations}.onnx`), folder.at(`optimized-${activations}.onnx`)]
      expect((await tpHere(['quantize', model, '-o', out, '--activations', activations])).code).toBe(0)
      const session = await InferenceSession.create(out, { optimizedModelFilePath: optimized, logSeverityLevel: 4 })
      await session.release()
      const types = operators(optimized)
      const products = types.filter((type) => ['MatMulIntegerToFloat', 'DynamicQuantizeMatMul'].includes(type))
      expect(products).toHaveLength(38)
      for (const slow of ['MatMulInteger', 'SkipLayerNormalization']) expect(types).not.toContain(slow)
      if (activations === 'token') expect(types).not.toContain('BiasGelu')
    },
  )

  test.each(['llama', 'gpt2'] as const)(
    'compares prompts padded on either side, if the model is a decoder: %s',
    async (name) => {
      // Where sums of products saturate, those of random weights do.
      const range = (await saturatesOn(nodeRuntime())) ? ['--reduce-range'] : []
      const args = ['quantize', decoderPath(name), '-o', folder.at(`${name}.onnx`), ...range]
      const { stdout } = await tpHere(args)
      expect(stdout).toMatch(/^verified on .*outputs differ by up to [1-4]?[\d.]+ % of their size/m)
    },
  )

  test('compares the texts of a decoder, and leaves products in float32 until they are the same', async () => {
    const decoder = folder.at('decoder.onnx')
    copyFileSync(decoderPath('llama'), decoder)
    const vocab = Object.fromEntries(Array.from({ length: 96 }, (_, i) => [`w${i}`, i]))
    const model = { type: 'WordLevel', vocab, unk_token: 'w0' }
    const tokenizer = { version: '1.0', added_tokens: [], pre_tokenizer: { type: 'Whitespace' }, model }
    writeFileSync(folder.at('tokenizer.json'), JSON.stringify(tokenizer))
    const prompt = (seed: number): string =>
      Array.from({ length: 6 }, (_, i) => `w${(seed * 31 + i * 7) % 96}`).join(' ')
    writeFileSync(folder.at('prompts.txt'), Array.from({ length: 5 }, (_, i) => prompt(i)).join('\n'))
    const args = ['quantize', decoder, '-o', folder.at('texts.onnx'), '--data', folder.at('prompts.txt')]
    const whole = await tpHere([...args, '--limit', '4'])
    expect(whole.code).toBe(0)
    const [, kept = '', next = ''] =
      /(\d+) of 4 prompts are continued by the text of the model as it was \(24 tokens, greedy\); ([\d.]+) %/.exec(
        whole.stdout,
      ) ?? []
    expect(Number(kept)).toBeLessThan(4)
    expect(Number(next)).toBeGreaterThan(50)
    expect(whole.stdout).toMatch(/8 bits change what it writes: --within 0\.\d\d leaves the products/)
    const near = await tpHere([...args, '--within', '0.98', '--json'])
    expect(near.code).toBe(0)
    const { similarity, prompts, floats, nodes } = JSON.parse(near.stdout)
    expect([similarity >= 0.98, prompts, floats.length > 0, nodes.length > 0]).toEqual([true, 5, true, true])
    expect(await tpHere([...args, '--smooth'])).toMatchObject({ code: 2 })
  })

  test('says why a model whose inputs cannot be generated is not verified', async () => {
    const args = ['quantize', decoderPath('whisper-merged-fixed'), '-o', folder.at('merged.onnx')]
    expect(await tpHere(args)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^not verified: \S/m) })
  })

  test('takes the options of onnxruntime, and leaves out nodes by name', async () => {
    const out = folder.at('uint8.onnx')
    const [node] = decodeModel(readFileSync(model)).proto.graph?.node.filter(({ opType }) => opType === 'MatMul') ?? []
    const args = ['quantize', model, '-o', out, '--type', 'uint8', '--per-tensor', '--exclude', node?.name ?? '']
    const { code, stdout } = await tpHere(args)
    expect(code).toBe(0)
    expect(stdout).toContain('37 products and 3 tables in uint8, one scale for each matrix')
    expect(operators(out).filter((type) => type === 'MatMulInteger')).toHaveLength(37)
  })

  test('compares the model with itself on data, and leaves nodes in float32 until it is near enough', {
    timeout: 120_000,
  }, async () => {
    const data = folder.at('mails.tsv')
    const rows = mailData('calibration').slice(0, 12)
    writeFileSync(
      data,
      ['label\ttext', ...rows.map(({ label, text }) => `${label}\t${text.replace(/\s+/g, ' ')}`)].join('\n'),
    )
    const args = ['quantize', model, '-o', folder.at('near.onnx'), '--data', data, '--within', '0.9', '--json']
    const { code, stdout, stderr } = await tpHere(args)
    expect(stderr).toContain('running it in 8 bits')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ task: 'classification', similarity: 1, floats: [] })
    const marksOf = (): string[] => readChosenOn(decodeModel(readFileSync(folder.at('near.onnx'))))
    const marks = marksOf()
    expect(marks).toEqual([expect.stringMatching(/^(?:[0-9a-z]{7}){12}$/)])
    const smooth = await tpHere(args.with(6, '--smooth').toSpliced(7, 1))
    const { smoothed, similarity } = JSON.parse(smooth.stdout)
    expect([smooth.code, similarity]).toEqual([0, 1])
    // channels are measured on some of them
    expect(marksOf()).toEqual([expect.stringMatching(/^(?:[0-9a-z]{7}){11}$/)])
    for (const { loud, before, after } of smoothed) expect([loud > 0, before > after]).toEqual([true, true])
  })
})

test.each([
  ['without a file to write', ['quantize', model]],
  ['over the model itself', ['quantize', model, '-o', model]],
  ['to an unknown type', ['quantize', model, '-o', folder.at('x.onnx'), '--type', 'int4']],
  ['smoothed without data', ['quantize', model, '-o', folder.at('x.onnx'), '--smooth']],
  ['within a bound without data', ['quantize', model, '-o', folder.at('x.onnx'), '--within', '0.99']],
])('reports a usage error %s', async (_, args) => {
  expect((await tpHere(args)).code).toBe(2)
})

test('writes nothing for a model that is refused', async () => {
  const { code, stderr } = await tpHere(
    argv`quantize ${fixture('gpt2-old-ts14')} -o ${folder.at('none.onnx')} --exclude x`,
  )
  expect(code).not.toBe(0)
  expect(stderr).toContain('no node "x"')
  expect(folder.files()).not.toContain('none.onnx')
})
