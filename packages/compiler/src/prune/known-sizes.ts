import { constantOf } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import type { Program } from '../program/program.ts'

/**
 * Writes down the whole numbers that a graph computes from sizes known beforehand, such as those of an image. Exact; a runtime can then compute
 * when it loads the model what depends on them alone. In a ViT whose position embeddings are resized to the grid of patches, that
 * took a sixth of each run.
 * @param program with what is known of its values as they are now
 */
export function writeKnownSizes(program: Program): void {
  const { graph } = program
  const known = new Set(graph.nodes.filter((node) => isKnown(program, node)))
  for (const { output } of known) {
    const name = output[0] as string
    if (graph.consumers(name).every(({ node }) => known.has(node))) continue
    const { dtype, dims, value } = program.tensor(name)
    const contents = { dtype, dims: dims as readonly number[] }
    const expression = constantOf(contents, () => Float64Array.from(value as number[]))
    graph.replaceAllUses(name, program.write(expression, new Map(), { prefix: name }).name, { except: known })
  }
  graph.removeDeadNodes()
}

/** True if the result of a node is whole numbers, all known, and no output of the model. */
function isKnown(program: Program, { opType, output: [name = '', ...others] }: NodeProto): boolean {
  if (opType === 'Constant' || others.length > 0 || name === '' || program.graph.isOutput(name)) return false
  const { dtype, value } = program.tensor(name)
  return (dtype === 'int64' || dtype === 'int32') && value !== undefined && value.every(Number.isSafeInteger)
}
