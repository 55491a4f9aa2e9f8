import type { Attributes } from '@tp/core/expression'
import { createNode, type NodeProto } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'

/** Operator set of packed files; `@tp/operators` has the operators (its `native/operators.h` says what each computes). */
export const DOMAIN = 'tp'

type PackedOperator = 'Rows' | 'Pack' | 'Unpack' | 'PackedAttention' | 'RoundRows' | 'ScaleRows' | 'RescaleRows'

/** @throws Refused TP_PACK for attributes that the runtime refuses, so that no such node is ever written */
export function packedNode(
  type: PackedOperator,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
): NodeProto {
  const name = `${outputs[0]}/${type}`
  const problem = contradiction(type, attributes)
  if (problem !== undefined) throw new Refused('TP_PACK', `the model cannot be packed: ${problem}`, `${name} (${type})`)
  return createNode({ type, domain: DOMAIN, name, inputs, outputs, attributes })
}

/** The checks that `native/packing.cc` and `native/packed_attention.cc` of the runtime make when they load a file. */
function contradiction(type: PackedOperator, attributes: Attributes): string | undefined {
  if (type === 'Pack' || type === 'Unpack') return layoutProblem(attributes)
  if (type === 'PackedAttention') return attentionProblem(attributes)
  if (type !== 'Rows') return undefined
  const { padding } = attributes
  return padding === 0 || padding === 1 ? undefined : `padding would be ${padding}; it is 0 or 1`
}

function layoutProblem({ rows, axis, folded }: Attributes): string | undefined {
  const both = `rows would be along axis ${rows} and tokens along axis ${axis}`
  if (!isCount(rows) || !isCount(axis)) return `${both}; axes are counted from 0`
  if (axis < rows) return `${both}; tokens have to be along the same axis as rows, or along a later one`
  if (!isCount(folded) || folded < 1) return `${both}, folded ${folded} times; it has to be at least once`
  if (rows === axis && folded !== 1)
    return `${both}, folded ${folded} times; where they share an axis it has to be once`
  return undefined
}

/** Axes of a tensor that the runtime's attention takes. */
const MOST_AXES = 8

function attentionProblem(attributes: Attributes): string | undefined {
  for (const name of ['queryAxes', 'keyAxes', 'valueAxes', 'contextAxes']) {
    const axes = attributes[name]
    const isThree = Array.isArray(axes) && axes.length === 3 && new Set(axes).size === 3
    if (!isThree || !axes.every((axis) => isCount(axis) && axis < MOST_AXES)) {
      return `${name} would be [${axes}]; they have to be three different axes below ${MOST_AXES}`
    }
  }
  const context = attributes.contextAxes as readonly number[]
  if (Math.max(...context) !== context[2]) return `contextAxes would be [${context}]; features have to be last`
  const { scale } = attributes
  // Attributes are written in single precision.
  if (typeof scale === 'number' && Number.isFinite(Math.fround(scale))) return undefined
  return `scores would be scaled by ${scale}`
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
