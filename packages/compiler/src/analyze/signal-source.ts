import type { NodeProto } from '@tp/onnx'
import { operatorName, type Trait } from '../operators/operator.ts'
import { hasTrait, operatorOf } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import type { Encoder } from './encoder.ts'
import { type PatchOrder, spectrogramPatches } from './spectrogram-patches.ts'

/**
 * The input that convolutions over time turn into tokens: mel frames [b,F,T], samples [b,T], [b,1,T] or [b,2,T], or patches of a
 * spectrogram [b,T,F].
 */
export interface SignalSource {
  /** Input of the model. */
  readonly input: string
  /** Position j in time is made from `window` steps, of which the first is `offset` + j · `stride`; those outside are zeros. */
  readonly offset: number
  readonly stride: number
  readonly window: number
  /** Which position in time a token has, where that is not its own number. */
  readonly patches?: PatchOrder
  /** Value [b,C,n] of the last convolution on the way, which has a step for each token; absent for patches. */
  readonly steps?: string
}

/** Between a model's input and its first convolution: operators that leave each step of time as it is. */
const passing: readonly Trait[] = ['same values', 'rounded values', 'rounded by range', 'unit axes']

/** Operators between convolutions, besides those on each element: layouts, norms, and means that are part of norms. */
const betweenSteps: readonly Trait[] = ['moved values', 'norm', 'average']

/** Operators that mix steps of time. After the tokens are made, anything else may follow: projections, masks. */
const mixing: readonly Trait[] = ['grid', 'recurrent']

/**
 * The steps of the model's input that each token of an encoder is made from.
 * @throws Refused TP_NO_SIGNAL where tokens are not made by convolutions over the time of one input
 */
export function findSignalSource(
  program: Program,
  { layers, name, apart }: Pick<Encoder, 'layers' | 'name' | 'apart'>,
): SignalSource {
  const stream = layers[0]?.input as string
  const upstream = program.upstream([stream])
  const convolutions = program.graph.nodes.filter((node) => hasTrait(node, 'convolution') && upstream.has(node))
  const [first] = convolutions
  const makesPatches = first !== undefined && program.tensor(first.output[0] as string).rank === 4
  const reads = first && sourceOf(program, first, makesPatches)
  const read = program.graph.inputs.find((input) => input.name === reads)
  if (first === undefined || read === undefined) {
    throw refused('its tokens are not made by convolutions over an input of mel frames or samples')
  }
  const tokens = program.tensor(stream).dims[1]
  let reach = { offset: 0, stride: 1, window: 1 }
  let reached = false
  let before: string | undefined
  let made: string | undefined
  const convolved = new Set(convolutions)
  if (makesPatches) {
    const isLeading = apart.every((position, i) => position === i)
    const patches =
      isLeading && convolutions.length === 1 ? spectrogramPatches(program, first, read.name, stream) : undefined
    if (patches === undefined)
      throw refused('its tokens are patches, and the steps of time that they cover are unknown', first)
    reached = true
    requireSteps(first.output[0] as string, stream)
    return { input: read.name, ...through(program, first, reach, patches.time === 'row' ? 0 : 1), patches }
  }
  for (const node of convolutions) {
    const [x, output] = [node.input[0] as string, node.output[0] as string]
    if (program.tensor(output).rank !== 3) throw refused('its tokens are patches, not steps of time', node)
    if (before !== undefined && !program.before(x).has(before))
      throw refused('its convolutions are not one chain', node)
    if (before !== undefined) requireSteps(before, x)
    const next = through(program, node, reach)
    // A convolution of positions comes after those that make the tokens: it moves by one, whatever it adds to the length.
    if (reached && next.stride !== reach.stride) throw refused('a convolution changes the number of its tokens', node)
    reach = next
    reached ||= program.tensor(output).dims[2] === tokens
    if (reached) made ??= output
    before = output
  }
  if (!reached)
    throw refused('the last convolution does not have as many steps as there are tokens', convolutions.at(-1))
  requireSteps(before as string, stream)
  return { input: read.name, ...reach, ...(made !== undefined && { steps: made }) }

  /** Between a convolution and what reads it, each step of time has to stay one. */
  function requireSteps(from: string, to: string): void {
    const values = program.after(from)
    values.delete(from)
    for (const name of program.before(to, from)) {
      const node = values.has(name) ? program.graph.producer(name) : undefined
      if (node === undefined || convolved.has(node)) continue
      const isStep = operatorOf(node)?.elementwise !== undefined || hasTrait(node, ...betweenSteps)
      if (reached ? hasTrait(node, ...mixing) : !isStep) {
        throw refused(`${operatorName(node)} between its convolutions may mix steps of time`, node)
      }
    }
    const [made, kept] = [from, to].map((name) => program.tensor(name).dims[2])
    if (!reached && made !== kept) throw refused('the number of steps changes between its convolutions')
  }

  function refused(reason: string, node?: NodeProto): Refused {
    const seen = `which tokens carry no signal cannot be told from the input ${name}: ${reason}`
    return new Refused('TP_NO_SIGNAL', `${seen}; padding that a mask marks is pruned by any method`, node)
  }
}

type Reach = Pick<SignalSource, 'offset' | 'stride' | 'window'>

/** The steps from which one convolution makes a step, along one of its axes. */
function through(program: Program, node: NodeProto, { offset, stride, window }: Reach, axis = 0): Reach {
  const { attributes } = program.tensor(node.output[0] as string).node
  const [kernel, step, dilation, pad] = ['kernel_shape', 'strides', 'dilations', 'pads'].map(
    (name) => (attributes[name] as readonly number[])[axis],
  ) as [number, number, number, number]
  return { offset: offset - pad * stride, stride: stride * step, window: window + (kernel - 1) * dilation * stride }
}

/** The value that a convolution reads, up to operators that only change its form; patches may be turned, too. */
function sourceOf(program: Program, { input: [name = ''] }: NodeProto, makesPatches: boolean): string {
  const node = program.graph.producer(name)
  const isPassed = node !== undefined && (hasTrait(node, ...passing) || (makesPatches && node.opType === 'Transpose'))
  return isPassed ? sourceOf(program, node, makesPatches) : name
}
