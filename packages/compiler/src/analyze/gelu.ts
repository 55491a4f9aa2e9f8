import { type Graph, type NodeProto, readAttributes } from '@tp/onnx'
import { constantNumber } from './graph-constant.ts'

/** x of a node that computes GELU(x) exactly: x · (1 + erf(x / √2)) · 0.5 in any order, or one operator; undefined for other nodes. */
export function argumentOfGelu(graph: Graph, node: NodeProto): string | undefined {
  if (node.opType === 'Gelu') return readAttributes(node)?.approximate === 'tanh' ? undefined : node.input[0]
  if (node.opType !== 'Mul') return undefined
  for (const sum of leavesOf(graph, node, undefined)) {
    const x = argumentOf(graph, sum)
    if (x === undefined) continue
    const others = leavesOf(graph, node, x).filter((leaf) => leaf !== sum)
    const scale = others.filter((leaf) => leaf !== x).map((leaf) => constantNumber(graph, leaf) ?? Number.NaN)
    const factor = scale.reduce((product, own) => product * own, 1)
    return others.length === scale.length + 1 && isNear(factor, 0.5) ? x : undefined
  }
  return undefined
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
  if (erf === undefined || one === undefined || constantNumber(graph, one) !== 1) return undefined
  const scaled = graph.producer(erf.input[0] as string)
  const [x = '', y = ''] = scaled?.input ?? []
  const [first, second] = [constantNumber(graph, x), constantNumber(graph, y)]
  if (scaled?.opType === 'Div') return isNear(second, Math.SQRT2) ? x : undefined
  if (scaled?.opType !== 'Mul') return undefined
  if (isNear(second, Math.SQRT1_2)) return x
  return isNear(first, Math.SQRT1_2) ? y : undefined
}

function isNear(number: number | undefined, expected: number): boolean {
  return number !== undefined && Math.abs(number - expected) < 1e-3 * expected
}
