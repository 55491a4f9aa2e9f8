import { readFileSync, writeFileSync } from 'node:fs'
import { createNode, decodeModel, encodeModel, Graph } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { fixture, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()

/** A fixture with nodes that compute something else besides, written to a file. */
function modelWith(name: string, add: (graph: Graph) => string): string {
  const model = decodeModel(readFileSync(fixture('bert-cls-eager-ts11')))
  const graph = new Graph(model)
  graph.addOutput(add(graph), 'int64', [])
  const path = folder.at(`${name}.onnx`)
  writeFileSync(path, encodeModel(model))
  return path
}

const verify = (path: string): ReturnType<typeof tpHere> =>
  tpHere(['prune', path, '-o', folder.at('out.onnx'), '--method', 'stride', '--keep', '0.7'], { inThisProcess: false })

describe('a model that cannot be run to verify what is made of it', () => {
  /** Numbers of 64 bits, as many as the value of this name says. */
  const fill = (graph: Graph, size: string): string => {
    const value = { dtype: 'int64', dims: [1], data: Float64Array.of(3) } as const
    graph.insert([
      createNode({ type: 'ConstantOfShape', inputs: [size], outputs: ['zeros'], attributes: { value } }),
      createNode({ type: 'Add', inputs: ['zeros', 'zeros'], outputs: ['more'] }),
    ])
    return 'more'
  }
  const huge = { dtype: 'int64', dims: [1], data: Float64Array.of(2 ** 31) } as const

  test('starts no run that fills gigabytes whatever it is given, and says so', async () => {
    const path = modelWith('zeros', (graph) => {
      graph.addInitializer('huge', huge)
      return fill(graph, 'huge')
    })
    const { code, stdout } = await verify(path)
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^not verified: zeros \(ConstantOfShape\) makes a value of 16\.0 GiB whatever the model is given/m,
    )
    expect(folder.files().filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('ends a run that fills gigabytes, and says so', async () => {
    const path = modelWith('computed', (graph) => {
      graph.addInitializer('huge', huge)
      // How many it are follows from what the inputs hold.
      graph.insert([
        createNode({ type: 'ReduceMax', inputs: ['input_ids'], outputs: ['id'], attributes: { keepdims: 0 } }),
        createNode({ type: 'Sub', inputs: ['id', 'id'], outputs: ['none'] }),
        createNode({ type: 'Add', inputs: ['none', 'huge'], outputs: ['size'] }),
      ])
      return fill(graph, 'size')
    })
    const { code, stdout } = await verify(path)
    expect(code).toBe(0)
    // On a busy machine its time ends before its memory is full.
    expect(stdout).toMatch(/^not verified: .*takes more than (1\.0 GiB|\d+ s), far more than one of its size needs/m)
    expect(folder.files().filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('has outputs that are too large to be compared', async () => {
    const path = modelWith('wide', (graph) => {
      graph.addInitializer('wide', { dtype: 'int64', dims: [1], data: Float64Array.of(2 ** 24) })
      const value = { dtype: 'int64', dims: [1], data: Float64Array.of(3) } as const
      graph.insert([createNode({ type: 'ConstantOfShape', inputs: ['wide'], outputs: ['row'], attributes: { value } })])
      return 'row'
    })
    expect((await verify(path)).stdout).toMatch(/^not verified: output "row" has 128 MiB/m)
  })

  test('has outputs that are NaN itself', async () => {
    const model = decodeModel(readFileSync(fixture('bert-cls-eager-ts11')))
    const graph = new Graph(model)
    for (const tensor of graph.initializers) {
      if (tensor.dataType === 1 && tensor.dims.length === 2)
        tensor.rawData = new Uint8Array(tensor.rawData.length).fill(255)
    }
    const path = folder.at('nan.onnx')
    writeFileSync(path, encodeModel(model))
    const { stdout } = await verify(path)
    expect(stdout).toMatch(/^not verified: the dense model itself does not hold on random inputs: output "\w+" is NaN/m)
    expect(stdout).not.toContain('report')
  })

  test('has inputs that are too large to be generated', async () => {
    const model = decodeModel(readFileSync(fixture('bert-cls-eager-ts11')))
    const graph = model.proto.graph
    const [first] = graph?.input ?? []
    const spare = structuredClone(first)
    if (graph === undefined || spare === undefined) throw new Error('the fixture has no input')
    if (spare.type?.value.case !== 'tensorType') throw new Error('the input is not a tensor')
    const { value } = spare.type.value
    value.elemType = 1
    for (const dim of value.shape?.dim.slice(1) ?? []) dim.value = { case: 'dimValue', value: 2n ** 31n }
    spare.name = 'spare'
    graph.input.push(spare)
    const path = folder.at('spare.onnx')
    writeFileSync(path, encodeModel(model))
    const { code, stdout } = await verify(path)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^not verified: .*input "spare" \[.*2147483648\] there are more than 33554432 numbers/m)
  })

  test('runs on some examples, which are compared', async () => {
    const path = modelWith('one', (graph) => {
      const attributes = { axes: [0] }
      graph.insert([createNode({ type: 'Squeeze', inputs: ['input_ids'], outputs: ['one'], attributes })])
      return 'one'
    })
    const { stdout } = await verify(path)
    expect(stdout).toMatch(/^verified on \d+ examples, \d lengths \(1 to 16 tokens\): /m)
  })
})
