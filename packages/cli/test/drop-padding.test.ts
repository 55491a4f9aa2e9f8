import { readFileSync, writeFileSync } from 'node:fs'
import { prune, transform } from '@tp/compiler'
import { mean, schedule, type Tensor } from '@tp/core'
import { dropPadding } from '@tp/method-hybrid'
import { decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { difference, encoderWithHead, type HeadInput, numbers, runModel } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { fixture, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const read = (name: string): Model => decodeModel(readFileSync(fixture(name)))
const dropped = (model: Model): Model =>
  decodeModel(
    encodeModel(
      transform(
        model,
        prune({ method: dropPadding(), schedule: ({ layerCount }) => schedule(layerCount, { layers: [0], keep: 1 }) }),
      ).model,
    ),
  )

/** An encoder of one text of 12 tokens. */
function fixedLength(head: (input: HeadInput) => Tensor): Uint8Array {
  const model = decodeModel(encoderWithHead(head))
  for (const { type } of model.proto.graph?.input ?? []) {
    if (type?.value.case !== 'tensorType') continue
    for (const [axis, dim] of (type.value.value.shape?.dim ?? []).entries())
      dim.value = { case: 'dimValue', value: BigInt([1, 12][axis] ?? 1) }
  }
  return encodeModel(model)
}

/** Ids [B,N] and a mask that attends to the first `lengths` of each. */
function texts(model: Model, lengths: readonly number[], tokens: number) {
  const all = Array.from({ length: lengths.length * tokens }, (_, i) => i)
  const attended = all.map((i) => Number(i % tokens < (lengths[Math.floor(i / tokens)] as number)))
  const values = {
    input_ids: all.map((i) => (attended[i] ? 5 + ((7 * i) % 60) : 0)),
    attention_mask: attended,
    token_type_ids: all.map(() => 0),
  }
  const names = new Graph(model).inputs.map(({ name }) => name as keyof typeof values)
  const dims = [lengths.length, tokens]
  const inputs = names.map((name) => [
    name,
    { type: 'int64' as const, dims, data: BigInt64Array.from(values[name], BigInt) },
  ])
  return { inputs: Object.fromEntries(inputs), attended }
}

/** The rows of all tokens but padding in an output are the dense model's. */
async function expectSameRows(model: Model, output: string): Promise<void> {
  const { inputs, attended } = texts(model, [3, 9, 6], 16)
  const [dense, fast] = [await runModel(model, inputs), await runModel(dropped(model), inputs)]
  expect(fast[output]?.dims).toEqual(dense[output]?.dims)
  const width = dense[output]?.dims[2] as number
  const [own, other] = [dense, fast].map((results) =>
    numbers(results[output]).filter((_, i) => attended[Math.floor(i / width)]),
  ) as [number[], number[]]
  expect(own).toHaveLength(18 * width)
  expect(difference(own, other)).toBeLessThan(1e-6)
}

describe('drop-padding', () => {
  test.each([1, 5, 11, 12])('answers as the dense export of 12 tokens to a text of %i', async (length) => {
    const model = read('bert-cls-static-ts17')
    const { inputs } = texts(model, [length], 12)
    const [dense, fast] = [await runModel(model, inputs), await runModel(dropped(model), inputs)]
    expect(fast.logits?.dims).toEqual(dense.logits?.dims)
    expect(difference(numbers(dense.logits), numbers(fast.logits))).toBeLessThan(1e-6)
  })

  test('gives the rows of all tokens but padding as the dense model does, whatever is in a batch', async () => {
    await expectSameRows(read('bert-lasthidden-optimum'), 'last_hidden_state')
  })

  test.each(['ast-cls-ts17', 'vit-cls-static-ts11'])('refuses %s, which has no mask', async (name) => {
    const args = ['prune', fixture(name), '-o', folder.at('no.onnx'), '--method', 'drop-padding']
    expect(await tpHere(args)).toMatchObject({ code: 4, stderr: expect.stringContaining('TP_MASK') })
  })

  test('refuses a model of a fixed length whose mean counts padding, by itself and in front of another method', async () => {
    const model = folder.at('mean.onnx')
    writeFileSync(
      model,
      fixedLength(({ x }) => mean(x, 1)),
    )
    for (const method of [['drop-padding'], ['drop-padding+received-attention', '--keep', '0.5']]) {
      const refused = await tpHere(['prune', model, '-o', folder.at('no.onnx'), '--method', ...method])
      expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('ReduceMean counts tokens of padding') })
      expect(refused.stderr).toContain('TP_PADDING')
    }
  })

  test('passes the verification of exports of a fixed length', async () => {
    const args = ['prune', fixture('bert-cls-static-ts17'), '-o', folder.at('out.onnx'), '--method', 'drop-padding']
    expect(await tpHere(args)).toMatchObject({ code: 0, stdout: expect.stringContaining('verified on') })
  })
})
