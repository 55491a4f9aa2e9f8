import { type ConstantData, constantData } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { operators } from '../operators/table.ts'
import { through } from '../operators/token-position.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'

/**
 * The last norm of an encoder: states x = γ·z + β [b,n,D], where the D numbers z of each state sum to zero, as what LayerNorm makes does
 * before its weights. So one channel follows from the others, and is free to say something else.
 */
export interface StatesNorm {
  /** The channel that matters least: argmin |γ|. */
  readonly channel: number
  /** γ, of D channels. */
  readonly scale: readonly number[]
  /** β, of D channels. */
  readonly shift: readonly number[]
}

/** @throws Refused TP_STATES if `name` is not what a LayerNorm gives */
export function findStatesNorm(program: Program, name: string): StatesNorm {
  const { hasShape, dims } = program.tensor(name)
  const size = hasShape ? dims.at(-1) : undefined
  if (typeof size !== 'number') throw withoutNorm(name, 'its shape is not known')
  const scale = new Float64Array(size).fill(1)
  const shift = new Float64Array(size)
  const constant = (own: string | undefined): Float64Array | undefined => perChannel(program, own, size)
  const add = (by: Float64Array): void => {
    for (let i = 0; i < size; i++) shift[i] = (shift[i] as number) + (scale[i] as number) * (by[i] as number)
  }
  const multiply = (by: Float64Array): void => {
    for (let i = 0; i < size; i++) scale[i] = (scale[i] as number) * (by[i] as number)
  }
  for (let current = name; ; ) {
    current = through({ program, operators }, current, 'same values')
    if (isCentered(program, current)) return { channel: smallest(scale), scale: [...scale], shift: [...shift] }
    const node = program.graph.producer(current)
    const [left, right, third] = node?.input ?? []
    if (node?.opType === 'LayerNormalization' && isOverLast(program, node)) {
      const [own, offset] = [constant(right), third ? constant(third) : new Float64Array(size)]
      if (own === undefined || offset === undefined) throw withoutNorm(name, 'its weights are not constants', node)
      add(offset)
      multiply(own)
      return { channel: smallest(scale), scale: [...scale], shift: [...shift] }
    }
    const by = constant(right) ?? constant(left)
    const next = constant(right) === undefined ? right : left
    if (by === undefined || next === undefined || !(node?.opType === 'Add' || node?.opType === 'Mul')) {
      throw withoutNorm(name, node === undefined ? 'it is an input' : `it ends in ${node.opType}`, node)
    }
    if (node.opType === 'Add') add(by)
    else multiply(by)
    current = next
  }
}

/** Whether the channels of each state sum to zero: x − mean(x), divided by or multiplied with one number a state. */
function isCentered(program: Program, name: string): boolean {
  const node = program.graph.producer(name)
  const [left = '', right = ''] = node?.input.map((own) => through({ program, operators }, own, 'same values')) ?? []
  if (node?.opType === 'Div') return hasOneChannel(program, right) && isCentered(program, left)
  if (node?.opType === 'Mul') {
    return [
      [left, right],
      [right, left],
    ].some(([one = '', other = '']) => hasOneChannel(program, one) && isCentered(program, other))
  }
  if (node?.opType !== 'Sub') return false
  const mean = program.graph.producer(right)
  const of = through({ program, operators }, mean?.input[0] ?? '', 'same values')
  return (
    mean?.opType === 'ReduceMean' && of === left && hasOneChannel(program, right) && reducesLast(program, right, left)
  )
}

function hasOneChannel(program: Program, name: string): boolean {
  if (name === '') return false
  const { hasShape, dims } = program.tensor(name)
  return hasShape && dims.at(-1) === 1
}

/** Whether a value has all axes of another but for the last one. */
function reducesLast(program: Program, name: string, other: string): boolean {
  const [own, whole] = [program.tensor(name), program.tensor(other)]
  return own.rank === whole.rank && own.dims.slice(0, -1).every((dim, axis) => dim === whole.dims[axis])
}

function isOverLast(program: Program, node: NodeProto): boolean {
  const axis = Number(node.attribute.find(({ name }) => name === 'axis')?.i ?? -1)
  const { rank } = program.tensor(node.input[0] as string)
  return axis === -1 || axis === rank - 1
}

/** A constant with one number for each channel, or one for all. */
function perChannel(program: Program, name: string | undefined, size: number): Float64Array | undefined {
  if (name === undefined || name === '') return undefined
  const constant: ConstantData | undefined = constantData(program.tensor(name))
  if (constant === undefined) return undefined
  const { data, dims } = constant
  if (data.length === 1) return new Float64Array(size).fill(Number(data[0]))
  return data.length === size && dims.at(-1) === size ? Float64Array.from(data, Number) : undefined
}

function smallest(scale: Float64Array): number {
  let best = 0
  for (const [i, value] of scale.entries()) if (Math.abs(value) < Math.abs(scale[best] as number)) best = i
  return best
}

function withoutNorm(name: string, seen: string, node?: NodeProto): Refused {
  const reason = `the states "${name}" are not what a LayerNorm with constant weights gives (${seen})`
  const advice = 'so no channel of them is free for weights; use restore nearest'
  return new Refused('TP_STATES', `${reason}, ${advice}`, node)
}
