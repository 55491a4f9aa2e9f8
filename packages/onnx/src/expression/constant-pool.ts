import type { ConstantData } from '@tp/core/expression'
import { sizeOf } from '@tp/core/runtime'
import type { Graph } from '../graph/graph.ts'

/** Larger constants are compared by identity: hashing weights costs more than it saves. */
const mostHashed = 1024

const pools = new WeakMap<Graph, ConstantPool>()

/** The constants that were emitted into one graph, so that equal ones are stored once for all sites. */
export class ConstantPool {
  readonly #graph: Graph
  readonly #byContents = new Map<string, string>()
  readonly #byIdentity = new WeakMap<ConstantData, string>()

  private constructor(graph: Graph) {
    this.#graph = graph
  }

  static of(graph: Graph): ConstantPool {
    let pool = pools.get(graph)
    if (pool === undefined) {
      pool = new ConstantPool(graph)
      pools.set(graph, pool)
    }
    return pool
  }

  /** Name of an initializer with these contents; a new one begins with the prefix. */
  add(contents: ConstantData, prefix: string): string {
    const key = sizeOf(contents.dims) > mostHashed ? undefined : contentsKey(contents)
    const known = key === undefined ? this.#byIdentity.get(contents) : this.#byContents.get(key)
    // A pass may have removed it since, when its last reader went.
    if (known !== undefined && this.#graph.initializer(known) !== undefined) return known
    const name = this.#graph.uniqueName(`${prefix}/constant`)
    this.#graph.addInitializer(name, contents)
    if (key === undefined) this.#byIdentity.set(contents, name)
    else this.#byContents.set(key, name)
    return name
  }
}

function contentsKey({ dtype, dims, data }: ConstantData): string {
  // -0 and 0 differ as constants, and print alike.
  const elements = Array.from(data, (element) => (Object.is(element, -0) ? '-0' : String(element)))
  return `${dtype}[${dims}]${elements}`
}
