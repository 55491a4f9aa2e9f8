import { input, matmul, mul, softmax, transpose } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { comparePaired } from '@tp/eval/metrics'
import { createModel, createNode, emitModel, encodeModel, Graph } from '@tp/onnx'
import { nativeRuntime } from '@tp/runtime-native'
import { factor, interval } from '../output/numbers.ts'
import type { Findings, Section } from '../report/section.ts'

const HEADS = 12
const BUDGET_MS = 4000

/** Attention of one row alone: onnxruntime's three operators against the one of packed files, on the same library and threads. */
export const kernelSection: Section = {
  name: 'kernel',
  title: 'The attention kernel alone, one row, 12 heads, one thread',
  async run({ onProgress }) {
    const native = nativeRuntime()
    const tables: Findings['tables'][number][] = []
    const values: unknown[] = []
    for (const headDim of [32, 64]) {
      const rows: string[][] = []
      const scale = 1 / Math.sqrt(headDim)
      await using three = await native.load(threeOperators(headDim, scale), { threads: 1 })
      await using one = await native.load(packedOperator(headDim, scale), { threads: 1 })
      for (const tokens of [32, 64, 128, 256, 512, 1024]) {
        onProgress(`${tokens} tokens, ${headDim} numbers a head`)
        const common = operands(tokens, headDim)
        const offsets = { type: 'int64', dims: [2], data: BigInt64Array.of(0n, BigInt(tokens)) }
        const inputsOf = { packed: [{ ...common, offsets }] }
        const { variants, rounds } = await comparePaired({ three, packed: one }, [common], {
          ...{ rounds: 1000, budgetMs: BUDGET_MS, inputsOf },
        })
        const [first, second] = [variants.three, variants.packed]
        if (first === undefined || second === undefined) continue
        values.push({ headDim, tokens, rounds, variants })
        const { speedup } = second
        rows.push([
          `${tokens}`,
          first.p50Ms.toFixed(3),
          second.p50Ms.toFixed(3),
          factor(speedup.value),
          interval(speedup),
        ])
      }
      tables.push({
        caption: `${headDim} numbers a head`,
        headings: ['tokens', 'MatMul, Softmax, MatMul: p50 ms', 'PackedAttention: p50 ms', 'speed-up', '95 % interval'],
        rows,
      })
    }
    const { notes } = await native.diagnose()
    return { tables, notes, values }
  },
}

function operands(tokens: number, headDim: number): NamedTensors {
  const tensor = (seed: number) => ({
    type: 'float32',
    dims: [1, HEADS, tokens, headDim],
    data: Float32Array.from({ length: HEADS * tokens * headDim }, (_, i) => Math.sin(i * 0.37 + seed)),
  })
  return { query: tensor(1), key: tensor(2), value: tensor(3) }
}

function threeOperators(headDim: number, scale: number): Uint8Array {
  const dims = [1, HEADS, 'N', headDim]
  const [query, key, value] = ['query', 'key', 'value'].map((name) => input(name, 'float32', dims))
  if (query === undefined || key === undefined || value === undefined) throw new RangeError()
  const scores = mul(matmul(query, transpose(key, [0, 1, 3, 2])), scale)
  return emitModel({ context: matmul(softmax(scores, 3), value) })
}

function packedOperator(headDim: number, scale: number): Uint8Array {
  const graph = new Graph(createModel(17))
  graph.importOperators('tp')
  for (const name of ['query', 'key', 'value']) graph.addInput(name, 'float32', [1, HEADS, 'N', headDim])
  graph.addInput('offsets', 'int64', [2])
  const axes = [1, 2, 3]
  graph.insert([
    createNode({
      type: 'PackedAttention',
      domain: 'tp',
      inputs: ['query', 'key', 'value', 'offsets'],
      outputs: ['context'],
      attributes: { scale, queryAxes: axes, keyAxes: axes, valueAxes: axes, contextAxes: axes },
    }),
  ])
  graph.addOutput('context', 'float32', [1, HEADS, 'N', headDim])
  return encodeModel(graph.model)
}
