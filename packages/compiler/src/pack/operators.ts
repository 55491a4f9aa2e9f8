import type { Attributes } from '@tp/core/expression'
import { PACKED_DOMAIN, type PackedOperator, packedOperators } from '@tp/core/packed'
import { createNode, emitFunction, type Graph, type NodeProto, opset } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'

/** Values of the graph, by what an operator calls them. */
type Roles = Readonly<Record<string, string>>

/**
 * A node of an operator of packed files, with just the inputs, outputs and attributes that its name says.
 * @throws Refused TP_PACK for attributes that kernels refuse, so that no such node is ever written
 */
export function packedNode(name: string, inputs: Roles, outputs: Roles, attributes: Attributes = {}): NodeProto {
  const operator = packedOperators.get(name)
  if (operator === undefined) throw new Error(`there is no packed operator ${name}`)
  const named = (roles: Roles, order: readonly string[]): string[] => {
    if (Object.keys(roles).length !== order.length || !order.every((role) => role in roles))
      throw new Error(`${name} has ${order.join(', ')}, and not ${Object.keys(roles).join(', ')}`)
    return order.map((role) => roles[role] as string)
  }
  const written = named(outputs, operator.outputs)
  const node = `${written[0]}/${name}`
  const own: Attributes = Object.fromEntries(Object.keys(operator.attributes).map((key) => [key, attributes[key]]))
  const problem = contradiction(own)
  if (problem !== undefined) throw new Refused('TP_PACK', `the model cannot be packed: ${problem}`, `${node} (${name})`)
  return createNode({
    type: name,
    domain: PACKED_DOMAIN,
    name: node,
    inputs: named(inputs, Object.keys(operator.inputs)),
    outputs: written,
    attributes: own,
  })
}

/** The operator that a node is of; undefined for operators that any runtime has. */
export function packedOperatorOf({ domain, opType }: NodeProto): PackedOperator | undefined {
  return domain === PACKED_DOMAIN ? packedOperators.get(opType) : undefined
}

/** The names of the inputs of a node of a packed operator, by what that calls them. */
export function rolesOf(node: NodeProto): Roles {
  const { inputs } = packedOperatorOf(node) as PackedOperator
  return Object.fromEntries(Object.keys(inputs).map((role, i) => [role, node.input[i] ?? '']))
}

/** The version of the file format from which on there are functions. */
const FUNCTIONS = 8n

/**
 * Gives the model a function for each packed operator that it uses, so that runtimes without kernels compute it, too.
 */
export function writeBodies({ model, nodes }: Graph): void {
  const { proto } = model
  const own = opset(model)
  const used = new Set(nodes.flatMap((node) => packedOperatorOf(node) ?? []))
  if (used.size === 0) return
  proto.functions.push(...[...used].map((operator) => emitFunction(operator, own)))
  if (proto.irVersion < FUNCTIONS) proto.irVersion = FUNCTIONS
}

/** The checks of kernels that a graph can fail. */
function contradiction({ rows, axis, folded, contextPerm, scale }: Attributes): string | undefined {
  if (rows !== undefined) {
    const both = `rows would be along axis ${rows} and tokens along axis ${axis}, folded ${folded} times`
    if (![rows, axis, folded].every(isCount)) return `${both}; these are counted from 0`
    if ((axis as number) <= (rows as number)) return `${both}; tokens have to be along a later axis`
    if (folded === 0) return `${both}; it has to be at least once`
  }
  if (Array.isArray(contextPerm) && contextPerm.at(-1) !== contextPerm.length - 1)
    return `contextPerm would be [${contextPerm}]; features have to be last`
  // Attributes are written in single precision.
  if (scale === undefined || (typeof scale === 'number' && Number.isFinite(Math.fround(scale)))) return undefined
  return `scores would be scaled by ${scale}`
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
