import { type Graph, type NodeProto, readAttributes, readConstant } from '@tp/onnx'
import { LEAST_OF_GELU } from '../operators/elementwise.ts'
import { operatorOf } from '../operators/traits.ts'

/** The least number that a value can hold, by the function that makes it: 0 for ReLU, −0.17 for GELU; undefined where none is known. */
export function leastOf(graph: Graph, name: string): number | undefined {
  const node = graph.producer(name)
  if (node === undefined) return undefined
  return operatorOf(node)?.least?.(node) ?? (isWrittenOutGelu(graph, node) ? LEAST_OF_GELU : undefined)
}

/** x · (1 + erf(x / √2)) · 0.5, in any order. */
function isWrittenOutGelu(graph: Graph, node: NodeProto): boolean {
  if (node.opType !== 'Mul') return false
  for (const sum of leavesOf(graph, node, undefined)) {
    const x = argumentOf(graph, sum)
    if (x === undefined) continue
    const others = leavesOf(graph, node, x).filter((leaf) => leaf !== sum)
    const scale = others.filter((leaf) => leaf !== x).map((leaf) => scalarOf(graph, leaf) ?? Number.NaN)
    if (others.length !== scale.length + 1) return false
    return isNear(
      scale.reduce((product, factor) => product * factor, 1),
      0.5,
    )
  }
  return false
}

/** The factors of a product of products; one named `whole` is not taken apart. */
function leavesOf(graph: Graph, { input }: NodeProto, whole: string | undefined): string[] {
  return input.flatMap((name) => {
    const node = name === whole ? undefined : graph.producer(name)
    return node?.opType === 'Mul' ? leavesOf(graph, node, whole) : [name]
  })
}

/** x, if the value is 1 + erf(x / √2). */
function argumentOf(graph: Graph, name: string): string | undefined {
  const sum = graph.producer(name)
  if (sum?.opType !== 'Add') return undefined
  const erf = sum.input.map((input) => graph.producer(input)).find((node) => node?.opType === 'Erf')
  const one = sum.input.find((input) => input !== erf?.output[0])
  if (erf === undefined || one === undefined || scalarOf(graph, one) !== 1) return undefined
  const scaled = graph.producer(erf.input[0] as string)
  const [x = '', y = ''] = scaled?.input ?? []
  const [first, second] = [scalarOf(graph, x), scalarOf(graph, y)]
  if (scaled?.opType === 'Div') return isNear(second, Math.SQRT2) ? x : undefined
  if (scaled?.opType !== 'Mul') return undefined
  if (isNear(second, Math.SQRT1_2)) return x
  return isNear(first, Math.SQRT1_2) ? y : undefined
}

function isNear(number: number | undefined, expected: number): boolean {
  return number !== undefined && Math.abs(number - expected) < 1e-3 * expected
}

/** A constant that is one number. */
function scalarOf(graph: Graph, name: string): number | undefined {
  const weight = graph.initializer(name)
  const node = graph.producer(name)
  const value = weight
    ? weight.externalData.length === 0 && readConstant(weight)
    : node?.opType === 'Constant' && readAttributes(node)?.value
  return typeof value === 'object' && 'data' in value && value.data.length === 1 ? Number(value.data[0]) : undefined
}
