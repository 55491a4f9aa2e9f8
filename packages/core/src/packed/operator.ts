import type { DType } from '../array.ts'
import { applyOne } from '../expression/apply.ts'
import { type AttributeReference, type Attributes, type Op, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { constant } from '../ops/constant.ts'
import { isReference } from '../ops/operands.ts'

/** Operator set of packed files. */
export const PACKED_DOMAIN = 'tp'

/** Inputs of packed operators by name. Those that an operator lacks are not read by its body. */
export type PackedInputs = Readonly<Record<InputName, Tensor>>
type InputName =
  | 'attended'
  | 'bias'
  | 'gain'
  | 'key'
  | 'keyBias'
  | 'normBias'
  | 'normGain'
  | 'offsets'
  | 'positions'
  | 'query'
  | 'queryWeights'
  | 'residual'
  | 'scale'
  | 'value'
  | 'x'
type InputTypes = Readonly<Partial<Record<InputName, DType>>>

/**
 * One operator of packed files: its name is that of a variant of a family (`ScaleRows_bias_gelu`), for which inputs, outputs and
 * attributes are fixed. A name keeps its meaning for ever, since files are older than the programs that run them: a new meaning gets a new name.
 */
export interface PackedOperator {
  readonly name: string
  readonly inputs: InputTypes
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, AttributeReference['type']>>
  /**
   * Its meaning, in operators of ONNX. A file has it as the function of this name; a runtime with a kernel of the name takes that.
   * @param attributes numbers, or references to the attributes of the node that calls the function
   */
  body(inputs: PackedInputs, attributes: Attributes): Tensor[]
}

/** Inputs, outputs and attributes that operators have by a feature. */
interface Feature {
  readonly inputs?: InputTypes
  readonly outputs?: readonly string[]
  readonly attributes?: PackedOperator['attributes']
}

/** Operators that differ in what they have: the variants of one kernel. */
export interface Family {
  readonly name: string
  readonly inputs: InputTypes
  readonly outputs: readonly string[]
  readonly attributes: PackedOperator['attributes']
  /** In the order in which they are part of names. */
  readonly features: Readonly<Record<string, Feature>>
  /** Whether there is a variant with just these features; default: yes. */
  allows?(has: (feature: string) => boolean): boolean
  body(inputs: PackedInputs, attributes: Attributes, has: (feature: string) => boolean): readonly Tensor[]
}

/** All variants of a family, by name. */
export function variantsOf(family: Family): Map<string, PackedOperator> {
  const names = Object.keys(family.features)
  const variants = new Map<string, PackedOperator>()
  for (let bits = 0; bits < 2 ** names.length; bits++) {
    const own = names.filter((_, i) => (bits >> i) & 1)
    const has = (feature: string): boolean => own.includes(feature)
    if (family.allows?.(has) === false) continue
    const name = variantName(family.name, own)
    const parts: Feature[] = [family, ...own.map((feature) => family.features[feature] as Feature)]
    variants.set(name, {
      name,
      inputs: Object.assign({}, ...parts.map(({ inputs }) => inputs)),
      outputs: parts.flatMap(({ outputs = [] }) => outputs),
      attributes: Object.assign({}, ...parts.map(({ attributes }) => attributes)),
      body: (inputs, attributes) => [...family.body(inputs, attributes, has)],
    })
  }
  return variants
}

/** `features` in the order of the family. */
export function variantName(family: string, features: readonly string[]): string {
  return [family, ...features].join('_')
}

/** A number that is an attribute: a constant, or what the node that calls the function gives. */
export function attributeValue(attributes: Attributes, name: string, dtype: 'int64' | 'float32' = 'int64'): Tensor {
  const value = attributes[name]
  if (isReference(value)) return applyOne(AttributeValue, [], { value })
  if (typeof value !== 'number') throw new ShapeProblem(`attribute ${name} is no number`)
  return constant(value, dtype)
}

const AttributeValue: Op = {
  name: 'AttributeValue',
  infer: (_, { value }) => [{ dtype: isReference(value) && value.type === 'float' ? 'float32' : 'int64', dims: [] }],
  run: (_, { value }) => {
    throw new ShapeProblem(
      `attribute ${isReference(value) ? value.reference : value} is known only where the function is called`,
    )
  },
  write: ({ attributes: { value } }) => ({
    type: 'Constant',
    inputs: [],
    attributes: isReference(value) && value.type === 'float' ? { value_float: value } : { value_int: value },
  }),
}
