import { decodeModel, encodeModel, type GraphProto, type Model } from '@tp/onnx'

/** The same model with its nodes in another order that is still topological, and every name replaced. */
export interface Disguised {
  readonly model: Model
  /** New name of an input or output. */
  readonly nameOf: (name: string) => string
  readonly oldNameOf: (name: string) => string
}

/**
 * `sizes` renames the named sizes of inputs and outputs.
 * @param seed decides order and names
 */
export function disguise(model: Model, seed: number, sizes: Readonly<Record<string, string>> = {}): Disguised {
  const copy = decodeModel(encodeModel(model), model.external ? { external: model.external } : {})
  const graph = copy.proto.graph as GraphProto
  const names = new Map<string, string>()
  const nameOf = (name: string): string => {
    if (name === '') return ''
    const known = names.get(name) ?? `v${(names.size * 7919 + seed) % 100003}`
    names.set(name, known)
    return known
  }
  graph.node = shuffled(graph.node, seed)
  for (const value of [...graph.input, ...graph.output, ...graph.valueInfo]) {
    value.name = nameOf(value.name)
    const { type } = value
    if (type?.value.case !== 'tensorType') continue
    for (const dim of type.value.value.shape?.dim ?? []) {
      if (dim.value.case === 'dimParam') dim.value.value = sizes[dim.value.value] ?? dim.value.value
    }
  }
  for (const tensor of graph.initializer) tensor.name = nameOf(tensor.name)
  for (const node of graph.node) {
    node.name = ''
    node.input = node.input.map(nameOf)
    node.output = node.output.map(nameOf)
  }
  const old = new Map([...names].map(([from, to]) => [to, from]))
  return {
    model: decodeModel(encodeModel(copy), model.external ? { external: model.external } : {}),
    nameOf,
    oldNameOf: (name) => old.get(name) ?? name,
  }
}

/** Nodes in an order chosen by chance among those in which every node comes after those it reads. */
function shuffled<T extends { readonly input: string[]; readonly output: string[] }>(
  nodes: readonly T[],
  seed: number,
): T[] {
  const left = [...nodes]
  const pending = new Set(nodes.flatMap((node) => node.output))
  const result: T[] = []
  for (let step = seed; left.length > 0; step++) {
    const ready = left.filter((node) => !node.input.some((name) => pending.has(name)))
    const next = ready[(step * 31) % ready.length] as T
    left.splice(left.indexOf(next), 1)
    for (const name of next.output) pending.delete(name)
    result.push(next)
  }
  return result
}
