import type { Model } from '@tp/onnx'
import { chooseEncoders, findEncoders } from './analyze/find-encoders.ts'
import { type Layer, stackEnd } from './analyze/layer.ts'
import { openModel } from './normalize/open.ts'
import { type Program, withEqualSizes } from './program/program.ts'
import { type Refusal, Refused, refusalOf } from './program/refusal.ts'

export interface HeadWeights {
  readonly ok: true
  /** Names of initializers. */
  readonly names: ReadonlySet<string>
}

/**
 * Weights of a model that are only read downstream of its last layer: final norm, pooler and classifier. One that is also read
 * upstream or outside of the encoder (a table that a head shares with the embeddings) is not among them.
 * @param options.encoder name of the encoder, in a file that holds several
 */
export function headWeights(
  model: Model,
  { encoder }: { readonly encoder?: string } = {},
): HeadWeights | { readonly ok: false; readonly refusal: Refusal } {
  try {
    return withEqualSizes(() => {
      const { program } = openModel(model)
      const [{ layers }] = chooseEncoders(findEncoders(program), encoder)
      const last = stackEnd(program, layers.at(-1) as Layer)
      if (last === undefined) {
        const reason = "the end of the last layer was not found, so it is not known which weights are the head's"
        throw new Refused('TP_RESTORE', reason)
      }
      return { ok: true, names: onlyReadDownstream(program, last) }
    })
  } catch (error) {
    return { ok: false, refusal: refusalOf(error) }
  }
}

function onlyReadDownstream(program: Program, end: string): Set<string> {
  const { graph } = program
  const before = program.before(end)
  const known = new Map<string, boolean>()
  /** Whether everything that is computed from a constant comes from the end of the layers as well. */
  const isDownstream = (name: string): boolean => {
    const found = known.get(name)
    if (found !== undefined) return found
    const readers = graph.consumers(name).map(({ node }) => node)
    const outputs = readers.flatMap((node) => node.output.filter((output) => output !== ''))
    const is =
      !(before.has(name) || graph.isOutput(name)) &&
      outputs.length > 0 &&
      outputs.every(
        (output) => program.before(output).has(end) || (!program.dependsOnInputs(output) && isDownstream(output)),
      )
    known.set(name, is)
    return is
  }
  return new Set(graph.initializers.map(({ name }) => name).filter(isDownstream))
}
