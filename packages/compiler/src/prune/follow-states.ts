import { slice, type Tensor } from '@tp/core'
import { cloneModel, Graph, type Model, type NodeProto } from '@tp/onnx'
import type { StatesInput } from '../analyze/states-inputs.ts'
import { openModel } from '../normalize/open.ts'
import { commit, counts, placeholder } from '../operators/flow.ts'
import { follow } from '../operators/follow.ts'
import type { Flow } from '../operators/operator.ts'
import { bodiesOf, putBack } from '../program/body.ts'
import type { Named, Program } from '../program/program.ts'
import { nameOf, Refused } from '../program/refusal.ts'
import { foldOpened } from './fold.ts'
import { editing, leadingRows, Rewriter } from './rows.ts'
import { isUniform } from './uniform.ts'

/** Name of the number of states while they are followed. No size of a file has a name with a prime. */
const STATES = "T'states"

/** Of the names of what is computed for it. */
const PREFIX = 'tp/states'

/** A model in which nothing hangs on the number of states, and how much had to be changed for that. */
export interface Followed {
  readonly model: Model
  /** Inputs of nodes that read something else now. */
  readonly edits: number
  /** Outputs with a row for each state, and their shapes. */
  readonly outputs: ReadonlyMap<string, Tensor>
}

/**
 * Makes all that a decoder computes from states follow their number, `count` in the file, in the branches of an If, too.
 * @throws Refused
 */
export function followStates(source: Model, inputs: readonly StatesInput[], count: number): Followed {
  const { program, expansions } = openModel(declaring(source, inputs, count))
  const [first] = inputs as [StatesInput]
  let edits = 0
  const rewriter = new Rewriter(program, first.name, leadingRows(count), STATES, PREFIX)
  const flow: Flow = {
    ...editing(rewriter),
    count: STATES,
    before: count,
    changed: new Map(inputs.map((input) => [input.name, open(program, input)])),
    take: (name, axes, _, reader) => {
      if (!axes.every((axis) => isUniform(program, name, axis))) throw ownNumbers(program, name, axes, reader, count)
      return firstAlong(program, name, axes, reader)
    },
    rewire(node, index, name) {
      edits += 1
      rewriter.rewire(node, index, name)
    },
    reads: () => {},
    readsAt: () => {},
  }
  follow(flow)
  commit(flow)
  const outputs = new Map([...flow.changed].filter(([name]) => program.graph.isOutput(name)))
  for (const node of program.graph.nodes) {
    for (const body of bodiesOf(program.model, node)) {
      const own = inputs.filter(({ name }) => body.model.proto.graph?.input.some((input) => input.name === name))
      if (own.length === 0) continue
      const inside = followStates(body.model, own, count)
      edits += inside.edits
      putBack(body, inside.model, program.model)
      for (const [i, { name }] of body.branch.output.entries()) {
        const tensor = inside.outputs.get(name)
        const output = node.output[i] as string
        if (tensor === undefined) continue
        requireUnread(program, node, output)
        outputs.set(output, tensor)
      }
    }
  }
  foldOpened(program, expansions)
  for (const [name, { dtype, dims }] of outputs) {
    const declared = program.graph.valueInfo(name)?.dims
    program.graph.setValueInfo(
      name,
      dtype,
      dims.map((dim, axis) => (counts(flow, dim) || declared?.[axis] === '?' ? undefined : declared?.[axis])),
    )
  }
  return { model: program.model, edits, outputs }
}

/** A copy in which the number of states is that of the dense encoder: built-in numbers show by it. */
function declaring(source: Model, inputs: readonly StatesInput[], count: number): Model {
  const model = cloneModel(source)
  const graph = new Graph(model)
  for (const { name, dtype, dims, axis } of inputs) {
    graph.setValueInfo(
      name,
      dtype,
      dims.map((dim, i) => (i === axis ? count : dim === '?' ? undefined : dim)),
    )
  }
  return model
}

function open(program: Program, { name, axis }: StatesInput): Tensor {
  const tensor = program.tensor(name)
  return placeholder(
    name,
    tensor,
    tensor.dims.map((dim, i) => (i === axis ? STATES : dim)),
  )
}

/** One entry is enough for values that are the same for each state: their readers repeat it. */
function firstAlong(program: Program, name: string, axes: readonly number[], reader: NodeProto): Named {
  const tensor = program.tensor(name)
  const value = placeholder(name, tensor, tensor.dims)
  const first = axes.reduce((x, axis) => slice(x, { axis, start: 0, end: 1 }), value)
  return program.write(first, new Map([[value, name]]), { prefix: PREFIX, before: reader })
}

function ownNumbers(
  program: Program,
  name: string,
  axes: readonly number[],
  reader: NodeProto,
  count: number,
): Refused {
  const { dims } = program.tensor(name)
  const what = `each of the ${count} states meets an entry of its own (of "${name}", [${dims.join(',')}], axis ${axes.join(', ')})`
  return new Refused(
    'TP_POSITIONS',
    `${what}, and the decoder does not know which of them belong to the kept states; prune with --set restore=nearest`,
    nameOf(reader),
  )
}

function requireUnread({ graph }: Program, node: NodeProto, output: string): void {
  const [reader] = graph.consumers(output)
  if (reader === undefined) return
  const what = `a value with a row for each state comes out of an If and is read by "${nameOf(reader.node)}"`
  throw new Refused('TP_CONTROL_FLOW', `${what}, where it cannot be followed`, node)
}
