import type { FolderGraph, FolderGraphs } from './graphs.ts'

/** One step of changing a folder: a graph, perhaps with a decoder that reads its states. */
export interface GraphRun {
  readonly graph: FolderGraph
  readonly decoder?: FolderGraph
  /** The graphs of the step that no earlier step has written; they are left out of the folder where it is refused. */
  readonly writes: readonly FolderGraph[]
}

/**
 * The steps in which a folder is pruned or packed: the main graph, in each of its precisions, and an encoder once for each decoder that
 * reads its states. An encoder that is pruned twice is the same both times.
 */
export function graphRuns({ main, variants, decoders }: FolderGraphs): readonly [GraphRun, ...GraphRun[]] {
  const [decoder, ...others] = decoders
  const read = decoder && { decoder }
  return [
    { graph: main, ...read, writes: [main, ...(decoder ? [decoder] : [])] },
    ...others.map((own) => ({ graph: main, decoder: own, writes: [own] })),
    ...variants.map((graph) => ({ graph, ...read, writes: [graph] })),
  ]
}

/** The steps in which a folder is stored in 8 bits: all its graphs in float32, the main one first. */
export function floatRuns({ main, variants, decoders, others }: FolderGraphs): readonly [GraphRun, ...GraphRun[]] {
  const floats = [...decoders, ...variants, ...others].filter(({ dtype }) => dtype === 'fp32')
  return [{ graph: main, writes: [main] }, ...floats.map((graph) => ({ graph, writes: [graph] }))]
}
