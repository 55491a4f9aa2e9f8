import type { NodeProto } from '@tp/onnx'
import { operators } from '../operators/table.ts'
import { through } from '../operators/token-position.ts'
import { hasTrait, operatorOf } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'

/** Keys or values of earlier tokens, as a decoder is given them and gives them back with those of the new tokens. */
export interface Cache {
  /** Input of the model: [b,h,p,d] */
  readonly past: string
  /** Output of the model: [b,h,p+n,d] */
  readonly present: string
  /** The node that joins the two: a Concat, or an operator that is a whole attention. */
  readonly node: NodeProto
  /** Whether they are as above: heads on axis 1, tokens on axis 2. */
  readonly isByHead: boolean
  /** Of caches of 8 bits: what every key or value is multiplied with, [b,h,p,1]. */
  readonly scale?: Pick<Cache, 'past' | 'present'>
}

/** Every cache of a model, in the order of the graph. */
export function findCaches(program: Program): Cache[] {
  const all = program.graph.nodes.flatMap((node) => [...joined(program, node), ...fused(program, node)])
  const byValue = new Map(all.map((cache) => [cache.node.output[0], cache]))
  const scales = new Map(
    all.flatMap((cache) => {
      const scale = byValue.get(scaleOf(program, cache))
      return scale === undefined ? [] : [[cache, scale] as const]
    }),
  )
  const isScale = new Set(scales.values())
  return all
    .filter((cache) => !isScale.has(cache))
    .map((cache) => {
      const { past, present } = scales.get(cache) ?? {}
      return past === undefined || present === undefined ? cache : { ...cache, scale: { past, present } }
    })
}

/** Where rows of 8 bits are read with a scale for each: what holds the scales. */
function scaleOf({ graph }: Program, { node }: Cache): string | undefined {
  for (const { node: rows } of graph.consumers(node.output[0] as string)) {
    const reader = rows.opType === 'Reshape' ? graph.consumers(rows.output[0] as string)[0]?.node : undefined
    const scales = reader?.opType === 'DequantizeLinear' ? graph.producer(reader.input[1] as string) : undefined
    if (scales?.opType === 'Reshape' && reader?.input[0] === rows.output[0]) return scales.input[0]
  }
  return undefined
}

/** An input that new keys or values [b,h,n,d] are joined to, and that is an output then. */
function joined(program: Program, node: NodeProto): Cache[] {
  if (node.opType !== 'Concat' || node.input.length !== 2) return []
  const past = inputUpstream(program, node.input[0] as string)
  const present = outputDownstream(program, node.output[0] as string)
  if (past === undefined || present === undefined) return []
  const { rank, node: joining } = program.tensor(node.output[0] as string)
  const axis = joining.attributes.axis
  return [{ past, present, node, isByHead: rank === 4 && (axis === 2 || axis === -2) }]
}

function fused(program: Program, node: NodeProto): Cache[] {
  const pairs = operatorOf(node)?.caches ?? []
  return pairs.flatMap(([input, output]) => {
    const past = inputUpstream(program, node.input[input] ?? '')
    const present = outputDownstream(program, node.output[output] ?? '')
    return past === undefined || present === undefined ? [] : [{ past, present, node, isByHead: true }]
  })
}

function inputUpstream(program: Program, name: string): string | undefined {
  const source = through({ program, operators }, name, 'same values')
  return program.graph.inputs.some((input) => input.name === source) ? source : undefined
}

function outputDownstream(program: Program, name: string): string | undefined {
  const { graph } = program
  if (name === '') return undefined
  if (graph.isOutput(name)) return name
  for (const { node } of graph.consumers(name)) {
    const found = hasTrait(node, 'same values') ? outputDownstream(program, node.output[0] as string) : undefined
    if (found !== undefined) return found
  }
  return undefined
}
