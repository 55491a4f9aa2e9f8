import { hasTrait } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'

/** Tables that rows are chosen from by a value: weights, and not computed from the inputs. */
export function tablesChosenFrom(program: Program, by: string): string[] {
  const tables: string[] = []
  const seen = new Set([by])
  // Values that are added to a set during its iteration are reached as well.
  for (const name of seen) {
    for (const { node, index } of program.graph.consumers(name)) {
      const [table = '', output = ''] = [node.input[0], node.output[0]]
      if (node.opType === 'Gather' && index === 1 && !program.dependsOnInputs(table)) tables.push(table)
      else if (index === 0 && hasTrait(node, 'same values', 'moved values')) seen.add(output)
    }
  }
  return tables
}
