import { writeFileSync } from 'node:fs'
import type { NamedTensors } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import { modelPath } from '@tp/models'
import { createNode, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { mailStates } from './small-models.ts'
import { temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const WIDTH = 16

/** The mail encoder with a projection of each token, divided by its length: vectors for late interaction, as of ColBERT. */
function lateInteraction(): Uint8Array {
  const { model, graph, states } = mailStates()
  const random = randomNumbers(3)
  const data = Float32Array.from({ length: 128 * WIDTH }, () => random() - 0.5)
  graph.addInitializer('projection', { type: 'float32', dims: [128, WIDTH], data })
  graph.addInitializer('axis', { type: 'int64', dims: [1], data: BigInt64Array.from([-1n]) })
  graph.insert([
    createNode({ type: 'MatMul', inputs: [states, 'projection'], outputs: ['projected'] }),
    createNode({ type: 'Mul', inputs: ['projected', 'projected'], outputs: ['squares'] }),
    createNode({ type: 'ReduceSum', inputs: ['squares', 'axis'], outputs: ['square'], attributes: { keepdims: 1 } }),
    createNode({ type: 'Sqrt', inputs: ['square'], outputs: ['length'] }),
    createNode({ type: 'Div', inputs: ['projected', 'length'], outputs: ['vectors'] }),
  ])
  graph.addOutput('vectors', 'float32', ['batch', 'tokens', WIDTH])
  graph.removeDeadNodes()
  return encodeModel(model)
}

const prune = (...more: string[]): ReturnType<typeof tpHere> =>
  tpHere(['prune', folder.at('colbert.onnx'), '-o', folder.at('documents.onnx'), '--output-tokens', ...more])

beforeAll(() => writeFileSync(folder.at('colbert.onnx'), lateInteraction()))

describe('tp prune --output-tokens', () => {
  test('keeps rows as the dense model gives them, and says where they come from', { timeout: 60_000 }, async () => {
    const { code, stdout } = await prune('--method', 'received-attention', '--keep', '0.5', '--trace')
    expect([code, stdout]).toEqual([0, expect.stringContaining('Embed documents with this file')])
    const [lengths, longest] = [[12, 7], 12]
    const random = randomNumbers(5)
    const tensor = (value: (row: number, i: number) => number): NamedTensors[string] => ({
      type: 'int64',
      dims: [2, longest],
      data: BigInt64Array.from(
        lengths.flatMap((_, row) => Array.from({ length: longest }, (_, i) => BigInt(value(row, i)))),
      ),
    })
    const isToken = (row: number, i: number): number => (i < (lengths[row] as number) ? 1 : 0)
    const feeds = {
      input_ids: tensor((row, i) => isToken(row, i) * (5 + Math.floor(900 * random()))),
      attention_mask: tensor(isToken),
    }
    const runOf = async (name: string): Promise<NamedTensors> => {
      await using session = await nodeRuntime().load(folder.at(name), { threads: 1 })
      return await session.run(feeds)
    }
    const [dense, own] = [await runOf('colbert.onnx'), await runOf('documents.onnx')]
    const [, slots = 0] = own.vectors?.dims ?? []
    expect(slots).toBe(6)
    const kept = [0, 0]
    for (let row = 0; row < 2; row++) {
      for (let slot = 0; slot < slots; slot++) {
        if (Number(own['tp.mask']?.data[row * slots + slot]) === 0) continue
        const from = Number(own['tp.trace.5.indices']?.data[row * slots + slot])
        kept[row] = (kept[row] as number) + 1
        for (let i = 0; i < WIDTH; i++) {
          const was = dense.vectors?.data[(row * longest + from) * WIDTH + i] as number
          expect(own.vectors?.data[(row * slots + slot) * WIDTH + i] as number).toBeCloseTo(was, 5)
        }
      }
    }
    expect(kept).toEqual([6, 4])
  })

  test.each([
    ['a model that gives no row for each token', ['--method', 'random', '--keep', '0.5'], 4, 'no output has a row'],
    ['layers', ['--method', 'random', '--keep', '0.5', '--layers', '2'], 2, '--layers'],
    ['a method that prunes before the attention', ['--method', 'thin-padding'], 2, 'before the attention'],
    ['no method', [], 2, '--method NAME'],
  ])('refuses %s', { timeout: 60_000 }, async (name, more, exit, seen) => {
    const args = ['prune', modelPath('mail'), '-o', folder.at('never.onnx'), '--output-tokens', ...more]
    const { code, stderr } = name.startsWith('a model') ? await tpHere(args) : await prune(...more)
    expect([code, stderr]).toEqual([exit, expect.stringContaining(seen)])
  })
})
