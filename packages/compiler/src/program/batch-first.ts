import type { Program } from './program.ts'

/** Names of views with the batch first begin with it, and of what is turned back from them end so. */
export const VIEW = 'tp/batch_first/'
export const BACK = '/back'

/** True for the name of a view. */
export function isView(name: string): boolean {
  return name.startsWith(VIEW) && !name.endsWith(BACK)
}

/** The view of a value with the batch first, if it has one; else the value itself. */
export function batchFirst(program: Program, name: string): string {
  const { graph } = program
  const producer = graph.producer(name)
  if (name.startsWith(VIEW) && name.endsWith(BACK) && producer?.opType === 'Transpose')
    return producer.input[0] as string
  const readers = graph.consumers(name)
  const view = readers[0]?.node.output[0]
  return readers.length === 1 && view !== undefined && isView(view) ? view : name
}
